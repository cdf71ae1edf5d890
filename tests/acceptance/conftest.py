"""One installation for all acceptance tests, whole at the beginning of each; what its processes said when one fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.acceptance.client import Client
from tests.acceptance.world import World
from tests.servers.postgres import Postgres
from tests.servers.processes import migrate
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

_WORLD: pytest.StashKey[World] = pytest.StashKey()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def installation(
    scratch: Path, postgres: Postgres, rabbit: Rabbit, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """Both services as processes, over servers that these tests may stop."""
    database = await postgres.fresh_database()
    receiver = Receiver.started()
    try:
        async with receiver, aiohttp.ClientSession() as session:
            world = World(
                folder=scratch,
                postgres=postgres,
                database=database,
                rabbit=rabbit,
                receiver=receiver,
                session=session,
            )
            request.config.stash[_WORLD] = world
            migrate(world.settings)
            try:
                yield world
            finally:
                world.end()
    finally:
        receiver.end()


@pytest_asyncio.fixture(loop_scope="session")
async def world(installation: World) -> World:
    """The installation, whole."""
    await installation.whole()
    return installation


@pytest_asyncio.fixture(loop_scope="session")
async def client(world: World) -> Client:
    """A client of an application of its own."""
    return await world.client()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the ends of the processes' logs beside a failure."""
    report = yield
    world = item.config.stash.get(_WORLD, None)
    if report.failed and world is not None and "installation" in getattr(item, "fixturenames", ()):
        report.sections.extend((f"log of {one.name}", one.tail()) for one in (*world.apis, *world.dispatchers))
    return report
