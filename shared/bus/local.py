"""The bus inside one process, for trying everything at once and for tests: no broker, the same behaviour.

Nothing here waits for the world. What is full refuses, as a broker in an alarm would; what is down is unavailable.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from shared.bus.local_work import LocalQueue
from shared.bus.port import BusUnavailable, Delivery, Queue, QueueState, SessionEvents, Work
from shared.bus.topology import DEAD_LETTERS_KEPT

INBOX_LIMIT: Final = 10_000  # messages of one session that nobody has read yet


class LocalBroker:
    """What RabbitMQ is to several processes. Work outlives an outage of it; sessions and inboxes do not."""

    def __init__(self, *, steady: Callable[[], float] | None = None) -> None:
        """`steady` counts the seconds until a message expires; the event loop's clock where it is left out."""
        self.dead_letters: deque[bytes] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.members: set[LocalSession] = set()
        self.owners: dict[int, LocalSession] = {}
        self.sessions: set[LocalSession] = set()
        self.queues = {queue: LocalQueue(queue, steady=self._now, bury=self.dead_letters.append) for queue in Work}
        self.is_up = True
        self._steady = steady

    def stop(self) -> None:
        """An outage: every connection is lost, and no new one is made until `start`."""
        self.is_up = False
        self.drop_connections()

    def start(self) -> None:
        """The outage is over."""
        self.is_up = True

    def drop_connections(self) -> None:
        """Lose every connection at once."""
        for session in tuple(self.sessions):
            session.lose("the connection was dropped")
        for queue in self.queues.values():
            queue.drop_consumers("the connection was dropped")

    def take_inbox(self, shard: int) -> None:
        """What an operator does who deletes a shard's queue."""
        if (owner := self.owners.pop(shard, None)) is not None:
            owner.dispossess(shard)

    def require(self) -> None:
        """Raise BusUnavailable during an outage."""
        if not self.is_up:
            raise BusUnavailable("the bus is down")

    def _now(self) -> float:
        return self._steady() if self._steady is not None else asyncio.get_running_loop().time()


class LocalBus:
    """The doors to a LocalBroker."""

    def __init__(self, broker: LocalBroker) -> None:
        self._broker = broker

    async def prepare(self) -> None:
        """Nothing needs to be declared."""
        self._broker.require()

    def publisher(self) -> LocalPublisher:
        """A publisher."""
        return LocalPublisher(self._broker)

    def consume(self, queue: Work) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Work off a queue."""
        self._broker.require()
        return self._broker.queues[queue].consuming()

    async def open_session(self, events: SessionEvents) -> LocalSession:
        """A session that owns nothing."""
        self._broker.require()
        return LocalSession(self._broker, events)


class LocalPublisher:
    """A way into the broker's queues."""

    def __init__(self, broker: LocalBroker) -> None:
        self._broker = broker

    async def to_shard(self, shard: int, body: bytes) -> bool:
        """To the owner, if there is one."""
        self._broker.require()
        owner = self._broker.owners.get(shard)
        if owner is None:
            return False
        owner.receive(shard, body)
        return True

    async def to_shards(self, messages: Sequence[tuple[int, bytes]]) -> Sequence[bool | BusUnavailable]:
        """One after the other: nothing here waits."""
        answers: list[bool | BusUnavailable] = []
        for shard, body in messages:
            try:
                answers.append(await self.to_shard(shard, body))
            except BusUnavailable as error:
                answers.append(error)
        return answers

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        """To the end of the queue."""
        self._broker.require()
        self._broker.queues[queue].put(body, expires_after=expires_after)

    async def ring_bell(self) -> None:
        """Every session hears it."""
        self._broker.require()
        for session in tuple(self._broker.sessions):
            session.hear()

    async def tell_time(self, body: bytes) -> None:
        """Every session hears it."""
        self._broker.require()
        for session in tuple(self._broker.sessions):
            session.hear_time(body)

    async def check(self) -> None:
        """Is the broker up?"""
        self._broker.require()

    async def queues(self) -> Mapping[Queue, QueueState]:
        """How they are now."""
        self._broker.require()
        broker = self._broker
        return {
            Queue.OUTCOMES: broker.queues[Work.OUTCOMES].state,
            Queue.SNAPSHOTS: broker.queues[Work.SNAPSHOTS].state,
            Queue.DEAD: QueueState(messages=len(broker.dead_letters), consumers=0),
            Queue.MEMBERS: QueueState(messages=0, consumers=len(broker.members)),
        }

    async def close(self) -> None:
        """There is nothing to let go of."""


