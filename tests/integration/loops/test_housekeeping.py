"""What is no longer promised is forgotten, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from structlog.testing import capture_logs

from api_service.loops import housekeeping
from api_service.loops.housekeeping import IDEMPOTENCY_KEPT_MS, Housekeeping
from api_service.store import api_keys, changes, idempotency, partitions, signing
from api_service.store.changes import Change
from api_service.store.database import Database, connect
from api_service.store.idempotency import Remembered
from api_service.store.retention import DAY_MS
from shared.domain.changelog import Action
from shared.timing.instants import from_datetime, to_datetime
from tests.integration.loops.conftest import installed
from tests.integration.loops.ledger_weeks import KEPT, NEXT, NEXT_SECONDS, THINNED, WEEK, lasting, record, rung, where
from tests.integration.loops.scene import NOW, SECOND, Scene
from tests.servers.postgres import Postgres

ANSWER = Remembered(request_hash=b"h", event_id="e", answer="{}")


class _Clock:
    """A clock that is told what time it is, and whose hours pass when they are asked to."""

    def __init__(self) -> None:
        self.moment = NOW
        self.slept: list[float] = []
        self.asleep = asyncio.Event()
        self.turn = asyncio.Semaphore(0)

    def now(self) -> int:
        return self.moment

    def steady(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.asleep.set()
        await self.turn.acquire()


async def remember(scene: Scene, key: str, moment: int) -> None:
    async with scene.database.transaction() as c:
        await idempotency.remember(c, scene.application_id, key, ANSWER, now=moment)


async def known(scene: Scene, *keys: str) -> list[str]:
    async with scene.database.connection() as c:
        return [key for key in keys if await idempotency.find(c, scene.application_id, key)]


async def test_answers_are_kept_for_a_day_and_then_forgotten_however_many(scene: Scene) -> None:
    await remember(scene, "kept", NOW - IDEMPOTENCY_KEPT_MS)
    old = [f"old-{number}" for number in range(5)]
    for key in old:
        await remember(scene, key, NOW - IDEMPOTENCY_KEPT_MS - 1)

    await Housekeeping(database=scene.database, clock=_Clock(), kept=KEPT, step_rows=2).sweep()

    assert await known(scene, "kept", *old) == ["kept"]


async def test_keys_that_open_nothing_are_forgotten(scene: Scene) -> None:
    async with scene.database.transaction() as c:
        for number in range(5):
            await api_keys.add(c, scene.application_id, bytes([number]), now=NOW)
        await api_keys.expire(c, scene.application_id, NOW)
        for late in (b"late", b"never"):
            await api_keys.add(c, scene.application_id, late, now=NOW)
        await c.execute("update api_key set expires_date = $1 where key_hash = 'late'", to_datetime(NOW + 1))

    await Housekeeping(database=scene.database, clock=_Clock(), kept=KEPT, step_rows=2).sweep()

    async with scene.database.connection() as c:
        left = await c.fetch("select key_hash from api_key")
    assert {row["key_hash"] for row in left} == {b"late", b"never"}


async def test_secrets_that_sign_nothing_are_forgotten(scene: Scene) -> None:
    async with scene.database.transaction() as c:
        for number in range(5):
            await signing.add(c, scene.application_id, bytes([number]), now=NOW)
        await signing.expire(c, scene.application_id, NOW)
        await signing.add(c, scene.application_id, b"late", now=NOW)
        await signing.expire(c, scene.application_id, NOW + 1)
        await signing.add(c, scene.application_id, b"current", now=NOW)

    await Housekeeping(database=scene.database, clock=_Clock(), kept=KEPT, step_rows=2).sweep()

    async with scene.database.connection() as c:
        left = await c.fetch("select secret from signing_secret")
    assert {row["secret"] for row in left} == {b"late", b"current"}


async def test_the_ledger_has_its_weeks_and_loses_the_old_ones(scene: Scene) -> None:
    clock = _Clock()
    keeper = Housekeeping(database=scene.database, clock=clock, kept=KEPT, step_rows=2)
    await keeper.sweep()
    one = await lasting(scene)
    old = -40 * DAY_MS // SECOND
    await record(scene.database, *(rung(one, second) for second in (1, *range(old, old + 5))))
    await record(scene.database, rung(one, 2, failed=True), rung(one, NEXT_SECONDS))

    await keeper.sweep()
    async with scene.database.connection() as c:
        assert [second for _, second in await where(c)] == [1, 2, NEXT_SECONDS]  # those of no week have gone

    clock.moment = THINNED
    await keeper.sweep()
    async with scene.database.connection() as c:
        assert list((await where(c)).values()) == [f"{WEEK}_kept", NEXT]
        assert (await partitions.names(c))[0] == f"{WEEK}_kept"


async def test_who_may_not_make_weeks_says_so_once_and_sweeps_on(postgres: Postgres) -> None:
    dsn = await postgres.fresh_database(installed)
    async with connect(dsn) as c:
        name = await c.fetchval("select current_database() || '_writer'")
        await c.execute(f"create role {name}; grant all on all tables in schema public to {name}")
        await c.execute(f"alter database {name.removesuffix('_writer')} set role = {name}")
    database = await Database.open(dsn)
    scene = await Scene.open(database)
    one = await lasting(scene)
    await record(database, rung(one, -40 * DAY_MS // SECOND), rung(one, 1))
    keeper = Housekeeping(database=database, clock=_Clock(), kept=KEPT)

    with capture_logs() as told:
        for _ in range(2):
            await keeper.sweep()

    (said,) = told
    assert said["event"] == "housekeeping.ledger_forbidden"
    assert "until api_service connects as the role that migrates" in said["why"]
    async with database.connection() as c:
        assert await where(c) == {(one.event_id, 1): "default"}
    await database.close()


async def test_changes_are_kept_for_as_long_as_the_operator_says(scene: Scene) -> None:
    kept_ms = 30 * DAY_MS
    async with scene.database.transaction() as c:
        for number in range(5):
            old = Change(action=Action.CREATED, happened=NOW - kept_ms - 1 - number)
            await changes.add(c, number % 2, old)
            await changes.add(c, number % 2, replace(old, action=Action.SCHEDULE_CHANGED, object_id=f"s{number}"))
        for moment in (NOW - kept_ms, NOW):
            await changes.add(c, scene.application_id, Change(action=Action.DELETED, happened=moment))

    await Housekeeping(database=scene.database, clock=_Clock(), kept=KEPT, change_log_days=30, step_rows=2).sweep()

    async with scene.database.connection() as c:
        left = await c.fetch("select happened from change_log order by happened")
        assert await c.fetchval("select count(*) from oncall_change_log") == 0
    assert [from_datetime(row["happened"]) for row in left] == [NOW - kept_ms, NOW]


async def test_it_sweeps_at_once_and_every_hour_and_while_postgres_is_away_it_keeps_trying(scene: Scene) -> None:
    clock = _Clock()
    away = await Database.open("postgresql://nobody@127.0.0.1:1/nowhere", size=1)
    keeper = Housekeeping(database=scene.database, clock=clock, kept=KEPT)
    kept_from = Housekeeping(database=away, clock=clock, kept=KEPT)

    async with asyncio.TaskGroup() as group:
        for one in (keeper, kept_from):
            clock.asleep.clear()
            task = group.create_task(one.run())
            for _ in range(2):
                await clock.asleep.wait()
                clock.asleep.clear()
                clock.turn.release()
            await clock.asleep.wait()
            task.cancel()
            clock.turn = asyncio.Semaphore(0)

    assert clock.slept[:3] == [housekeeping.INTERVAL] * 3
    assert all(seconds < housekeeping.INTERVAL for seconds in clock.slept[3:6])
    await away.close()
