"""A work queue inside one process: what waits, who reads it, and what comes again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

from shared.bus.port import OUTCOMES_HELD, BusUnavailable, Delivery, QueueState, Work
from shared.bus.topology import DELIVERY_LIMIT

QUEUE_LIMIT: Final = 100_000  # messages that wait
PREFETCH: Final = {Work.SNAPSHOTS: 4, Work.OUTCOMES: OUTCOMES_HELD}


@dataclass(slots=True, kw_only=True, eq=False)
class _Message:
    body: bytes
    expires: float | None
    returned: int = 0


class LocalQueue:
    """A durable queue. Of OUTCOMES only the first consumer who came gets any."""

    def __init__(self, work: Work, *, steady: Callable[[], float], bury: Callable[[bytes], None]) -> None:
        self.bury = bury
        self._work = work
        self._steady = steady
        self._waiting: deque[_Message] = deque()
        self._consumers: list[_Consumer] = []

    def put(self, body: bytes, *, expires_after: float | None = None) -> None:
        """Add a message; a full queue refuses."""
        self._expire()
        if len(self._waiting) >= QUEUE_LIMIT:
            raise BusUnavailable(f"the queue {self._work} is full")
        expires = None if expires_after is None else self._steady() + expires_after
        self._waiting.append(_Message(body=body, expires=expires))
        self.wake()

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[AsyncIterator[Delivery]]:
        """A consumer's deliveries, for as long as it is not dropped."""
        consumer = _Consumer(self)
        self._consumers.append(consumer)
        try:
            yield consumer
        finally:
            consumer.lose("closed")

    @property
    def state(self) -> QueueState:
        """What waits, and who reads it."""
        self._expire()
        readers = len(self._consumers)
        consumers = min(readers, 1) if self._work is Work.OUTCOMES else readers
        return QueueState(messages=len(self._waiting), consumers=consumers)

    def drop_consumers(self, reason: str) -> None:
        """Lose every consumer at once."""
        for consumer in tuple(self._consumers):
            consumer.lose(reason)

    # ------------------------------------------------------------------ for its consumers

    def take(self, consumer: _Consumer) -> _Message | None:
        """The next message, if this consumer may have one now."""
        self._expire()
        is_active = self._work is not Work.OUTCOMES or self._consumers[0] is consumer
        if not self._waiting or not is_active or len(consumer.held) >= PREFETCH[self._work]:
            return None
        message = self._waiting.popleft()
        consumer.held.append(message)
        return message

    def leave(self, consumer: _Consumer) -> None:
        """Take back what it held; what has come back too often is a dead letter."""
        self._consumers.remove(consumer)
        for message in reversed(consumer.held):
            message.returned += 1
            if message.returned > DELIVERY_LIMIT:
                self.bury(message.body)
            else:
                self._waiting.appendleft(message)
        consumer.held.clear()
        self.wake()

    def wake(self) -> None:
        """Something has changed for whoever waits."""
        for consumer in self._consumers:
            consumer.wake.set()

    def _expire(self) -> None:
        now = self._steady()
        while self._waiting and (expires := self._waiting[0].expires) is not None and expires <= now:
            self._waiting.popleft()


@dataclass(slots=True, eq=False)
class _Consumer:
    """One reader of a work queue: what it holds, and whether it has been lost."""

    queue: LocalQueue
    held: list[_Message] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lost: str | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        """The next one; raises BusUnavailable."""
        while True:
            self.require()
            if (message := self.queue.take(self)) is not None:
                return _WorkDelivery(self, message)
            self.wake.clear()
            await self.wake.wait()

    def settle(self, message: _Message) -> None:
        """This one is answered."""
        self.require()
        self.held.remove(message)
        self.queue.wake()

    def lose(self, reason: str) -> None:
        """What it held comes again, first."""
        if self.lost is None:
            self.lost = reason
            self.queue.leave(self)
            self.wake.set()

    def require(self) -> None:
        if self.lost is not None:
            raise BusUnavailable(f"consuming: {self.lost}")


class _WorkDelivery:
    """A message from a work queue."""

    __slots__ = ("_consumer", "_message")

    shard: None = None

    def __init__(self, consumer: _Consumer, message: _Message) -> None:
        self._consumer = consumer
        self._message = message

    @property
    def body(self) -> bytes:
        """The message's bytes."""
        return self._message.body

    async def ack(self) -> None:
        """It is dealt with."""
        self._consumer.settle(self._message)

    async def bury(self) -> None:
        """It cannot be understood."""
        self._consumer.settle(self._message)
        self._consumer.queue.bury(self._message.body)
