"""A schedule calls back: each handover rings, signed, with who comes and who goes; and a kill loses none of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from standardwebhooks import Webhook

from tests.acceptance.client import Client, iso, now
from tests.acceptance.judging import SECOND
from tests.acceptance.world import World
from tests.servers.processes import eventually

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

SHIFTS = 12
KILLED_AFTER = 4  # shifts
SOON = 3 * SECOND  # the schedule is made meanwhile
TOLD_WITHIN = 40.0


class Pager:
    """A receiver that keeps every request whole."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.url = ""
        self._news = asyncio.Event()

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        self._news.set()
        return web.Response()

    def bodies(self) -> dict[int, dict[str, Any]]:
        """What was told, by its number."""
        return {body["sequence"]: body for _, said in self.heard if (body := json.loads(said))}

    async def has_heard(self, count: int) -> None:
        """Return when so many different things were told."""
        async with asyncio.timeout(TOLD_WITHIN):
            while len(self.bodies()) < count:
                self._news.clear()
                await self._news.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def pager() -> AsyncIterator[Pager]:
    pager = Pager()
    runner = web.ServerRunner(web.Server(pager.take))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pager.url = f"http://127.0.0.1:{runner.addresses[0][1]}/oncall"
    yield pager
    await runner.cleanup()


async def made(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    said = await client.ask("POST", path, body)
    assert said.status == 201, said
    created: dict[str, Any] = said.body
    return created


async def test_every_handover_is_told_signed_and_none_is_lost_when_dispatchers_are_killed(
    world: World, client: Client, pager: Pager
) -> None:
    secret = (await client.ask("POST", "/v1/signing-secret/rotate", {})).data["signingSecret"]
    people = [
        await made(client, "/api/v4/account_users", {"name": name, "email": f"{name}@example.com"})
        for name in ("ada", "bob")
    ]
    schedule = await made(client, "/api/v4/schedules", {"name": "core"})
    wanted = {"callbackUrl": pager.url, "on": ["shift.started"]}
    subscription = await made(client, f"/api/v4/schedules/{schedule['id']}/subscriptions", wanted)
    begin = (now() // SECOND) * SECOND + SOON
    for number in range(SHIFTS):
        start = begin + number * SECOND
        shift = {
            "start_datetime": iso(start),
            "end_datetime": iso(start + SECOND),
            "time_zone": "UTC",
            "layer": 1,
            "account_user_ids": [people[number % 2]["id"]],
            "schedule_ids": [schedule["id"]],
        }
        await made(client, "/api/v4/events", shift)
    assert now() < begin, "the machine was too slow to make the schedule in time"

    await pager.has_heard(KILLED_AFTER)
    for dispatcher in [one for one in world.dispatchers if one.runs]:
        dispatcher.kill()
    world.new_dispatcher()
    await pager.has_heard(SHIFTS)

    told = [pager.bodies()[number] for number in sorted(pager.bodies())]
    assert [body["sequence"] for body in told] == list(range(1, SHIFTS + 1))
    assert [body["at"] for body in told] == [iso(begin + number * SECOND) for number in range(SHIFTS)]
    for number, body in enumerate(told):
        (transition,) = body["transitions"]
        assert body["subscriptionId"] == subscription["id"]
        assert [person["name"] for person in transition["comes"]] == ["ada" if number % 2 == 0 else "bob"]
        goes = [] if number == 0 else ["bob" if number % 2 == 0 else "ada"]
        assert [person["name"] for person in transition["goes"]] == goes
    for headers, said in pager.heard:
        Webhook(secret).verify(said, {name.lower(): value for name, value in headers.items()})

    async def is_delivered() -> bool:
        executions, _ = await client.executions(subscription["id"])
        return [one["status"] for one in executions] == ["DELIVERED"] * SHIFTS

    await eventually(is_delivered, within=TOLD_WITHIN, what=lambda: "the ledger has every handover, delivered")
