"""A name server in this process: every name is this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

LOOPBACK: Final = bytes((127, 0, 0, 1))
ADDRESS: Final = b"\x00\x01"  # the type A
QUESTION_AT: Final = 12
TTL: Final = (1).to_bytes(4)


class Names(asyncio.DatagramProtocol):
    """Answers over UDP; `asked` are the names that somebody wanted."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self.asked: set[str] = set()
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember how to answer."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        """One question, and its answer: for a type other than A there is a name, and nothing of that type."""
        assert self._transport is not None
        end = data.index(0, QUESTION_AT) + 5
        question = data[QUESTION_AT:end]
        self.asked.add(_name(question[:-5]))
        has = question[-4:-2] == ADDRESS
        head = data[:2] + b"\x81\x80" + (1).to_bytes(2) + has.to_bytes(2) + bytes(4)
        answer = b"\xc0\x0c" + question[-4:] + TTL + len(LOOPBACK).to_bytes(2) + LOOPBACK
        self._transport.sendto(head + question + (answer if has else b""), peer)


@asynccontextmanager
async def names() -> AsyncIterator[Names]:
    """Listening on a free port of the loopback interface."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()


def _name(labels: bytes) -> str:
    parts: list[str] = []
    while labels:
        size = labels[0]
        parts.append(labels[1 : size + 1].decode())
        labels = labels[size + 1 :]
    return ".".join(parts)
