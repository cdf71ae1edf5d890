"""Publishing over RabbitMQ: confirmed or refused, on a connection made at first use and again after each failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aio_pika
import aiormq.abc

from shared.bus.port import BusUnavailable, Queue, QueueState, Work
from shared.bus.rabbit_wire import Patience, Wire, expected_within

if TYPE_CHECKING:
    from shared.bus.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    wire: Wire
    channel: aiormq.abc.AbstractChannel

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

    async def to_shard(self, shard: int, body: bytes) -> bool:
        """Mandatory, so that what no inbox takes comes back. Not durable: neither is an inbox."""
        return await self._publish(self._topology.changes, str(shard), _fleeting(body))

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        """Durable, and mandatory: a work queue that is missing is the bus being unavailable."""
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, expiration=expires_after)
        name = self._topology.work(queue)
        if not await self._publish("", name, message):
            await self.close()  # the next connection declares it again
            raise BusUnavailable(f"the queue {name} does not exist")

    async def ring_bell(self) -> None:
        """Fanned out to every session; where there is none, nobody minds."""
        await self._publish(self._topology.hungry, "", _fleeting(b""))

    async def tell_time(self, body: bytes) -> None:
        """Fanned out to every session; where there is none, nobody minds."""
        await self._publish(self._topology.clock, "", _fleeting(body))

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

    async def _publish(self, exchange: str, routing_key: str, message: aio_pika.Message) -> bool:
        """Did the message reach a queue?"""
        async with self._using("publishing") as line:
            await line.wire.unblocked()
            confirmation = await line.channel.basic_publish(
                message.body,
                exchange=exchange,
                routing_key=routing_key,
                properties=message.properties,
                mandatory=True,
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
                if self._line is line:
                    self._line = None
                line.wire.cut()
                await line.wire.close()
            raise

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
            return _Line(wire=wire, channel=await wire.channel(confirms=True))
        except BaseException:
            await wire.close()
            raise


def _fleeting(body: bytes) -> aio_pika.Message:
    return aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT)
