"""The database is set back to a backup while a dispatcher rings on: what it heard since outweighs nothing of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from tests.acceptance.client import Client, now
from tests.acceptance.judging import SECOND, account
from tests.servers.postgres import Postgres
from tests.servers.processes import ROOT, Recipe, Service, environment, migrate
from tests.servers.receiver import Receiver

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEARD_WITHIN = 20.0


def say_restored(settings: dict[str, str]) -> None:
    command = [sys.executable, "-m", "api_service", "restored"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"database.restored"' in done.stderr


class Place:
    """One API, one dispatcher, one shard, and a database that can be copied and set back."""

    def __init__(self, folder: Path, postgres: Postgres, settings: dict[str, str]) -> None:
        self._postgres = postgres
        self.settings = settings
        self.api = Service(Recipe.api("set-back-api", folder, settings))
        self.dispatcher = Service(Recipe.dispatcher("set-back-dispatcher", folder, settings))

    async def begin(self) -> None:
        migrate(self.settings)
        self.api.start()
        self.dispatcher.start()
        await self.api.ready()
        await self.dispatcher.ready()

    async def copied(self, *, back: bool = False) -> None:
        """While no API runs: put a copy aside, or put it back."""
        self.api.terminate()
        await self.api.gone()
        name = self.settings["DATABASE_URL"].rpartition("/")[2]
        one, other = (f"{name}_kept", name) if back else (name, f"{name}_kept")
        connection = await asyncpg.connect(self._postgres.dsn)
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{other}"')
            await connection.execute(f'CREATE DATABASE "{other}" TEMPLATE "{one}"')
        finally:
            await connection.close()
        if back:
            say_restored(self.settings)
        self.api.start()
        await self.api.ready()

    def end(self) -> None:
        for one in (self.dispatcher, self.api):
            one.end()


@pytest_asyncio.fixture(loop_scope="session")
async def place(scratch: Path, postgres: Postgres, rabbit_url: str, bus_prefix: str) -> AsyncIterator[Place]:
    settings = {
        "DATABASE_URL": await postgres.fresh_database(),
        "AMQP_URL": rabbit_url,
        "BUS_PREFIX": bus_prefix,
        "EGRESS_ALLOW": "127.0.0.1",
        "SHARDS": "1",  # what concerns one event then cures the others too, and nobody waits for the next comparison
    }
    place = Place(scratch, postgres, settings)
    try:
        await place.begin()
        yield place
    finally:
        place.end()


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver.started()
    try:
        async with one:
            yield one
    finally:
        one.end()


async def test_what_was_forgotten_is_forgotten_by_dispatchers_too(place: Place, receiver: Receiver) -> None:
    def at(path: str) -> dict[str, Any]:
        return {"callback_url": f"{receiver.url}/{path}"}

    async with aiohttp.ClientSession() as session:
        client = await Client(session, place.api.url).registered()
        kept, changed, deleted = [
            (await client.create(**at(path)))["eventId"] for path in ("kept", "changed", "deleted")
        ]
        for path in ("kept", "changed", "deleted"):
            await receiver.counted(f"/{path}", 1, within=HEARD_WITHIN)
        since = now()
        await place.copied()

        await client.ask("PATCH", f"/v1/events/{changed}", {"callbackUrl": f"{receiver.url}/wrong"})
        await client.ask("DELETE", f"/v1/events/{deleted}")
        forgotten = await Client(session, place.api.url).registered()
        await forgotten.crowd(f"{receiver.url}/forgotten", 5)  # more than is changed below: a lead in versions
        await client.ask("POST", "/v1/signing-secret/rotate", {})
        await receiver.counted("/forgotten", 5, within=HEARD_WITHIN)
        await receiver.counted("/wrong", 1, within=HEARD_WITHIN)

        await place.copied(back=True)
        set_back = now()
        stranger = await Client(session, place.api.url).registered()
        await stranger.create(**at("new"))

        await receiver.counted("/new", 1, within=HEARD_WITHIN)
        for path in ("changed", "deleted"):
            await receiver.reached(f"/{path}", set_back, within=HEARD_WITHIN)
        cured = now()
        await receiver.reached("/kept", cured + 2 * SECOND, within=HEARD_WITHIN)

        for path in ("/wrong", "/forgotten"):
            assert [late for late in await receiver.arrivals(path) if late.nominal > cured + SECOND] == []
        found = account(await receiver.arrivals("/kept"), events=[kept], since=since, until=cured)
        assert (found.missing, found.repeated) == ([], [])
