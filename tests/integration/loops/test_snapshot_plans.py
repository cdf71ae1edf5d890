"""What a shard costs must not grow with all the others: its rows are found by index, never by a scan of every event."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from api_service.store.database import Database
from api_service.store.snapshots import SQL
from tests.bench.recording import fill
from tests.servers.postgres import Postgres


async def filled(dsn: str) -> None:
    await fill(dsn, 30_000)


@pytest.fixture
async def large(postgres: Postgres) -> AsyncIterator[Database]:
    database = await Database.open(await postgres.fresh_database(filled))
    try:
        yield database
    finally:
        await database.close()


async def plan(database: Database, statement: str, *arguments: object) -> str:
    async with database.transaction() as c:
        await c.execute(SQL["walk"])
        rows = await c.fetch("explain " + SQL[statement], *arguments)
    return "\n".join(row[0] for row in rows)


async def test_timers_are_read_from_index_to_index_in_order(large: Database) -> None:
    told = await plan(large, "timers", 3)

    assert "Seq Scan" not in told
    assert "Sort" not in told
    assert "event_state_live" in told
    assert "event_pkey" in told


async def test_a_digest_reads_nothing_but_an_index(large: Database) -> None:
    told = await plan(large, "digest", 3, datetime(2030, 1, 1, tzinfo=UTC))

    assert "Index Only Scan using event_digest" in told
    assert "Seq Scan on event" not in told
