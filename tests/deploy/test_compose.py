"""What compose would start comes up in its order, healthy by its own checks, and rings; an API less is not noticed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.acceptance.client import Client
from tests.deploy.composition import composition
from tests.deploy.image import Image
from tests.deploy.stack import Stack
from tests.servers.names import names
from tests.servers.postgres import Postgres
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

pytestmark = pytest.mark.asyncio(loop_scope="module")

RINGS_WITHIN = 20.0


@pytest.fixture(scope="module")
def folder(scratch: Path) -> Path:
    path = scratch / "compose"
    path.mkdir(mode=0o755)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(folder: Path, postgres: Postgres, rabbit: Rabbit, carillon: Image) -> AsyncIterator[Stack]:
    """Up, where deploy/.env lets callbacks lead to this machine."""
    async with names() as server:
        whole = Stack(
            composition=composition({"EGRESS_ALLOW": "127.0.0.1"}),
            image=carillon,
            folder=folder,
            database=await postgres.fresh_database(),
            rabbit=rabbit,
            names=server.port,
            prefix=f"compose-{uuid.uuid4().hex[:8]}",
        )
        try:
            await whole.up()
            yield whole
        finally:
            await asyncio.to_thread(whole.down)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver.started()
    try:
        async with one:
            yield one
    finally:
        one.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(stack: Stack) -> AsyncIterator[Client]:
    """Somebody who knows the proxy's address and nothing else."""
    async with aiohttp.ClientSession() as session:
        yield await Client(session, stack.url).registered()


async def test_it_rings(stack: Stack, client: Client, receiver: Receiver) -> None:
    event = await client.create(f"{receiver.url}/compose")

    await receiver.counted("/compose", 2, within=RINGS_WITHIN)
    active = await client.becomes(event["eventId"], "ACTIVE", within=RINGS_WITHIN)

    assert {ring.event_id for ring in await receiver.arrivals("/compose")} == {event["eventId"]}
    assert active["lastRunDate"] is not None
    assert [len(stack.running[name]) for name in ("api", "proxy", "dispatcher")] == [2, 1, 3]
    assert stack.finished == {"migrate": 0}


async def test_an_api_that_goes_is_not_noticed(stack: Stack, client: Client) -> None:
    await asyncio.to_thread(stack.running["api"][0].end)

    said = [await client.ask("GET", "/v1/events?limit=1") for _ in range(8)]
    created = [await client.create("https://example.com/", interval="0 0 0 29 2 *") for _ in range(8)]

    assert [one.status for one in said] == [200] * 8
    assert len({one["eventId"] for one in created}) == 8
