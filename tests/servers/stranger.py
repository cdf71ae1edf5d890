"""A stranger's receiver on loopback that speaks TCP by hand, so that it can answer as badly as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Manners = Callable[["Visit"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(slots=True)
class Visit:
    """One request on one connection."""

    connection: int
    head: str
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split("\r\n")[0]

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case."""
        pairs = (line.partition(": ") for line in self.head.split("\r\n")[1:] if line)
        return {name.lower(): value for name, _, value in pairs}

    async def say(self, answer: bytes) -> None:
        """Send this."""
        self.writer.write(answer)
        await self.writer.drain()


@dataclass(slots=True)
class Stranger:
    """Everything it was sent, and how it answers."""

    manners: Manners
    port: int = 0
    connections: int = 0
    visits: list[Visit] = field(default_factory=list)
    bytes_taken: int = 0
    visited: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        self.connections += 1
        self.writers.add(writer)
        number = self.connections
        try:
            while head := await _head(reader):
                body = await reader.readexactly(_length(head))
                self.visits.append(Visit(connection=number, head=head, body=body, writer=writer))
                self.bytes_taken += len(head) + len(body)
                self.visited.set()
                await self.manners(self.visits[-1])
        except (OSError, asyncio.IncompleteReadError):
            pass  # the visitor has left, which is the visitor's right
        finally:
            self.writers.discard(writer)
            writer.close()
            self.gone.set()


async def polite(visit: Visit) -> None:
    """200 ok."""
    await visit.say(OK)


@asynccontextmanager
async def stranger(manners: Manners = polite) -> AsyncIterator[Stranger]:
    """Listening on a free port; every connection has ended afterwards."""
    one = Stranger(manners=manners)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        for writer in tuple(one.writers):
            writer.transport.abort()
        await server.wait_closed()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""


def _length(head: str) -> int:
    for line in head.lower().split("\r\n"):
        name, _, value = line.partition(":")
        if name == "content-length":
            return int(value)
    return 0
