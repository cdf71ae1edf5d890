"""One plain connection to RabbitMQ that can be lost, and says so; every failure on it is a BusUnavailable.

Never `connect_robust`: it owns shards anew by itself, and answers passive declarations from a cache.
Channels are aiormq's own: only they tell of a consumer that the broker cancelled, and a throw-away channel of
aio_pika leaves a callback on its connection for as long as that lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aio_pika
import aiormq.abc
import yarl
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory

from shared.bus.port import BusUnavailable
from shared.settings import HEARTBEAT_SECONDS

if TYPE_CHECKING:
    from shared.bus.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds the broker has for what."""

    connect: float = 3.0
    call: float = 3.0
    publish: float = 5.0
    close: float = 1.0


@asynccontextmanager
async def expected_within(seconds: float | None, what: str) -> AsyncIterator[None]:
    """Whatever fails or takes longer in here is the bus being unavailable.

    aiormq rejects calls of a lost connection with bare exceptions, and with a cancellation that nobody asked for.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except BusUnavailable:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BusUnavailable(f"{what}: the connection was lost") from error
    except Exception as error:
        raise BusUnavailable(f"{what}: {type(error).__name__} {error}".rstrip()) from error


async def answer(message: aiormq.abc.DeliveredMessage, *, understood: bool) -> None:
    """Acknowledge, or put with the dead letters; returns when it has left this process."""
    tag = message.delivery_tag or 0
    if understood:
        await message.channel.basic_ack(tag)
    else:
        await message.channel.basic_reject(tag, requeue=False)


class _Transport(TransportFactory):
    """Opens the socket and keeps hold of it, so that it can be cut whatever state the peer is in."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: yarl.URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect; called by aiormq."""
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **kwargs)
        self._writer = writer
        return reader, writer

    def cut(self) -> None:
        """End the transport at once, without a word."""
        if self._writer is not None:
            self._writer.transport.abort()


class _Connection(aio_pika.Connection):
    """A plain connection whose transport can be handed in."""

    def __init__(self, url: yarl.URL, *, transport: _Transport, **kwargs: Any) -> None:
        super().__init__(url, **kwargs)
        self.kwargs["transport_factory"] = transport


class Wire:
    """A connection, from open to lost."""

    def __init__(self, patience: Patience, on_lost: Callable[[str], None]) -> None:
        self.lost: str | None = None
        self._patience = patience
        self._on_lost = on_lost
        self._transport = _Transport()
        self._connection: aio_pika.abc.AbstractConnection | None = None

    @classmethod
    async def open(cls, url: str, topology: Topology, *, patience: Patience, on_lost: Callable[[str], None]) -> Wire:
        """A new connection, with everything durable declared. `on_lost` is called at most once, with the reason."""
        wire = cls(patience, on_lost)
        try:
            await wire._connect(url)
            await wire._declare(topology)
        except BaseException:
            wire.cut()
            await wire.close()
            raise
        return wire

    async def channel(self, *, confirms: bool = False) -> aiormq.abc.AbstractChannel:
        """A new channel. The caller keeps it: nobody else does."""
        async with expected_within(self._patience.call, "opening a channel"):
            return await self._underlay().channel(publisher_confirms=confirms, on_return_raises=False)

    async def unblocked(self) -> None:
        """Return when the broker reads what this connection publishes: at once, or when its alarm is over."""
        await self._underlay().ready()

    async def is_blocked(self) -> bool:
        """Is the broker in an alarm, and refuses to read what this connection publishes?"""
        if self.lost is not None:
            return False
        try:
            async with asyncio.timeout(0):
                await self.unblocked()
        except TimeoutError:
            return True
        return False

    def depend_on(self, channel: aiormq.abc.AbstractChannel, what: str) -> None:
        """Without this channel the connection is as good as lost."""
        channel.closing.add_done_callback(lambda ended: self._lose(f"{what} ended: {_reason(ended)}"))

    def cut(self) -> None:
        """End the connection at once, without a word to the broker."""
        self._transport.cut()

    async def close(self) -> None:
        """Say goodbye within the patience, then hang up; whatever state the peer is in."""
        self._lose("closed")
        if self._connection is None:
            self.cut()
            return

        # Waited for rather than awaited: a cancelled close() of aio_pika waits on, for a peer that may never answer.
        goodbye = asyncio.create_task(self._connection.close())  # noqa: TID251 - awaited below, to its end
        try:
            await asyncio.wait({goodbye}, timeout=self._patience.close)
        finally:
            self.cut()
        await asyncio.wait({goodbye}, timeout=self._patience.close)
        if goodbye.done() and not goodbye.cancelled():
            goodbye.exception()

    async def _connect(self, url: str) -> None:
        # The client's heartbeat wins over the broker's, and aiormq's default is a minute.
        timed = yarl.URL(url).update_query(heartbeat=HEARTBEAT_SECONDS)
        async with expected_within(self._patience.connect, "connecting"):
            connection = _Connection(timed, transport=self._transport)
            self._connection = connection
            await connection.connect()
        self._underlay().closing.add_done_callback(lambda ended: self._lose(_reason(ended)))

    async def _declare(self, topology: Topology) -> None:
        """On every connection: a broker that came back empty is whole again."""
        channel = await self.channel()
        async with expected_within(self._patience.call, "declaring"):
            for exchange in topology.exchanges():
                await channel.exchange_declare(exchange.name, exchange_type=exchange.kind, durable=True)
            for queue in topology.queues():
                await channel.queue_declare(queue.name, durable=queue.durable, arguments=dict(queue.arguments))
            for binding in topology.bindings():
                await channel.queue_bind(binding.queue, binding.exchange, arguments=dict(binding.arguments))
            await channel.close()

    def _underlay(self) -> aiormq.abc.AbstractConnection:
        if self._connection is None or self._connection.transport is None:
            raise BusUnavailable("not connected")
        return self._connection.transport.connection

    def _lose(self, reason: str) -> None:
        if self.lost is None:
            self.lost = reason
            self._on_lost(reason)


def _reason(ended: asyncio.Future[Any]) -> str:
    if ended.cancelled():
        return "closed"
    error = ended.exception()
    return f"{type(error).__name__} {error}".rstrip() if error is not None else "closed"
