"""Creations that wait share a transaction, and each is what it is alone: none fails or is lost by the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from api_service.store import idempotency
from api_service.store.database import Connection, Database
from api_service.store.idempotency import Remembered
from api_service.store.migrations import migrate
from tests.integration.api.stage import NEW_EVENT, NOW, SHARD_COUNT, Answer, Api, Server, StandingClock, compose
from tests.integration.store.scene import waiting_for_locks
from tests.servers.postgres import PATIENCE, Postgres

Open: TypeAlias = Callable[..., Awaitable[Api]]
Asking: TypeAlias = list[asyncio.Task[Answer]]

MANY = 20
BAD = "bad@example.com"


@pytest.fixture
async def dsn(postgres: Postgres) -> str:
    return await postgres.fresh_database(installed)


@pytest.fixture
async def gate(dsn: str) -> AsyncIterator[Database]:
    """Connections beside the service's, to hold what it needs and to look at what it does."""
    database = await Database.open(dsn, size=4, patience=PATIENCE)
    yield database
    await database.close()


@pytest.fixture
async def opened(dsn: str, aiohttp_client: Callable[..., Awaitable[Any]], clock: StandingClock) -> AsyncIterator[Open]:
    databases: list[Database] = []

    async def open_with(*, size: int = 4, seconds: float = 30.0, **told: Any) -> Api:
        databases.append(await Database.open(dsn, size=size, command_timeout=seconds, patience=PATIENCE))
        return await Api(await aiohttp_client(Server(compose(databases[-1], clock, **told))), clock).newcomer()

    yield open_with
    for database in databases:
        await database.close()


async def installed(dsn: str) -> None:
    await migrate(dsn, shards=SHARD_COUNT, now=NOW)


@asynccontextmanager
async def shards_held(gate: Database) -> AsyncIterator[None]:
    """While this lasts nobody writes an event."""
    async with gate.transaction() as c:
        await c.execute("select from shard order by shard for update")
        yield


async def asked(
    tasks: asyncio.TaskGroup, gate: Database, api: Api, bodies: Sequence[Mapping[str, Any]] = (), **kwargs: Any
) -> Asking:
    """A creation that is being written, and behind it creations of these that wait for it to be."""
    first = tasks.create_task(api.post("/v1/events", NEW_EVENT))
    async with asyncio.timeout(PATIENCE), gate.connection() as c:
        await waiting_for_locks(c, 1)
    others = [tasks.create_task(api.post("/v1/events", body, **kwargs)) for body in bodies]
    await until_authenticated(api, others)
    return [first, *others]


async def until_authenticated(api: Api, others: Asking) -> None:
    """What was sent before this answer has been read, and its key looked up."""
    for _ in range(3):
        assert (await api.get("/v1/keys")).status == 200
    assert not any(task.done() for task in others)


async def transactions(c: Connection) -> int:
    return int(await c.fetchval("select count(distinct xmin::text) from event"))


async def test_those_who_wait_share_a_transaction(opened: Open, gate: Database) -> None:
    api = await opened()
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT | {"tags": [f"n{n}"]} for n in range(MANY)])

    answers = [task.result() for task in asking]
    assert {answer.status for answer in answers} == {201}
    assert [answer.data["tags"] for answer in answers] == [["prod"], *([f"n{n}"] for n in range(MANY))]
    async with gate.connection() as c:
        assert await transactions(c) <= 3  # how many of them had arrived when the first was written nobody knows
    for answer in answers:
        assert (await api.get(f"/v1/events/{answer.data['eventId']}")).data == answer.data
    noted = (await api.get("/v1/changes?action=created&limit=100")).data
    assert {(change["eventId"], change["requestId"]) for change in noted} == {
        (answer.data["eventId"], answer.headers["X-Request-Id"]) for answer in answers
    }


async def test_applications_share_one_too_and_have_each_their_own(opened: Open, gate: Database) -> None:
    ours = await opened()
    theirs = await ours.newcomer()
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, ours, [NEW_EVENT] * 5)
        asking += [tasks.create_task(theirs.post("/v1/events", NEW_EVENT)) for _ in range(4)]

    assert {task.result().status for task in asking} == {201}
    assert [(await api.get("/v1/events")).json["meta"]["total"] for api in (ours, theirs)] == [6, 4]


async def test_what_postgres_refuses_of_one_is_nobody_elses_failure(opened: Open, gate: Database) -> None:
    api = await opened()
    async with gate.connection() as c:
        await c.execute(f"alter table event add check (event_owner <> '{BAD}')")
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT, NEW_EVENT | {"eventOwner": BAD}, NEW_EVENT])

    assert [task.result().status for task in asking] == [201, 201, 500, 201]
    assert (await api.get("/v1/events")).json["meta"]["total"] == 3


async def test_an_owner_that_is_no_schedule_is_told_to_who_named_it(opened: Open, gate: Database) -> None:
    api = await opened()
    nobody = NEW_EVENT | {"eventOwner": "oncall:skd_00000000000000"}
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT, nobody, NEW_EVENT])

    assert [task.result().status for task in asking] == [201, 201, 400, 201]
    assert asking[2].result().message[0].startswith("eventOwner skd_00000000000000 is no schedule")