class LocalSession:
    """Something that can own shards."""

    def __init__(self, broker: LocalBroker, events: SessionEvents) -> None:
        self._incarnation = uuid.uuid4().hex
        self._broker = broker
        self._events = events
        self._inboxes: dict[int, str] = {}  # shard -> the name of this ownership of it
        self._arrivals: asyncio.Queue[_InboxDelivery | None] = asyncio.Queue()
        self._over: str | None = None
        broker.sessions.add(self)

    @property
    def incarnation(self) -> str:
        """A name that no other session ever had."""
        return self._incarnation

    async def renew(self) -> None:
        """Is the session alive?"""
        self._require()

    async def join(self) -> None:
        """Be counted."""
        self._require()
        self._broker.members.add(self)

    async def leave(self) -> None:
        """Be counted no longer."""
        self._require()
        self._broker.members.discard(self)

    async def members(self) -> int:
        """How many are counted."""
        self._require()
        return len(self._broker.members)

    async def claim(self, shard: int) -> bool:
        """Whoever comes first owns it."""
        self._require()
        if self._broker.owners.setdefault(shard, self) is not self:
            return False
        self._inboxes.setdefault(shard, uuid.uuid4().hex)
        return True

    async def verify(self, shard: int) -> bool:
        """Is it this session's?"""
        self._require()
        return self._broker.owners.get(shard) is self

    async def release(self, shard: int) -> None:
        """Give it up, and what lay in its inbox."""
        self._require()
        if self._inboxes.pop(shard, None) is not None:
            del self._broker.owners[shard]

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """What arrives, in order; nothing any more of a shard that was owned once."""
        while self._over is None:
            delivery = await self._arrivals.get()
            if delivery is None:
                self._arrivals.put_nowait(None)  # for whoever else is listening
            elif self._inboxes.get(delivery.shard) == delivery.ownership:
                yield delivery

    async def close(self) -> None:
        """Give up everything."""
        self.lose("closed")

    # ------------------------------------------------------------------ for the broker

    def receive(self, shard: int, body: bytes) -> None:
        """Put a message into an inbox; a full one refuses."""
        if self._arrivals.qsize() >= INBOX_LIMIT:
            raise BusUnavailable(f"the inbox of shard {shard} is full")
        self._arrivals.put_nowait(_InboxDelivery(self, body, shard=shard, ownership=self._inboxes[shard]))

    def hear(self) -> None:
        """The bell rings."""
        self._events.on_bell()

    def hear_time(self, body: bytes) -> None:
        """Somebody tells the time."""
        self._events.on_time(body)

    def dispossess(self, shard: int) -> None:
        """An inbox was taken away."""
        if self._inboxes.pop(shard, None) is not None:
            self._events.on_shard_lost(shard)

    def lose(self, reason: str) -> None:
        """The session is over."""
        if self._over is not None:
            return
        self._over = reason
        self._broker.sessions.discard(self)
        self._broker.members.discard(self)
        for shard in self._inboxes:
            del self._broker.owners[shard]
        self._inboxes.clear()
        self._arrivals.put_nowait(None)
        self._events.on_lost(reason)

    def bury(self, body: bytes) -> None:
        """Put a message with the dead letters."""
        self._require()
        self._broker.dead_letters.append(body)

    def _require(self) -> None:
        if self._over is not None:
            raise BusUnavailable(f"the session is over: {self._over}")


class _InboxDelivery:
    """A message from an inbox."""

    __slots__ = ("_session", "body", "ownership", "shard")

    def __init__(self, session: LocalSession, body: bytes, *, shard: int, ownership: str) -> None:
        self._session = session
        self.body = body
        self.shard = shard
        self.ownership = ownership

    async def ack(self) -> None:
        """It is dealt with."""
        await self._session.renew()

    async def bury(self) -> None:
        """It cannot be understood."""
        self._session.bury(self.body)
