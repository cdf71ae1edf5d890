"""Publishing over RabbitMQ: confirmed or refused, on a connection made at first use and again after each failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, cast

import aiormq
import aiormq.abc

from shared.bus.port import BusUnavailable, Queue, QueueState, Work
from shared.bus.rabbit_wire import Patience, Wire, expected_within

if TYPE_CHECKING:
    from shared.bus.topology import Topology


_FLEETING: Final = 1  # AMQP's delivery modes
_DURABLE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    wire: Wire
    channel: aiormq.Channel

    @property
    def is_usable(self) -> bool:
        return self.wire.lost is None and not self.channel.is_closed


class RabbitPublisher:
    """A way out; many tasks may publish at once, and their confirms overlap."""

    def __init__(self, url: str, topology: Topology, patience: Patience) -> None:
        self._url = url
        self._topology = topology
        self._patience = patience
        self._connecting = asyncio.Lock()
        self._line: _Line | None = None
        self._ids = count(1)

    async def to_shard(self, shard: int, body: bytes) -> bool:
        """Mandatory, so that what no inbox takes comes back. Not durable: neither is an inbox."""
        return await self._publish(self._topology.changes, str(shard), body)

    async def to_shards(self, messages: Sequence[tuple[int, bytes]]) -> Sequence[bool | BusUnavailable]:
        """Under one timeout and with their confirmations waited for together: half the cost of a call for each.

        Where it is cut short the line is left: a message that comes back just after its publish was cancelled ends
        aiormq's reader of the channel, which would answer nothing for seconds, and not say so.
        """
        answers: list[bool | None] = [None] * len(messages)

        async def send(place: int, shard: int, body: bytes) -> None:
            answers[place] = await self._confirmed(line, self._topology.changes, str(shard), body)

        try:
            async with self._using("publishing") as line:
                await line.wire.unblocked()
                sending = [send(place, shard, body) for place, (shard, body) in enumerate(messages)]
                try:
                    outcomes = await asyncio.gather(*sending, return_exceptions=True)
                except asyncio.CancelledError:
                    await self._leave(line)
                    raise
                for outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        raise outcome
        except BusUnavailable as error:
            return [error if answer is None else answer for answer in answers]
        return [bool(answer) for answer in answers]

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        """Durable, and mandatory: a work queue that is missing is the bus being unavailable."""
        name = self._topology.work(queue)
        if not await self._publish("", name, body, delivery_mode=_DURABLE, expires_after=expires_after):
            await self.close()  # the next connection declares it again
            raise BusUnavailable(f"the queue {name} does not exist")

    async def ring_bell(self) -> None:
        """Fanned out to every session; where there is none, nobody minds."""
        await self._publish(self._topology.hungry, "", b"")

    async def tell_time(self, body: bytes) -> None:
        """Fanned out to every session; where there is none, nobody minds."""
        await self._publish(self._topology.clock, "", body)

    async def check(self) -> None:
        """Opening a channel is a round trip. One of its own: a call cut short closes its channel."""
        async with self._using("checking") as line:
            await (await line.wire.channel()).close()

    async def queues(self) -> Mapping[Queue, QueueState]:
        """By passive declaration, which changes nothing. On a channel of its own, like `check`."""
        states: dict[Queue, QueueState] = {}
        async with self._using("looking at queues") as line:
            channel = await line.wire.channel()
            for queue in Queue:
                declared = await channel.queue_declare(self._topology.watched(queue), passive=True)
                states[queue] = QueueState(messages=declared.message_count or 0, consumers=declared.consumer_count or 0)
            await channel.close()
        return states

    async def close(self) -> None:
        """Say goodbye; the next use would connect again."""
        line, self._line = self._line, None
        if line is not None:
            await line.wire.close()

    async def _publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        *,
        delivery_mode: int = _FLEETING,
        expires_after: float | None = None,
    ) -> bool:
        """Did the message reach a queue?"""
        async with self._using("publishing") as line:
            await line.wire.unblocked()
            return await self._confirmed(
                line, exchange, routing_key, body, delivery_mode=delivery_mode, expires_after=expires_after
            )

    async def _confirmed(
        self,
        line: _Line,
        exchange: str,
        routing_key: str,
        body: bytes,
        *,
        delivery_mode: int = _FLEETING,
        expires_after: float | None = None,
    ) -> bool:
        """Did the message reach a queue? By aiormq's errors.

        A publish does not wait until its bytes have left (`wait`): it would keep the channel from all others
        meanwhile, and it waits for the confirmation anyway, which is what bounds how much is under way.
        """
        properties = aiormq.spec.Basic.Properties(
            delivery_mode=delivery_mode,
            expiration=None if expires_after is None else str(int(expires_after * 1000)),
            message_id=str(next(self._ids)),  # by which aiormq knows what is returned; its own is a dear random number
        )
        confirmation = await line.channel.basic_publish(
            body, exchange=exchange, routing_key=routing_key, properties=properties, mandatory=True, wait=False
        )
        return not isinstance(confirmation, aiormq.abc.DeliveredMessage)

    @asynccontextmanager
    async def _using(self, what: str) -> AsyncIterator[_Line]:
        """The line, connected. After a failure the next use has a new one.

        Only a line that an alarm blocks is kept: another would be blocked as well, and would add to the broker's load.
        """
        line = None
        try:
            async with expected_within(self._patience.publish, what):
                line = await self._connected()
                yield line
        except BusUnavailable:
            if line is not None and not await line.wire.is_blocked():
                await self._leave(line)
            raise

    async def _leave(self, line: _Line) -> None:
        """At once; the next use has a new one."""
        if self._line is line:
            self._line = None
        line.wire.cut()
        await line.wire.close()

    async def _connected(self) -> _Line:
        if self._line is not None and self._line.is_usable:
            return self._line
        async with self._connecting:
            if self._line is not None and not self._line.is_usable:
                await self.close()
            if self._line is None:
                self._line = await self._connect()
            return self._line

    async def _connect(self) -> _Line:
        wire = await Wire.open(self._url, self._topology, patience=self._patience, on_lost=lambda _: None)
        try:
            # The class rather than its abstraction, which knows no publishing without `wait`.
            return _Line(wire=wire, channel=cast("aiormq.Channel", await wire.channel(confirms=True)))
        except BaseException:
            await wire.close()
            raise
