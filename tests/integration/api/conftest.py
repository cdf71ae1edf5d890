"""Every test gets an application of its own, in one database for all of them, over a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from api_service.store.database import Database
from api_service.store.migrations import migrate
from tests.integration.api.stage import NOW, SHARD_COUNT, Api, Server, StandingClock, compose
from tests.servers.postgres import PATIENCE, Postgres


@pytest.fixture(scope="session")
def shared_dsn(postgres: Postgres) -> str:
    return asyncio.run(postgres.fresh_database(_installed))


@pytest.fixture
async def database(shared_dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(shared_dsn, size=8, patience=PATIENCE)
    yield database
    await database.close()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def api(aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock) -> Api:
    client = await aiohttp_client(Server(compose(database, clock)))
    return await Api(client, clock).newcomer()


async def _installed(dsn: str) -> None:
    await migrate(dsn, shards=SHARD_COUNT, now=NOW)
