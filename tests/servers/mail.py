"""A mail server in this process, on a port of its own: it keeps what it accepts, and refuses whom it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """A real SMTP server that may be away and come back; `accounts` are who may log in, with their passwords."""

    def __init__(self, accounts: dict[str, str] | None = None) -> None:
        self._accounts = accounts
        self._server: asyncio.Server | None = None
        self._sessions: list[SMTP] = []
        self._mails: asyncio.Queue[EmailMessage] = asyncio.Queue()
        self.answers: dict[str, str] = {}  # what a recipient is answered with, instead of 250
        self.accepted: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.greeted_by: list[str] = []
        self.logged_in: list[bytes] = []
        self.data_answer = "250 OK"
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, at the same port as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody is there any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        self._sessions.clear()

    async def mail(self) -> EmailMessage:
        """The next mail that is accepted."""
        async with asyncio.timeout(20):
            return await self._mails.get()

    async def handle_EHLO(self, _: Any, session: Session, __: Any, name: str, answers: list[str]) -> list[str]:  # noqa: N802
        session.host_name = name
        self.greeted_by.append(name)
        return answers

    async def handle_RCPT(self, _: Any, __: Any, envelope: Envelope, address: str, ___: Any) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answer.startswith("250"):
            mail = message_from_bytes(cast("bytes", envelope.content), policy=SMTPUTF8)
            self.accepted.append(mail)
            self.recipients += envelope.rcpt_tos
            self._mails.put_nowait(mail)
        return self.data_answer

    def _protocol(self) -> SMTP:
        session = SMTP(
            self,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=self._authenticate if self._accounts is not None else None,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.append(session)
        return session

    def _authenticate(self, _: Any, __: Any, ___: Any, ____: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        assert self._accounts is not None
        self.logged_in.append(login.login)
        known = self._accounts.get(login.login.decode()) == login.password.decode()
        return AuthResult(success=known, handled=False)


@asynccontextmanager
async def mail_server(accounts: dict[str, str] | None = None) -> AsyncIterator[MailServer]:
    server = MailServer(accounts)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
