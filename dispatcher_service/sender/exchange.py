"""A callback's request and its answer, as aiohttp's session sends and reads them: without what a callback does not use.

The session finds a connection, keeps it for the next request and hears of every failure; aiohttp's parser reads what
comes. Its own `ClientRequest` and `ClientResponse` can do much more: forms, files, compression, redirects, uploads that
wait, a task for each body; that was half of what a callback took (ADR 0042).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, MutableMapping
from ssl import SSLContext
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import hdrs
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from yarl import URL

Fence = Callable[[], bool]

_SWITCHING: Final = 101  # the only answer below 200 that is the last one
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # in a line of a head: RFC 9110, 5.5


class Fenced(Exception):
    """The fence was down when the request was about to leave: nothing was sent."""


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """What is to be sent, and whether it still may be: the `data` of a request.

    The headers are in it, beside those of the session, since a session takes 2 µs to copy them one by one.
    """

    body: bytes
    headers: Mapping[str, str]
    fence: Fence


class Answer(ClientResponse):
    """What came back: a status, headers, and `content` to read from. `awaited`: the request has left.

    `refusal`: why it was not to leave.
    """

    awaited = False
    refusal: Exception | None = None

    def __init__(self, fence: Fence) -> None:
        """Nothing has come yet. The base class is not asked, since it begins what we have no use for."""
        self._cache = {}
        self._fence = fence

    async def start(self, connection: Connection) -> Answer:
        """Wait for the head. Raises Fenced and ClientError."""
        self._connection, protocol = connection, connection.protocol
        if protocol is None:
            raise aiohttp.ClientConnectionResetError("the connection broke before the request left")
        try:
            message, content = await protocol.read()
            while message.code < 200 and message.code != _SWITCHING:
                message, content = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientPayloadError(error.message) from error
        if not self.awaited:  # what came stood in the connection before: farewells of servers that close it, say
            raise self.refusal or (_unasked() if self._fence() else Fenced())
        self.status, self._raw_headers, self.content = message.code, message.raw_headers, content
        content.on_eof(self._ended)
        return self

    def _ended(self) -> None:
        """All of it is here: another request may have the connection, unless a part of this one has still to leave."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        transport = connection.transport
        if transport is not None and transport.get_write_buffer_size():
            connection.close()
        else:
            connection.release()

    def close(self) -> None:
        """Nobody wants the rest: the connection ends."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Request(ClientRequest):
    """A POST of a Parcel."""

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        headers: MutableMapping[str, str],
        data: Parcel,
        auth: aiohttp.BasicAuth | None,
        ssl: SSLContext | bool | aiohttp.Fingerprint,
        loop: asyncio.AbstractEventLoop,
        **_unused: Any,
    ) -> None:
        """The base class is not asked, since it makes much that is not sent.

        `headers` are those that the session sends with every request, `auth` is what the URL says of a user.
        """
        self.method, self.url, self.loop = method, url, loop
        self.proxy = self.proxy_auth = self.proxy_headers = self.server_hostname = None
        self._ssl, self._parcel, self._general = ssl, data, headers
        if auth is not None:
            headers[hdrs.AUTHORIZATION] = auth.encode()

    async def send(self, conn: Connection) -> Answer:
        """Let it leave in one write, after all who are at work in this turn of the event loop. Raises ValueError.

        Requests that leave one right after the other find the receiver awake; where each has to wake it, that alone may
        take as long as all the rest. If the fence has come down by then, the answer's `start` raises Fenced.
        """
        answer = Answer(self._parcel.fence)
        self.loop.call_soon(self._leave, conn, self._head() + self._parcel.body, answer)
        return answer

    def _leave(self, connection: Connection, written: bytes, answer: Answer) -> None:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or transport.is_closing():
            return  # given up, or broken: then whoever waits is told by the protocol
        try:
            refusal: Exception | None = None if self._parcel.fence() else Fenced()
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            refusal = error
        if refusal is None and protocol.should_close:  # something has come since the connection was chosen
            refusal = _unasked()
        if refusal is None:
            answer.awaited = True
            transport.write(written)
        else:
            answer.refusal = refusal
            protocol.set_exception(refusal)

    def _head(self) -> bytes:
        url, headers = self.url, self._parcel.headers
        named = set(map(str.lower, headers))
        lines = [
            f"{self.method} {url.raw_path_qs} HTTP/1.1",
            f"Host: {url.host_port_subcomponent}",
            *[f"{name}: {value}" for name, value in self._general.items() if name.lower() not in named],
            *[f"{name}: {value}" for name, value in headers.items()],
            f"Content-Length: {len(self._parcel.body)}",
        ]
        if not "".join(lines).isprintable() and any(map(_FORBIDDEN.search, lines)):
            raise ValueError("a header has a control character")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _unasked() -> Exception:
    return aiohttp.ClientPayloadError("an answer came before the request left")
