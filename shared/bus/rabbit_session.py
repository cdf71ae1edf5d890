"""A session over RabbitMQ: one connection that owns shards by holding their exclusive queues, and never publishes.

It has one channel for what is asked again and again, one for the inboxes, and a few for claims, each replaced when it
is refused, because a refusal closes its channel. Where one of the first two ends, the session has ended.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiormq.abc
from aiormq import spec
from aiormq.exceptions import ChannelLockedResource, ChannelNotFoundEntity, ChannelPreconditionFailed

from shared.bus.port import BusUnavailable, Delivery, SessionEvents
from shared.bus.rabbit_wire import Patience, Wire, answer, expected_within
from shared.observability.logs import get_logger

if TYPE_CHECKING:
    from shared.bus.topology import QueueDeclaration, Topology

log = get_logger(__name__)

# Where more than aiormq's ten frames wait to be written, it drops its answer to a refusal, and the broker ends the
# connection when that channel's number is used again: of 100 refusals 16 at once cost a session, 8 none in 7,000.
CLAIMS_AT_ONCE: Final = 8
PREFETCH: Final = 200  # a shard's unacknowledged messages

# Another session's queue, a queue that is just being deleted, a queue of this name that is no inbox: try another time.
REFUSALS: Final = (ChannelLockedResource, ChannelNotFoundEntity, ChannelPreconditionFailed)

T = TypeVar("T")


class RabbitSession:
    """One connection that can own shards."""

    def __init__(self, topology: Topology, patience: Patience, events: SessionEvents) -> None:
        self._incarnation = uuid.uuid4().hex
        self._topology = topology
        self._patience = patience
        self._events = events
        self._owned: dict[int, str] = {}  # shard -> the tag of its inbox's consumer
        self._member: str | None = None
        self._claiming = asyncio.Semaphore(CLAIMS_AT_ONCE)
        self._probes: list[aiormq.abc.AbstractChannel] = []  # open, and used by nobody at the moment
        self._arrivals: asyncio.Queue[_InboxDelivery | None] = asyncio.Queue()  # bounded by the prefetch
        self._calls: set[asyncio.Task[Any]] = set()
        self._over: str | None = "not open yet"
        self._wire: Wire
        self._asking: aiormq.abc.AbstractChannel
        self._inboxes: aiormq.abc.AbstractChannel

    @classmethod
    async def open(cls, url: str, topology: Topology, *, patience: Patience, events: SessionEvents) -> RabbitSession:
        """A session that owns nothing. A session that could not be opened tells nobody that it is lost."""
        session = cls(topology, patience, events)
        session._wire = await Wire.open(url, topology, patience=patience, on_lost=session._lose)
        try:
            await session._listen()
        except BaseException:
            await session._wire.close()
            raise
        return session

    @property
    def incarnation(self) -> str:
        """A name that no other session ever had."""
        return self._incarnation

    async def renew(self) -> None:
        """A `get` on the empty lease queue passes the queue's majority, and works while publishers are blocked."""
        await self._run("renewing", self._asking.basic_get(self._topology.lease, no_ack=True))

    async def join(self) -> None:
        """Consume from the members' queue."""
        if self._member is None:
            self._member = uuid.uuid4().hex
            consuming = self._asking.basic_consume(self._topology.members, self._refuse, consumer_tag=self._member)
            await self._run("joining", consuming)

    async def leave(self) -> None:
        """Consume from the members' queue no longer."""
        if self._member is not None:
            member, self._member = self._member, None
            await self._run("leaving", self._asking.basic_cancel(member))

    async def members(self) -> int:
        """The members' queue's count of consumers."""
        declared = await self._run("counting", self._asking.queue_declare(self._topology.members, passive=True))
        return declared.consumer_count or 0

    async def claim(self, shard: int) -> bool:
        """Declare the inbox; who may is the owner."""
        return await self._run("claiming", self._claim(shard), waits=True)

    async def verify(self, shard: int) -> bool:
        """Is the inbox there, mine, and listened to?"""
        return await self._run("verifying", self._verify(shard), waits=True)

    async def release(self, shard: int) -> None:
        """Delete the inbox; what still lay in it is lost."""
        await self._run("releasing", self._release(shard), waits=True)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """What arrives, in order; nothing any more of a shard that was owned once."""
        while self._over is None:
            delivery = await self._arrivals.get()
            if delivery is None:
                self._arrivals.put_nowait(None)  # for whoever else is listening
            elif self._owned.get(delivery.shard) == delivery.tag:
                yield delivery

    async def close(self) -> None:
        """Hang up; the broker deletes what this connection held."""
        self._lose("closed")
        await self._wire.close()
        calls = tuple(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    # ------------------------------------------------------------------ behind the port

    async def _listen(self) -> None:
        self._asking = await self._wire.channel()
        self._inboxes = await self._wire.channel()
        topology = self._topology
        async with expected_within(self._patience.call, "listening"):
            await self._inboxes.basic_qos(prefetch_count=PREFETCH)
            await self._lend_an_ear(topology.bell(self._incarnation), topology.hungry, self._hear)
            await self._lend_an_ear(topology.ear_for_time(self._incarnation), topology.clock, self._hear_time)
        self._asking.on_consumer_cancel_callbacks.add(self._deafened)
        self._inboxes.on_consumer_cancel_callbacks.add(self._dispossessed)
        self._wire.depend_on(self._asking, "the session's channel")
        self._wire.depend_on(self._inboxes, "the inboxes' channel")
        if self._wire.lost is not None:
            raise BusUnavailable(f"lost while opening: {self._wire.lost}")
        self._over = None

    async def _lend_an_ear(self, ear: QueueDeclaration, exchange: str, hear: aiormq.abc.ConsumerCallback) -> None:
        await self._asking.queue_declare(
            ear.name, durable=ear.durable, exclusive=ear.exclusive, arguments=dict(ear.arguments)
        )
        await self._asking.queue_bind(ear.name, exchange)
        await self._asking.basic_consume(ear.name, hear, no_ack=True, consumer_tag=uuid.uuid4().hex)

    async def _claim(self, shard: int) -> bool:
        inbox = self._topology.inbox(shard)
        async with self._claiming, expected_within(self._patience.call, f"claiming shard {shard}"):
            if shard in self._owned:
                return True
            probe = await self._probing()
            try:
                await probe.queue_declare(
                    inbox.name, durable=inbox.durable, exclusive=inbox.exclusive, arguments=dict(inbox.arguments)
                )
            except REFUSALS as refusal:
                if not isinstance(refusal, ChannelLockedResource):
                    log.warning("bus.claim_refused", shard=shard, error=str(refusal))
                return False
            self._probes.append(probe)
            await self._inboxes.queue_bind(inbox.name, self._topology.changes, routing_key=str(shard))
            self._owned[shard] = tag = uuid.uuid4().hex

            async def arrive(message: aiormq.abc.DeliveredMessage) -> None:
                self._arrivals.put_nowait(_InboxDelivery(self, message, shard=shard, tag=tag))

            await self._inboxes.basic_consume(inbox.name, arrive, consumer_tag=tag)
            return shard in self._owned  # or it was taken away in between

    async def _verify(self, shard: int) -> bool:
        async with self._claiming, expected_within(self._patience.call, f"verifying shard {shard}"):
            if shard not in self._owned:
                return False
            probe = await self._probing()
            try:
                declared = await probe.queue_declare(self._topology.inbox(shard).name, passive=True)
            except REFUSALS:
                self._owned.pop(shard, None)
                return False
            self._probes.append(probe)
            return shard in self._owned and bool(declared.consumer_count)

    async def _release(self, shard: int) -> None:
        async with self._claiming, expected_within(self._patience.call, f"releasing shard {shard}"):
            tag = self._owned.pop(shard, None)
            if tag is not None:
                await self._inboxes.basic_cancel(tag)  # or the broker tells us, and the library logs, that it is gone
                await self._inboxes.queue_delete(self._topology.inbox(shard).name)

    async def _probing(self) -> aiormq.abc.AbstractChannel:
        """A channel to be refused on; whoever was not refused puts it back."""
        while self._probes:
            probe = self._probes.pop()
            if not probe.is_closed:
                return probe
        return await self._wire.channel()

    async def _run(self, what: str, call: Coroutine[Any, Any, T], *, waits: bool = False) -> T:
        """Run a call to its end, even where its caller is cancelled: a call cut short would close its channel.

        A call that `waits` for its turn counts its own seconds.
        """
        if self._over is not None:
            call.close()
            raise BusUnavailable(f"the session is over: {self._over}")
        task = asyncio.create_task(self._guarded(what, call, None if waits else self._patience.call))  # noqa: TID251 - kept in _calls
        self._calls.add(task)
        task.add_done_callback(self._called)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():  # by close(), and not its caller
                raise BusUnavailable(f"{what}: the session is over: {self._over}") from error
            raise

    async def _guarded(self, what: str, call: Coroutine[Any, Any, T], seconds: float | None) -> T:
        try:
            async with expected_within(seconds, what):
                result = await call
        except BaseException as error:
            self._lose(str(error) or type(error).__name__)
            raise
        if self._over is not None:
            raise BusUnavailable(f"{what}: the session is over: {self._over}")
        return result

    def _called(self, task: asyncio.Task[Any]) -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has seen it; whoever was cancelled does not care

    def _lose(self, reason: str) -> None:
        if self._over is None:
            self._over = reason
            self._owned.clear()
            self._arrivals.put_nowait(None)
            self._events.on_lost(reason)

    async def _hear(self, _: aiormq.abc.DeliveredMessage) -> None:
        if self._over is None:
            self._events.on_bell()

    async def _hear_time(self, message: aiormq.abc.DeliveredMessage) -> None:
        if self._over is None:
            self._events.on_time(message.body)

    async def _refuse(self, message: aiormq.abc.DeliveredMessage) -> None:
        """Nothing is ever sent to the members' queue; what is, must not stay there."""
        await message.channel.basic_reject(message.delivery_tag or 0, requeue=False)

    async def _dispossessed(self, frame: spec.Basic.Cancel) -> None:
        """The broker has taken an inbox away; nothing else tells."""
        shard = next((shard for shard, tag in self._owned.items() if tag == frame.consumer_tag), None)
        if shard is not None:
            del self._owned[shard]
            self._events.on_shard_lost(shard)

    async def _deafened(self, _: spec.Basic.Cancel) -> None:
        self._lose("the queue of the members, of the bell or of the time was deleted")

    async def _answer(self, delivery: _InboxDelivery, *, understood: bool) -> None:
        if self._over is None and self._owned.get(delivery.shard) != delivery.tag:
            return  # its inbox is gone, and the message with it
        await self._run("answering", answer(delivery.message, understood=understood))


class _InboxDelivery:
    """A message from an inbox."""

    __slots__ = ("_session", "message", "shard", "tag")

    def __init__(self, session: RabbitSession, message: aiormq.abc.DeliveredMessage, *, shard: int, tag: str) -> None:
        self._session = session
        self.message = message
        self.shard = shard
        self.tag = tag

    @property
    def body(self) -> bytes:
        """The message's bytes."""
        return self.message.body

    async def ack(self) -> None:
        """It is dealt with."""
        await self._session._answer(self, understood=True)  # noqa: SLF001 - the two are one

    async def bury(self) -> None:
        """It cannot be understood."""
        await self._session._answer(self, understood=False)  # noqa: SLF001 - the two are one
