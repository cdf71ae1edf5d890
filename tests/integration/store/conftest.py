"""A database of its own for every test: empty (`dsn`), or installed and with two applications in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api_service.store import applications
from api_service.store.database import Database
from api_service.store.migrations import migrate
from tests.integration.store.scene import NOW, SHARDS
from tests.servers.postgres import PATIENCE, Postgres


async def installed(dsn: str) -> None:
    await migrate(dsn, shards=SHARDS, now=NOW)


@pytest.fixture
async def dsn(postgres: Postgres) -> str:
    return await postgres.fresh_database()


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    database = await Database.open(await postgres.fresh_database(installed), size=6, patience=PATIENCE)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def ours(database: Database) -> int:
    async with database.transaction() as c:
        return await applications.register(c, app_name="ours", key_hash=b"o" * 32, now=NOW)


@pytest.fixture
async def theirs(database: Database) -> int:
    async with database.transaction() as c:
        return await applications.register(c, app_name="theirs", key_hash=b"t" * 32, now=NOW)
