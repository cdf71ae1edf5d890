"""A migrated database of its own for every test, with two applications in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api_service.store import applications
from api_service.store.database import Database
from api_service.store.migrations import migrate
from tests.integration.store.scene import NOW, SHARDS


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    await migrate(dsn, shards=SHARDS, now=NOW)
    database = await Database.open(dsn, size=6)
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
