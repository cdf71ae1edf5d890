"""The desk at which a bus is tried: sessions, publishers and readers that close behind the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from shared.bus.port import Bus, BusUnavailable, Delivery, Publisher, Session, SessionEvents, Work

SHARDS = 16


class Heard:
    """What a session has told its owner."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.shards_lost: list[int] = []
        self.bells = 0
        self.times: list[bytes] = []
        self._news = asyncio.Event()

    @property
    def events(self) -> SessionEvents:
        return SessionEvents(on_lost=self._lost, on_shard_lost=self._shard_lost, on_bell=self._bell, on_time=self._time)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _lost(self, reason: str) -> None:
        self.lost.append(reason)
        self._news.set()

    def _shard_lost(self, shard: int) -> None:
        self.shards_lost.append(shard)
        self._news.set()

    def _bell(self) -> None:
        self.bells += 1
        self._news.set()

    def _time(self, body: bytes) -> None:
        self.times.append(body)
        self._news.set()


class Reader:
    """Reads in the background, so that a test can see what did not come."""

    def __init__(self, deliveries: AsyncIterator[Delivery], *, acks: bool = True) -> None:
        self.read: list[Delivery] = []
        self.error: Exception | None = None
        self._deliveries = deliveries
        self._acks = acks
        self._news = asyncio.Event()

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.read]

    async def run(self) -> None:
        try:
            async for delivery in self._deliveries:
                if self._acks:
                    await delivery.ack()
                self.read.append(delivery)
                self._news.set()
        except BusUnavailable as error:
            self.error = error
        self._news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.read) < count:
                self._news.clear()
                await self._news.wait()


class Desk:
    """Opens what a test needs, and closes it when the test is over."""

    def __init__(self, bus: Bus, stack: AsyncExitStack, tasks: asyncio.TaskGroup) -> None:
        self.bus = bus
        self.stack = stack
        self._tasks = tasks

    @classmethod
    @asynccontextmanager
    async def over(cls, bus: Bus) -> AsyncIterator[Desk]:
        await bus.prepare()
        async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
            yield cls(bus, stack, tasks)

    async def session(self) -> tuple[Session, Heard]:
        heard = Heard()
        session = await self.bus.open_session(heard.events)
        self.stack.push_async_callback(session.close)
        return session, heard

    def publisher(self) -> Publisher:
        publisher = self.bus.publisher()
        self.stack.push_async_callback(publisher.close)
        return publisher

    def reader(self, deliveries: AsyncIterator[Delivery], *, acks: bool = True) -> Reader:
        reader = Reader(deliveries, acks=acks)
        task = self._tasks.create_task(reader.run())
        self.stack.callback(task.cancel)
        return reader

    async def consumer(self, queue: Work) -> AsyncIterator[Delivery]:
        return await self.stack.enter_async_context(self.bus.consume(queue))


async def eventually(ask: Callable[[], Awaitable[bool]]) -> None:
    """Ask, a round trip each time, until the answer is yes."""
    async with asyncio.timeout(10):
        while not await ask():  # noqa: ASYNC110 - asking is the waiting
            await asyncio.sleep(0)


async def members_become(session: Session, count: int) -> None:
    async def are() -> bool:
        return await session.members() == count

    await eventually(are)


async def first(deliveries: AsyncIterator[Delivery]) -> Delivery:
    async with asyncio.timeout(10):
        return await anext(deliveries)
