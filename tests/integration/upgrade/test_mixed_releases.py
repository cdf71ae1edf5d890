"""The previous release's processes work on our schema, alone and beside ours, with everything in it that is ours.

Nobody has the previous release's word for that: it is its code that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.acceptance.client import Client, iso, now
from tests.acceptance.judging import SECOND
from tests.integration.upgrade.mixed import SHARDS, Mixed
from tests.integration.upgrade.tour import Tour, made
from tests.servers.postgres import Postgres
from tests.servers.processes import Recipe, Service, migrate
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

OLD, NEW, BOTH = ("previous",), ("ours",), ("previous", "ours")
SUBSCRIPTIONS = 4
RINGS_WITHIN = 15.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mixed(scratch: Path, postgres: Postgres, rabbit: Rabbit, previous: Path) -> AsyncIterator[Mixed]:
    """The previous release, installed and filled, and then migrated to our schema while it runs."""
    told = {
        "DATABASE_URL": await postgres.fresh_database(),
        "AMQP_URL": rabbit.url,
        "BUS_PREFIX": "mixed",
        "SHARDS": str(SHARDS),
        "EGRESS_ALLOW": "127.0.0.1",
    }
    api, dispatcher = Recipe.api, Recipe.dispatcher
    apis = {"previous": api("mixed-api-previous", scratch, told).of(previous), "ours": api("mixed-api", scratch, told)}
    dispatchers = {
        "previous": dispatcher("mixed-dispatcher-previous", scratch, told).of(previous),
        "ours": dispatcher("mixed-dispatcher", scratch, told),
    }
    receiver = Receiver.started()
    here = Mixed(
        receiver=receiver,
        apis={name: Service(recipe) for name, recipe in apis.items()},
        dispatchers={name: Service(recipe) for name, recipe in dispatchers.items()},
    )
    try:
        async with receiver:
            migrate(told, previous)
            await here.only(apis=OLD, dispatchers=OLD)
            async with aiohttp.ClientSession() as session:
                client = await Client(session, here.apis["previous"].url).registered()
                await Tour(client, receiver, "before").done()
            migrate(told)
            yield here
    finally:
        await here.end()
        receiver.end()


@pytest_asyncio.fixture(loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_any_of_the_two_releases_work_together(mixed: Mixed, session: aiohttp.ClientSession) -> None:
    """First all processes side by side; then each API with each dispatcher alone, which begins with its snapshots.

    Subscriptions that are made by either API while nobody owns a shard ring in every one of these.
    """
    key = ""
    for apis, dispatchers in (BOTH, BOTH), (OLD, OLD), (OLD, NEW), (NEW, OLD), (NEW, NEW):
        what = f"{'-'.join(apis)}-with-{'-'.join(dispatchers)}"
        await mixed.only(apis=BOTH, dispatchers=())
        key = key or (await Client(session, mixed.apis["ours"].url).registered()).key or ""
        everybody = {api: Client(session, service.url, key) for api, service in mixed.apis.items()}
        paths = [
            path
            for api, client in everybody.items()
            for path in await subscribed(client, mixed.receiver, f"{what}-of-{api}")
        ]
        await mixed.only(apis=apis, dispatchers=dispatchers)
        clients = {api: everybody[api] for api in apis}
        for client in clients.values():
            assert (await client.ask("GET", "/v1/events?limit=1000")).data == []  # subscriptions are not among them
        async with asyncio.TaskGroup() as tours:
            for api, client in clients.items():
                tours.create_task(Tour(client, mixed.receiver, f"{what}-by-{api}").done())
        for path in paths:
            await mixed.receiver.counted(path, 1, within=RINGS_WITHIN)
        assert list(mixed.complaints()) == [], what


async def subscribed(client: Client, receiver: Receiver, name: str) -> list[str]:
    """Where a schedule whose first shift begins in a second calls back, once for each of its subscriptions."""

    person = await made(client, "account_users", {"name": name, "email": "ada@example.com"})
    schedule = await made(client, "schedules", {"name": name})
    paths = [f"/oncall/{name}/{number}" for number in range(SUBSCRIPTIONS)]
    for path in paths:
        wanted = {"callbackUrl": receiver.url + path, "on": ["shift.started"]}
        await made(client, f"schedules/{schedule}/subscriptions", wanted)
    begins = now() + SECOND
    shift = {"start_datetime": iso(begins), "end_datetime": iso(begins + 60 * SECOND), "time_zone": "UTC", "layer": 1}
    await made(client, "events", shift | {"account_user_ids": [person], "schedule_ids": [schedule]})
    return paths
