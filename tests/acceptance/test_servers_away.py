"""Postgres goes away, the API goes away: ringing goes on undisturbed, and every outcome is recorded afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from tests.acceptance.client import Client, new_event, now
from tests.acceptance.judging import SECOND, account
from tests.acceptance.world import World
from tests.servers.processes import eventually

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

EVENTS = 30
POSTGRES_AWAY = 10 * SECOND
API_AWAY = 3 * SECOND
AFTER = 1 * SECOND
LATE_MOST = 1_000
RECORDED_WITHIN = 10.0


class Ringing:
    """Events that ring every second while something is away."""

    def __init__(self, world: World, client: Client, path: str, events: Sequence[str]) -> None:
        self.world = world
        self.client = client
        self.path = path
        self.events = events
        self.unlike: list[tuple[str, str]] = []

    async def went_on(self, since: int, until: int) -> None:
        """No instant between the two is missing, late, or rung again."""
        await self.world.receiver.past(until + LATE_MOST)
        told = await self.world.receiver.told(self.path, since=since)
        found = account(told.arrivals, events=self.events, since=since, until=until)
        print(f"{found}; the receiver itself was kept waiting for {told.stall} ms at most")
        assert found.missing == []
        assert found.latest <= LATE_MOST
        assert found.repeated == []

    async def is_recorded(self) -> None:
        """Once nothing rings any more, the ledger knows exactly what the receiver saw."""
        await self.client.each("POST", self.events, "/pause")
        await eventually(
            self._knows_all, within=RECORDED_WITHIN, what=lambda: f"the ledger is right, less {self.unlike}"
        )

    async def _knows_all(self) -> bool:
        """Is every ring that the receiver saw in the ledger, and nothing else?"""
        arrivals = await self.world.receiver.arrivals(self.path)
        seen = {arrival.name: "DELIVERED" for arrival in arrivals if arrival.event_id in self.events}
        known: dict[str, str] = {}
        totals = 0
        for event in self.events:
            executions, total = await self.client.executions(event)
            totals += total
            # An occurrence that was due in the very moment of the pause may be skipped for it.
            known |= {one["executionId"]: one["status"] for one in executions if one["reason"] != "paused"}
            totals -= sum(one["reason"] == "paused" for one in executions)
        self.unlike = sorted(seen.items() ^ known.items())[:5]
        return not self.unlike and totals == len(known)


@pytest_asyncio.fixture(loop_scope="session")
async def ringing(world: World) -> AsyncIterator[Ringing]:
    client = await world.client()
    path = f"/away/{now()}"
    events = await client.crowd(world.receiver.url + path, EVENTS)
    await world.receiver.past(now() + SECOND)
    yield Ringing(world, client, path, events)
    await world.whole()
    await client.each("DELETE", events)


async def test_postgres_is_away_for_ten_seconds(ringing: Ringing) -> None:
    """Shown to fail where outcomes expire in their queue after a second: the ledger lacked what rang meanwhile."""
    world, client = ringing.world, ringing.client

    begin = now()
    await asyncio.to_thread(world.postgres.stop)
    try:
        while now() < begin + POSTGRES_AWAY:
            await refusals(client, ringing)
            await world.receiver.past(now() + SECOND)
        refused_until = now()
    finally:
        await asyncio.to_thread(world.postgres.start)

    assert refused_until - begin >= POSTGRES_AWAY
    await ringing.went_on(begin, now() + AFTER)
    assert (await client.ask("POST", "/v1/events", new_event(world.receiver.url + ringing.path))).status == 201
    await ringing.is_recorded()


async def refusals(client: Client, ringing: Ringing) -> None:
    """What needs Postgres is refused in the one shape, and what does not is answered."""
    for method, path, body in (
        ("GET", "/v1/events", None),
        ("GET", f"/v1/events/{ringing.events[0]}", None),
        ("POST", "/v1/events", new_event(ringing.world.receiver.url)),
    ):
        said = await client.ask(method, path, body)
        assert said.is_refusal(503), said
    assert (await client.ask("GET", "/readyz")).is_refusal(503)
    assert (await client.ask("GET", "/healthz")).status == 200


async def test_every_api_is_away_for_some_seconds(ringing: Ringing) -> None:
    """Shown to fail where outcomes expire in their queue after a second: the ledger lacked what rang meanwhile."""
    world = ringing.world

    begin = now()
    for api in world.apis:
        api.kill()
    await world.receiver.past(begin + API_AWAY)
    for api in world.apis:
        await api.gone()
        api.start()
    for api in world.apis:
        await api.ready()

    await ringing.went_on(begin, now() + AFTER)
    await ringing.is_recorded()
