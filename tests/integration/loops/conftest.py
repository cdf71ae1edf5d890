"""A database of its own for every test, with a client in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api_service.store.database import Database
from api_service.store.migrations import migrate
from deploy.local.postgres import PostgresServer
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import Bus
from shared.bus.rabbit import RabbitBus
from tests.integration.loops.scene import NOW, SHARDS, Scene
from tests.integration.loops.wires import Wire
from tests.servers.postgres import PATIENCE, Postgres


async def installed(dsn: str) -> None:
    await migrate(dsn, shards=SHARDS, now=NOW)


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    database = await Database.open(await postgres.fresh_database(installed), size=10, patience=PATIENCE)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def scene(database: Database) -> Scene:
    return await Scene.open(database)


@pytest.fixture
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    """The bus inside this process, or RabbitMQ where the test asks for it."""
    bus: Bus = LocalBus(LocalBroker())
    if getattr(request, "param", "local") == "rabbit":
        bus = RabbitBus(request.getfixturevalue("rabbit_url"), prefix=request.getfixturevalue("bus_prefix"))
    await bus.prepare()
    publisher = bus.publisher()
    try:
        yield Wire(bus=bus, publisher=publisher)
    finally:
        await publisher.close()


@pytest.fixture
async def own_postgres(scratch: Path) -> AsyncIterator[PostgresServer]:
    """A server that a test may stop and start."""
    async with PostgresServer(scratch / "own-postgres", durable=False) as server:
        yield server
