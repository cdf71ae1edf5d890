"""A bus between the service under test and dispatchers that do nothing but listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from shared.bus.port import Bus, Publisher, Session, SessionEvents
from shared.messages.catalogue import ToShard
from shared.messages.codec import decode_to_shard


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A bus and a way into it."""

    bus: Bus
    publisher: Publisher


over_every_bus = pytest.mark.parametrize("wire", ["local", "rabbit"], indirect=True)


@asynccontextmanager
async def owner_of(wire: Wire, *shards: int) -> AsyncIterator[Session]:
    """A session that owns these shards."""
    events = SessionEvents(
        on_lost=lambda _: None, on_shard_lost=lambda _: None, on_bell=lambda: None, on_time=lambda _: None
    )
    session = await wire.bus.open_session(events)
    try:
        for shard in shards:
            assert await session.claim(shard)
        yield session
    finally:
        await session.close()


async def heard(session: Session) -> ToShard:
    """The next thing that arrives in an inbox of the session."""
    async with asyncio.timeout(20):
        delivery = await anext(session.deliveries())
        await delivery.ack()
        return decode_to_shard(delivery.body)


class Letter:
    """A delivery in the hand, which remembers what became of it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.shard = None
        self.answers: list[str] = []

    async def ack(self) -> None:
        self.answers.append("ack")

    async def bury(self) -> None:
        self.answers.append("bury")
