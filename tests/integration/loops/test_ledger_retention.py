"""What is old leaves the ledger by weeks; what is unfinished, and an event's last failure, never does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from api_service.store import partitions, recording, retention, snapshots
from api_service.store.digest import Digest
from api_service.store.partitions import NotNow
from api_service.store.retention import DAY_MS, Retention, Sweep, forget_week
from shared.domain.event import Event
from shared.timing.instants import to_datetime
from tests.integration.loops.ledger_weeks import (
    DROPPED,
    KEPT,
    NEXT,
    NEXT_SECONDS,
    PATIENT_MS,
    THINNED,
    WEEK,
    forget,
    lasting,
    prepare,
    record,
    rung,
    tables,
    where,
    where_attempts,
)
from tests.integration.loops.scene import NOW, SECOND, Scene, outcomes, skipped
from tests.integration.loops.waiting import somebody_waits

DAYS = DAY_MS // SECOND


@pytest.fixture
async def one(scene: Scene) -> Event:
    """An event in a ledger of which the weeks are made."""
    await prepare(scene.database)
    return await lasting(scene)


async def seconds_of(scene: Scene, of: Event) -> dict[int, str]:
    """Where the executions of an event lie, whose attempts lie beside them."""
    async with scene.database.connection() as c:
        places = {second: place for (event_id, second), place in (await where(c)).items() if event_id == of.event_id}
        made = {
            second: place for (event_id, second), place in (await where_attempts(c)).items() if event_id == of.event_id
        }
    assert made.items() <= places.items()
    return places


async def sweep(scene: Scene, now: int, limit: int = 1_000) -> None:
    """Go through the partitions that are swept by row until nothing is left to do."""
    async with scene.database.connection() as c:
        for name in await retention.sweepable(c):
            while await retention.sweep_settled(c, name, KEPT, now, limit=limit) == limit:
                pass
        failures = Sweep()
        while await retention.sweep_failed(c, failures, KEPT, now, limit=limit):
            pass


async def test_a_week_is_whole_until_its_last_moment_is_old_enough(scene: Scene, one: Event) -> None:
    await record(scene.database, rung(one, 1))
    week = partitions.Week.of(NOW)

    assert await forget(scene.database, week.ends + 30 * DAY_MS - 1) == []
    assert await seconds_of(scene, one) == {1: WEEK}
    assert await forget(scene.database, week.ends + 30 * DAY_MS) == [WEEK]
    assert await seconds_of(scene, one) == {}


async def test_failures_and_what_is_unfinished_outlive_their_week(scene: Scene, one: Event) -> None:
    await record(scene.database, rung(one, 1), rung(one, 2, failed=True), rung(one, 3, retry=True), rung(one, 4))
    await record(scene.database, outcomes(skipped(one, 5, 6)), rung(one, NEXT_SECONDS))

    assert await forget(scene.database, THINNED) == [WEEK]

    assert await seconds_of(scene, one) == {2: f"{WEEK}_kept", 3: f"{WEEK}_kept", NEXT_SECONDS: NEXT}
    async with scene.database.connection() as c:
        assert await c.fetchval("select count(*) from attempt") == 3
        assert f"execution_{WEEK}" not in await tables(c)
    assert await forget(scene.database, THINNED) == []


async def test_a_thinned_week_is_written_like_any_other(scene: Scene, one: Event) -> None:
    await record(scene.database, rung(one, 2, failed=True), rung(one, 3, retry=True))
    await forget(scene.database, THINNED)

    await record(scene.database, rung(one, 3, failed=True, attempt=2), rung(one, 2, attempt=2), rung(one, 7))

    assert await seconds_of(scene, one) == dict.fromkeys((2, 3, 7), f"{WEEK}_kept")
    await sweep(scene, THINNED, limit=1)
    assert await seconds_of(scene, one) == {3: f"{WEEK}_kept"}


async def test_a_stretch_goes_when_its_last_occurrence_is_old_enough(scene: Scene, one: Event) -> None:
    await record(scene.database, outcomes(skipped(one, 1, 20 * DAYS)), outcomes(skipped(one, 2, 80 * DAYS)))
    await forget(scene.database, THINNED)
    await sweep(scene, THINNED)
    assert await seconds_of(scene, one) == {1: f"{WEEK}_kept", 2: f"{WEEK}_kept"}

    await sweep(scene, NOW + 51 * DAY_MS)
    assert await seconds_of(scene, one) == {2: f"{WEEK}_kept"}

    await forget(scene.database, DROPPED)
    await sweep(scene, DROPPED)
    assert await seconds_of(scene, one) == {2: "default"}

    await sweep(scene, NOW + 111 * DAY_MS)
    assert await seconds_of(scene, one) == {}


async def test_the_last_failure_of_an_event_survives_its_week(scene: Scene, one: Event) -> None:
    other, gone = await lasting(scene), await lasting(scene)
    for second in (1, 2):
        await record(scene.database, *(rung(of, second, failed=True) for of in (one, other, gone)))
    await record(scene.database, rung(one, 3), rung(one, 4, retry=True), rung(other, NEXT_SECONDS, failed=True))
    await scene.delete(gone)

    assert await forget(scene.database, DROPPED) == [WEEK, NEXT, "2027w04", "2027w05", "2027w06"]

    assert await seconds_of(scene, one) == {2: "default", 4: "default"}
    assert await seconds_of(scene, other) == {NEXT_SECONDS: f"{NEXT}_kept"}
    assert await seconds_of(scene, gone) == {}
    async with scene.database.connection() as c:
        assert not [name for name in await tables(c) if WEEK in name]


async def test_the_default_partition_is_swept_by_the_same_rules(scene: Scene) -> None:
    one, gone = await lasting(scene), await lasting(scene)  # and no week has been made
    await record(scene.database, *(rung(one, second) for second in range(5)), rung(one, 5, retry=True))
    await record(scene.database, *(rung(one, second, failed=True) for second in range(6, 11)))
    await record(scene.database, rung(gone, 1, failed=True), outcomes(skipped(one, 12, 40 * DAYS)))
    await scene.delete(gone)

    await sweep(scene, NOW + 30 * DAY_MS + 2 * SECOND, limit=2)
    assert list(await seconds_of(scene, one)) == [*range(2, 11), 12]

    await sweep(scene, NOW + 31 * DAY_MS, limit=2)
    assert list(await seconds_of(scene, one)) == [*range(5, 11), 12]
    assert list(await seconds_of(scene, gone)) == [1]

    await sweep(scene, NOW + 91 * DAY_MS, limit=2)
    assert list(await seconds_of(scene, one)) == [5, 10]
    assert list(await seconds_of(scene, gone)) == []


async def test_a_failure_that_was_the_last_goes_when_there_is_a_newer_one(scene: Scene, one: Event) -> None:
    await record(scene.database, rung(one, 1, failed=True))
    await forget(scene.database, DROPPED)
    await record(scene.database, rung(one, 60 * DAYS, failed=True))

    await sweep(scene, DROPPED)

    assert await seconds_of(scene, one) == {60 * DAYS: "default"}


async def test_what_is_recorded_while_a_week_is_copied_is_as_it_was_told(scene: Scene, one: Event) -> None:
    await record(scene.database, *(rung(one, second, failed=True) for second in (1, 2, 3)), rung(one, 4))
    await record(scene.database, rung(one, 5, retry=True))

    async with asyncio.TaskGroup() as group, scene.database.transaction() as c:
        for told in (
            rung(one, 2, attempt=2),  # delivered after all
            rung(one, 3, failed=True, attempt=2),
            rung(one, 5, failed=True, attempt=2),
            rung(one, 6, failed=True),
            outcomes(skipped(one, 7, 60 * DAYS)),
        ):
            await recording.record(c, Digest.of([told]), THINNED)
        group.create_task(forget(scene.database, THINNED))
        await somebody_waits(scene.database)  # all is copied, and not yet this

    assert await seconds_of(scene, one) == dict.fromkeys((1, 3, 5, 6, 7), f"{WEEK}_kept")
    async with scene.database.connection() as c:
        states = await c.fetch("select status, attempts from execution where nominal < $1 order by nominal", _moment(7))
        made = await c.fetch("select nominal, count(*) from attempt group by 1 order by 1")
    assert [tuple(row) for row in states] == [("FAILED", 1), ("FAILED", 2), ("FAILED", 2), ("FAILED", 1)]
    assert [(row[0], row[1]) for row in made] == [(_moment(1), 1), (_moment(3), 2), (_moment(5), 2), (_moment(6), 1)]


def _moment(second: int) -> object:
    return to_datetime(NOW + second * SECOND)


@pytest.mark.parametrize("now", [THINNED, DROPPED])
async def test_a_recorder_that_comes_while_a_week_goes_is_not_lost(scene: Scene, one: Event, now: int) -> None:
    await record(scene.database, rung(one, 1, failed=True))

    async with asyncio.TaskGroup() as group, scene.database.transaction() as c:
        await forget_week(c, KEPT, now, patience_ms=PATIENT_MS)
        group.create_task(record(scene.database, rung(one, 1, failed=True, attempt=2), rung(one, 2)))
        await somebody_waits(scene.database)

    place = f"{WEEK}_kept" if now == THINNED else "default"
    assert await seconds_of(scene, one) == {1: place, 2: place}
    async with scene.database.connection() as c:
        assert await c.fetchval("select count(*) from attempt") == 3


async def test_of_two_housekeepers_one_rebuilds(scene: Scene, one: Event) -> None:
    await record(scene.database, rung(one, 1, failed=True))
    database = scene.database

    async with database.transaction() as first, database.connection() as second:
        assert await forget_week(first, KEPT, THINNED, patience_ms=PATIENT_MS) == WEEK
        with pytest.raises(NotNow, match="another process"):
            await forget_week(second, KEPT, THINNED)
        with pytest.raises(NotNow, match="another process"):
            await retention.sweep_settled(second, "default", KEPT, THINNED)
    assert await forget(database, THINNED) == []


@pytest.mark.parametrize("now", [THINNED, DROPPED])
async def test_without_the_lock_everything_is_as_it_was(scene: Scene, one: Event, now: int) -> None:
    await record(scene.database, rung(one, 1), rung(one, 2, failed=True))

    async with scene.database.transaction() as reader, scene.database.connection() as c:
        before = await tables(c), await where(c), await where_attempts(c)
        await reader.fetch("select from execution")
        with pytest.raises(NotNow, match="lock timeout"):
            await forget_week(c, KEPT, now, patience_ms=20)
        assert (await tables(c), await where(c), await where_attempts(c)) == before

    assert await forget(scene.database, now)


async def test_a_snapshot_keeps_the_weeks_that_it_has_not_come_to(scene: Scene, one: Event) -> None:
    await record(scene.database, rung(one, 1, retry=True))
    database = scene.database

    async def pending() -> list[str]:
        async with aclosing(snapshots.read(database, 3, now=NOW)) as pages:
            return [firing.timer_id async for page in pages for firing in page.pending]

    async with asyncio.TaskGroup() as group, database.transaction() as c:
        await c.execute("lock table event_state")
        reading = group.create_task(pending())
        await somebody_waits(database)  # its moment is now
        async with database.connection() as keeper:
            with pytest.raises(NotNow, match="lock timeout"):
                await forget_week(keeper, KEPT, THINNED, patience_ms=20)

    assert reading.result() == [one.event_id]


async def test_where_successes_are_kept_as_long_as_failures_a_week_goes_at_once(scene: Scene, one: Event) -> None:
    await record(scene.database, rung(one, 1), rung(one, 2, failed=True), rung(one, 3, failed=True))

    kept = Retention(success_days=7, failure_days=7)
    assert await forget(scene.database, NOW + 14 * DAY_MS, kept) == [WEEK]

    assert await seconds_of(scene, one) == {3: "default"}
