"""Working off a queue of RabbitMQ, on a connection of its own; what is not acknowledged comes again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

import aiormq.abc

from shared.bus.port import OUTCOMES_HELD, BusUnavailable, Delivery, Work
from shared.bus.rabbit_wire import Patience, Wire, answer, expected_within

if TYPE_CHECKING:
    from shared.bus.topology import Topology

PREFETCH: Final = {Work.SNAPSHOTS: 4, Work.OUTCOMES: OUTCOMES_HELD}


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
        yield _Deliveries(arrivals, wire, patience)
    finally:
        await wire.close()


class _Deliveries:
    """What arrives, as long as it does. Not a generator: that would end with a wait that is cancelled."""

    def __init__(
        self, arrivals: asyncio.Queue[aiormq.abc.DeliveredMessage | str], wire: Wire, patience: Patience
    ) -> None:
        self._arrivals = arrivals
        self._wire = wire
        self._patience = patience
        self._over: str | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        """The next one; raises BusUnavailable."""
        if (over := self._over or self._wire.lost) is None:
            match await self._arrivals.get():
                case str() as over:
                    self._over = over
                case message:
                    return _WorkDelivery(message, self._patience)
        raise BusUnavailable(f"consuming: {over}")


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
