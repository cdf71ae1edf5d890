"""How does a mail leave? Through the operator's mail server, one connection a mail; nobody else imports aiosmtplib.

Where the server offers STARTTLS it is used, and its certificate must be good; smtps:// insists on TLS.
"""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

TIMEOUT = 10.0  # for one exchange
SEND_TIMEOUT = 30.0  # for the whole mail


class Refused(Exception):
    """The mail server will never take this mail."""


class Deferred(Exception):
    """The mail server does not take this mail now."""


class ServerAway(Exception):
    """The mail server cannot be reached, or takes no mail of ours at all."""


class SmtpServer:
    """A mail server, and the address that mails come from."""

    def __init__(self, url: str, *, sender: str) -> None:
        self.sender = sender
        self._options = options(url, sender=sender)

    async def send(self, message: EmailMessage, *, recipient: str) -> None:
        """Return once the server has accepted the mail. Raises Refused, Deferred and ServerAway."""
        try:
            # In a task of its own: aiosmtplib swallows a cancellation that meets its farewell, a TaskGroup does not.
            async with asyncio.timeout(SEND_TIMEOUT), asyncio.TaskGroup() as group:
                sending = group.create_task(self._send(message, recipient))
        except TimeoutError as error:
            raise ServerAway(f"not done within {SEND_TIMEOUT:g} s") from error
        if (failure := sending.result()) is not None:
            raise failure

    async def _send(self, message: EmailMessage, recipient: str) -> Refused | Deferred | ServerAway | None:
        try:
            await aiosmtplib.send(message, sender=self.sender, recipients=[recipient], **self._options)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _answered(error.recipients[0])
        except aiosmtplib.SMTPDataError as error:
            return _answered(error)
        except aiosmtplib.SMTPNotSupported as error:
            return Deferred(str(error))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return ServerAway(str(error) or type(error).__name__)
        return None


def options(url: str, *, sender: str) -> dict[str, Any]:
    """What the URL says, in aiosmtplib's words."""
    parts = urlsplit(url)
    return {
        "hostname": parts.hostname,
        "port": parts.port,
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "use_tls": parts.scheme == "smtps",
        # Who we say we are: to find out the machine's own name may take a name server's time.
        "local_hostname": sender.rpartition("@")[2],
        "timeout": TIMEOUT,
    }


def _answered(error: aiosmtplib.SMTPResponseException) -> Refused | Deferred:
    said = f"{error.code} {error.message}"
    return Refused(said) if error.code >= 500 else Deferred(said)
