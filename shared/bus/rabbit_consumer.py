"""Working off a queue of RabbitMQ, on a connection of its own; what is not acknowledged comes again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiormq.abc

from shared.bus.port import BusUnavailable, Delivery, Work
from shared.bus.rabbit_wire import Patience, Wire, answer, expected_within

if TYPE_CHECKING:
    from shared.bus.topology import Topology

# One outcome batch at a time: with more, a marker has overtaken outcomes that were not recorded yet.
PREFETCH: Final = {Work.SNAPSHOTS: 4, Work.OUTCOMES: 1}


@asynccontextmanager
async def consuming(
    url: str, topology: Topology, queue: Work, *, patience: Patience
) -> AsyncIterator[AsyncIterator[Delivery]]:
    """The deliveries of a queue, for as long as the connection lives."""
    arrivals: asyncio.Queue[aiormq.abc.DeliveredMessage | str] = asyncio.Queue()  # bounded by the prefetch
    wire = await Wire.open(url, topology, patience=patience, on_lost=arrivals.put_nowait)

    async def arrive(message: aiormq.abc.DeliveredMessage) -> None:
        arrivals.put_nowait(message)

    async def cancelled(_: object) -> None:
        arrivals.put_nowait("the queue was deleted")

    try:
        channel = await wire.channel()
        channel.on_consumer_cancel_callbacks.add(cancelled)
        wire.depend_on(channel, "the consumer's channel")
        async with expected_within(patience.call, "consuming"):
            await channel.basic_qos(prefetch_count=PREFETCH[queue])
            await channel.basic_consume(topology.work(queue), arrive, consumer_tag=uuid.uuid4().hex)
        yield _deliveries(arrivals, wire, patience)
    finally:
        await wire.close()


async def _deliveries(
    arrivals: asyncio.Queue[aiormq.abc.DeliveredMessage | str], wire: Wire, patience: Patience
) -> AsyncIterator[Delivery]:
    while wire.lost is None:
        match await arrivals.get():
            case str() as reason:
                raise BusUnavailable(f"consuming: {reason}")
            case message:
                yield _WorkDelivery(message, patience)
    raise BusUnavailable(f"consuming: {wire.lost}")


class _WorkDelivery:
    """A message from a work queue."""

    __slots__ = ("_message", "_patience")

    shard: None = None

    def __init__(self, message: aiormq.abc.DeliveredMessage, patience: Patience) -> None:
        self._message = message
        self._patience = patience

    @property
    def body(self) -> bytes:
        """The message's bytes."""
        return self._message.body

    async def ack(self) -> None:
        """It is dealt with."""
        async with expected_within(self._patience.call, "acknowledging"):
            await answer(self._message, understood=True)

    async def bury(self) -> None:
        """It cannot be understood."""
        async with expected_within(self._patience.call, "burying"):
            await answer(self._message, understood=False)
