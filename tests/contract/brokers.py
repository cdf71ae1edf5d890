"""What a contract test may do to a broker behind the port's back, for each adapter."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import aio_pika
import aiormq.abc

from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import Bus
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from tests.servers.rabbit import Rabbit


class Broker(Protocol):
    @property
    def bus(self) -> Bus: ...

    async def stop(self) -> None: ...

    async def start(self) -> None: ...

    async def drop_connections(self) -> None: ...

    async def delete_inbox(self, shard: int) -> None: ...

    async def dead_letters(self, count: int) -> list[bytes]:
        """The dead letters, as soon as there are so many."""
        ...

    async def let_pass(self, seconds: float) -> None:
        """Time itself, for what expires."""
        ...


class InProcess:
    def __init__(self) -> None:
        self._now = 0.0
        self._broker = LocalBroker(steady=lambda: self._now)
        self.bus = LocalBus(self._broker)

    async def stop(self) -> None:
        self._broker.stop()

    async def start(self) -> None:
        self._broker.start()

    async def drop_connections(self) -> None:
        self._broker.drop_connections()

    async def delete_inbox(self, shard: int) -> None:
        self._broker.take_inbox(shard)

    async def dead_letters(self, count: int) -> list[bytes]:
        assert len(self._broker.dead_letters) >= count
        return list(self._broker.dead_letters)

    async def let_pass(self, seconds: float) -> None:
        self._now += seconds


class Real:
    def __init__(self, rabbit: Rabbit, prefix: str) -> None:
        self.rabbit = rabbit
        self.topology = Topology(prefix)
        self.bus = RabbitBus(rabbit.url, prefix=prefix)

    async def stop(self) -> None:
        await asyncio.to_thread(self.rabbit.stop)

    async def start(self) -> None:
        await asyncio.to_thread(self.rabbit.start)

    async def drop_connections(self) -> None:
        await asyncio.to_thread(self.rabbit.ctl, "close_all_connections", "a test")

    async def delete_inbox(self, shard: int) -> None:
        name = self.topology.inbox(shard).name
        await asyncio.to_thread(self.rabbit.ctl, "delete_queue", name)

    async def dead_letters(self, count: int) -> list[bytes]:
        letters: list[bytes] = []
        async with self.channel() as channel:
            async with asyncio.timeout(10):
                while len(letters) < count:
                    message = await channel.basic_get(self.topology.dead, no_ack=True)
                    if message.delivery_tag is not None:
                        letters.append(message.body)
        return letters

    async def let_pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def clear(self) -> None:
        async with self.channel() as channel:
            for queue in self.topology.queues():
                await channel.queue_delete(queue.name)
            for exchange in self.topology.exchanges():
                await channel.exchange_delete(exchange.name)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[aiormq.abc.AbstractChannel]:
        connection = await aio_pika.connect(self.rabbit.url, client_properties={"connection_name": uuid.uuid4().hex})
        async with connection:
            yield await (await connection.channel()).get_underlay_channel()
