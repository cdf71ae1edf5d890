"""The bus over RabbitMQ. The rabbit modules are the only importers of aio_pika and aiormq."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from shared.bus.port import Delivery, SessionEvents, Work
from shared.bus.rabbit_consumer import consuming
from shared.bus.rabbit_publisher import RabbitPublisher
from shared.bus.rabbit_session import RabbitSession
from shared.bus.rabbit_wire import Patience, Wire
from shared.bus.topology import Topology


class RabbitBus:
    """The doors to one RabbitMQ; installations that share it differ in their prefix."""

    def __init__(self, url: str, *, prefix: str = "carillon", patience: Patience | None = None) -> None:
        self._url = url
        self._topology = Topology(prefix)
        self._patience = patience or Patience()

    async def prepare(self) -> None:
        """Connecting declares everything; so does every later connection."""
        wire = await Wire.open(self._url, self._topology, patience=self._patience, on_lost=lambda _: None)
        await wire.close()

    def publisher(self) -> RabbitPublisher:
        """A publisher with a connection of its own, made at first use."""
        return RabbitPublisher(self._url, self._topology, self._patience)

    def consume(self, queue: Work) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Work off a queue on a connection of its own."""
        return consuming(self._url, self._topology, queue, patience=self._patience)

    async def open_session(self, events: SessionEvents) -> RabbitSession:
        """A new connection that can own shards."""
        return await RabbitSession.open(self._url, self._topology, patience=self._patience, events=events)