async def test_together_they_fill_a_quota_exactly(opened: Open, gate: Database) -> None:
    api = await opened(quota=5)
    stranger = await api.newcomer()
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT] * 9)
        other = tasks.create_task(stranger.post("/v1/events", NEW_EVENT))

    assert sorted(task.result().status for task in asking) == [201] * 5 + [403] * 5
    assert other.result().status == 201


async def test_under_one_key_they_create_once_and_are_told_the_same(opened: Open, gate: Database) -> None:
    api = await opened()
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT] * 3, headers={"Idempotency-Key": "once"})
        asking += [
            tasks.create_task(api.post("/v1/events", NEW_EVENT, headers={"Idempotency-Key": f"key-{n}"}))
            for n in range(4)
        ]

    _, *answers = [task.result() for task in asking]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers[:3]}) == 1
    assert (await api.get("/v1/events")).json["meta"]["total"] == 1 + 1 + 4


async def test_a_twin_elsewhere_that_was_faster_takes_only_its_own(opened: Open, gate: Database) -> None:
    """Two processes over one database: both are asked under one key, and one of them for other things meanwhile."""
    here = await opened()
    there = Api((await opened()).client, here.clock, here.key)
    once = {"Idempotency-Key": "once"}
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, here, [NEW_EVENT] * 4)
        twins = [tasks.create_task(one.post("/v1/events", NEW_EVENT, headers=once)) for one in (there, here, there)]
        await until_authenticated(here, twins)

    assert {task.result().status for task in asking} == {201}
    assert {task.result().status for task in twins} == {201}
    assert len({task.result().text for task in twins}) == 1
    assert (await here.get("/v1/events")).json["meta"]["total"] == 6


async def test_whoever_hangs_up_takes_nobody_with_him(opened: Open, gate: Database) -> None:
    api = await opened()
    gone: list[asyncio.Task[Answer]] = []
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT] * 3)
        gone = [asyncio.create_task(api.post("/v1/events", NEW_EVENT)) for _ in range(3)]
        await until_authenticated(api, gone)
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)

    assert {task.result().status for task in asking} == {201}
    await api.create()  # written after those who hung up, or with them
    assert (await api.get("/v1/events")).json["meta"]["total"] == 4 + 3 + 1


async def test_when_postgres_goes_away_everybody_is_told_and_it_goes_on_when_it_is_back(
    opened: Open, gate: Database
) -> None:
    api = await opened()
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api)
        async with gate.connection() as c:
            await c.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' "
                "and datname = current_database()"
            )
        answer = await asking[0]

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert await api.create()
    assert (await api.get("/v1/events")).json["meta"]["total"] == 1


async def test_who_waits_too_long_is_told_and_so_are_those_behind_him(opened: Open, gate: Database) -> None:
    api = await opened(seconds=1.0)
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT] * 3)
        await asyncio.wait(asking)

    assert [task.result().status for task in asking] == [503] * 4
    assert await api.create()
    assert (await api.get("/v1/events")).json["meta"]["total"] == 1


async def test_however_many_wait_they_keep_one_connection(opened: Open, gate: Database) -> None:
    api = await opened(size=2)
    async with asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api, [NEW_EVENT] * MANY)
        assert (await api.get("/v1/events")).json["meta"]["total"] == 0

    assert {task.result().status for task in asking} == {201}


async def test_a_process_that_is_to_end_answers_whoever_waits(opened: Open, gate: Database) -> None:
    api = await opened()
    async with asyncio.TaskGroup() as tasks:
        async with shards_held(gate):
            asking = await asked(tasks, gate, api, [NEW_EVENT] * MANY)
            ends = tasks.create_task(api.client.server.close())
            await asyncio.sleep(0)
        await ends

    assert {task.result().status for task in asking} == {201}
    async with gate.connection() as c:
        assert await c.fetchval("select count(*) from event") == 1 + MANY


async def test_twins_elsewhere_that_are_faster_one_after_the_other_end_in_answers(
    opened: Open, gate: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that was taken at the first attempt is still taken at the third, when another is by now."""
    api = await opened()
    faster = ["one", "two"]
    remember_all = idempotency.remember_all

    async def once_another_was_faster(c: Connection, kept: Sequence[Any]) -> set[tuple[int, str]]:
        if faster and len(kept) > 1:
            key, application_id = faster.pop(0), kept[0][0]
            elsewhere = Remembered(request_hash=b"another", event_id="another", answer="another")
            async with gate.transaction() as other:
                await remember_all(other, [(application_id, key, elsewhere, NOW)])
        return await remember_all(c, kept)

    monkeypatch.setattr(idempotency, "remember_all", once_another_was_faster)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks, shards_held(gate):
        asking = await asked(tasks, gate, api)
        asking += [
            tasks.create_task(api.post("/v1/events", NEW_EVENT, headers={"Idempotency-Key": key}))
            for key in ("one", "two", "three")
        ]
        await until_authenticated(api, asking)

    assert [task.result().status for task in asking] == [201, 422, 422, 201]
    assert faster == []
