"""Many events at once while others change them, Postgres is slow or time runs out: what is done is done whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api_service import limits
from api_service.store.database import Connection, Database
from tests.integration.api.stage import Answer, Api, Server, StandingClock, compose
from tests.servers.postgres import PATIENCE

MEANWHILE = "The event was changed meanwhile, so it was left alone."
EVERYTHING = {"all": True}
Serve = Callable[..., Awaitable[Api]]


@pytest.fixture
async def serve(aiohttp_client: Callable[..., Awaitable[Any]], shared_dsn: str, api: Api) -> AsyncIterator[Serve]:
    """The same application at another server."""
    opened: list[Database] = []

    async def of(clock: StandingClock, **given: Any) -> Api:
        opened.append(await Database.open(shared_dsn, patience=PATIENCE, **given))
        return Api(await aiohttp_client(Server(compose(opened[-1], clock))), clock, api.key)

    yield of
    for database in opened:
        await database.close()


@asynccontextmanager
async def held(database: Database, event_id: str) -> AsyncIterator[Connection]:
    """The event's row, for as long as the block lasts."""
    async with database.transaction() as c:
        await c.execute("select from event where event_id = $1 for update", event_id)
        yield c


async def until_one_waits(c: Connection, *asked: asyncio.Task[Answer]) -> None:
    async with asyncio.timeout(30):
        while not await c.fetchval("select count(*) from pg_locks where not granted"):
            await asyncio.wait(asked, timeout=0.01)


async def logged(api: Api, action: str) -> list[str]:
    return sorted(row["eventId"] for row in (await api.get(f"/v1/changes?limit=1000&action={action}")).data)


@pytest.mark.parametrize(
    ("change", "came"),
    [
        ("update event set version = version + 1 where event_id = $1", (3, 2, 0, 1)),
        ("delete from event where event_id = $1", (3, 2, 1, 0)),
    ],
    ids=["changed", "deleted"],
)
@pytest.mark.parametrize(("what", "action"), [("pause", "paused"), ("delete", "deleted")])
async def test_an_event_that_is_another_by_now_is_left_alone(
    api: Api, database: Database, change: str, came: tuple[int, ...], what: str, action: str
) -> None:
    events = [(await api.create(tags=["x"]))["eventId"] for _ in range(3)]
    async with asyncio.TaskGroup() as tasks, held(database, events[1]) as c:
        asked = tasks.create_task(api.post(f"/v1/bulk/{what}", {"query": {"tags": ["x"]}}))
        await until_one_waits(c, asked)
        await c.execute(change, events[1])
    data = asked.result().data

    assert tuple(data[name] for name in ("matched", "changed", "unchanged", "remaining")) == came
    assert data["failed"] == [{"eventId": events[1], "reason": MEANWHILE}] * came[3]
    assert await logged(api, action) == sorted([events[0], events[2]])


async def test_what_postgres_did_not_take_remains_and_is_named(
    api: Api, database: Database, serve: Serve, clock: StandingClock
) -> None:
    events = [(await api.create())["eventId"] for _ in range(3)]
    hasty = await serve(clock, size=4, command_timeout=0.2)
    async with held(database, events[1]):
        data = (await hasty.post("/v1/bulk/pause", EVERYTHING)).data

    assert (data["matched"], data["changed"], data["unchanged"], data["remaining"]) == (3, 2, 0, 1)
    assert [failure["eventId"] for failure in data["failed"]] == [events[1]]
    assert "try again shortly" in data["failed"][0]["reason"]
    assert await logged(api, "paused") == sorted([events[0], events[2]])
    assert (await hasty.post("/v1/bulk/pause", EVERYTHING)).data["remaining"] == 0


async def test_failures_are_named_up_to_a_bound(
    api: Api, database: Database, serve: Serve, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BULK_FAILURES", 2)
    for _ in range(3):
        await api.create()
    hasty = await serve(clock, size=4, command_timeout=0.2)
    async with database.transaction() as c:
        await c.execute("select from shard for update")
        data = (await hasty.post("/v1/bulk/delete", EVERYTHING)).data

    assert (data["matched"], data["changed"], data["remaining"], len(data["failed"])) == (3, 0, 3, 2)
    assert len((await api.get("/v1/events")).data) == 3


class Ticking(StandingClock):
    """A clock on which a second passes whenever it is looked at."""

    def steady(self) -> float:
        self.moment += 1_000
        return super().steady()


async def test_what_is_not_done_in_time_remains(api: Api, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BULK_SECONDS", 5)
    for _ in range(8):
        await api.create()
    slow = await serve(Ticking(), size=4)
    remaining = [8]
    async with asyncio.timeout(30):
        while remaining[-1]:
            data = (await slow.post("/v1/bulk/pause", EVERYTHING)).data
            assert data["matched"] == 8
            assert data["changed"] == remaining[-1] - data["remaining"] > 0
            remaining.append(data["remaining"])

    assert len(remaining) > 2
    assert len(await logged(api, "paused")) == 8


async def test_single_requests_find_connections_beside_it(
    api: Api, database: Database, serve: Serve, clock: StandingClock
) -> None:
    events = [(await api.create())["eventId"] for _ in range(4)]
    busy = await serve(clock, size=2)
    async with asyncio.TaskGroup() as tasks, database.transaction() as c:
        await c.execute("select from event where event_id = any($1::text[]) for update", events)
        asked = [tasks.create_task(busy.post("/v1/bulk/pause", EVERYTHING)) for _ in range(3)]
        await until_one_waits(c, *asked)
        for _ in range(3):
            assert (await busy.get("/v1/events")).status == 200
    came = [task.result().data for task in asked]

    assert sum(data["changed"] for data in came) == 4
    assert await logged(api, "paused") == sorted(events)
