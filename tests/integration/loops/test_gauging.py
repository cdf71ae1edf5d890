"""What waits is shown while it is known, and not at all while Postgres or the broker cannot say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from api_service.loops.gauging import Asked, Gauging
from api_service.store import migrations
from api_service.store.database import Database
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import Queue, QueueState, Work
from shared.clock import SystemClock
from tests.integration.loops.scene import Scene
from tests.integration.loops.wires import Wire, over_every_bus, owner_of

OF_DATABASE = ("carillon_schema_version", "carillon_outbox_age_seconds", "carillon_outbox_changes")


class Rounds(SystemClock):
    """A clock on which whoever sleeps waits for the test."""

    def __init__(self) -> None:
        self._asleep = asyncio.Condition()
        self._sleepers = 0
        self._round = 0

    async def sleep(self, seconds: float) -> None:
        async with self._asleep:
            self._sleepers += 1
            self._asleep.notify_all()
            mine = self._round
            await self._asleep.wait_for(lambda: self._round > mine)

    async def until(self, sleepers: int) -> None:
        """Return when so many have looked and sleep."""
        async with asyncio.timeout(20), self._asleep:
            await self._asleep.wait_for(lambda: self._sleepers == sleepers)

    async def wake(self) -> None:
        async with self._asleep:
            self._sleepers = 0
            self._round += 1
            self._asleep.notify_all()


@asynccontextmanager
async def gauging(database: Database, publisher: Asked) -> AsyncIterator[Rounds]:
    """Gauges that have looked once."""
    clock = Rounds()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(Gauging(database=database, publisher=publisher, clock=clock).run())
        await clock.until(3)
        yield clock
        task.cancel()


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def of_queues(name: str, label: str = "queue") -> dict[str, float]:
    return {
        sample.labels[label]: sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == name
    }


async def test_what_the_database_knows_is_shown(scene: Scene, wire: Wire) -> None:
    await scene.create()
    await scene.create()
    async with scene.database.connection() as c:
        await c.execute("update outbox set written = written - interval '1 minute'")

    async with gauging(scene.database, wire.publisher):
        version, age, changes = (shown(name) for name in OF_DATABASE)

    assert version == len(migrations.read(migrations.FOLDER))
    assert age is not None
    assert age >= 60
    assert changes == 2


@over_every_bus
async def test_what_the_broker_knows_is_shown(database: Database, wire: Wire) -> None:
    await wire.publisher.to_work(Work.SNAPSHOTS, b"")
    async with owner_of(wire) as session:
        await session.join()
        async with asyncio.timeout(10):
            while (await wire.publisher.queues())[Queue.SNAPSHOTS].messages < 1:
                pass  # a broker counts what it has confirmed a moment later
        async with gauging(database, wire.publisher):
            messages = of_queues("carillon_queue_messages")
            consumers = of_queues("carillon_queue_consumers")

    assert messages == {"outcomes": 0, "snapshots": 1, "dead": 0}
    assert consumers == {"outcomes": 0, "members": 1}


async def test_connections_are_counted_as_they_are_used(database: Database, wire: Wire) -> None:
    async with gauging(database, wire.publisher):
        async with database.connection(), database.connection():
            used = of_queues("carillon_database_connections", "state")
        idle = of_queues("carillon_database_connections", "state")

    assert used == {"used": 2, "idle": 0}
    assert idle == {"used": 0, "idle": 2}
    assert shown("carillon_database_connections_limit") == 10


async def test_while_the_broker_is_away_nothing_is_claimed_of_it_and_all_else_goes_on(database: Database) -> None:
    broker = LocalBroker()
    async with gauging(database, LocalBus(broker).publisher()) as clock:
        assert len(of_queues("carillon_queue_messages")) == 3

        broker.stop()
        await clock.wake()
        await clock.until(3)
        assert of_queues("carillon_queue_messages") == of_queues("carillon_queue_consumers") == {}
        assert shown("carillon_outbox_changes") == 0

        broker.start()
        await clock.wake()
        await clock.until(3)
        assert len(of_queues("carillon_queue_messages")) == 3


async def test_while_postgres_is_away_nothing_is_claimed_of_it(wire: Wire, unused_tcp_port: int) -> None:
    away = await Database.open(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/nothing")
    async with gauging(away, wire.publisher):
        assert [shown(name) for name in OF_DATABASE] == [None, None, None]
        assert len(of_queues("carillon_queue_messages")) == 3
    await away.close()


async def test_a_schema_that_is_still_to_be_migrated_is_shown_and_stops_nothing(database: Database, wire: Wire) -> None:
    async with database.connection() as c:
        await c.execute("alter table outbox drop column written; delete from migration where number > 10")

    async with gauging(database, wire.publisher):
        assert [shown(name) for name in OF_DATABASE] == [10, None, None]


class Silent:
    async def queues(self) -> Mapping[Queue, QueueState]:
        never: asyncio.Future[Mapping[Queue, QueueState]] = asyncio.get_running_loop().create_future()
        return await never


async def test_a_broker_that_never_answers_is_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_service.loops.gauging.LOOK_TIMEOUT", 0.01)
    async with gauging(database, Silent()):
        assert of_queues("carillon_queue_messages") == {}
