"""A row lies in the week of its nominal instant, with its attempts beside it, whenever the week came to be."""

from __future__ import annotations

import asyncio

import pytest

from api_service.store import partitions, recording
from api_service.store.database import Database
from api_service.store.digest import Digest
from api_service.store.partitions import NotAllowed, NotNow
from api_service.store.retention import DAY_MS
from tests.integration.loops.ledger_weeks import (
    NEXT,
    NEXT_SECONDS,
    WEEK,
    lasting,
    prepare,
    record,
    rung,
    tables,
    where,
    where_attempts,
)
from tests.integration.loops.scene import NOW, Scene, outcomes, skipped
from tests.integration.loops.waiting import somebody_waits

WEEKS = [WEEK, NEXT, "2027w04", "2027w05", "2027w06"]


async def test_this_week_and_the_next_four_are_made_once(database: Database) -> None:
    assert await prepare(database) == WEEKS
    assert await prepare(database) == []
    assert await prepare(database, NOW + 7 * DAY_MS) == ["2027w07"]


async def test_rows_lie_in_the_week_of_their_nominal_instant(scene: Scene) -> None:
    one = await lasting(scene)
    await prepare(scene.database)

    late = 400 * 24 * 3600
    stretch = outcomes(skipped(one, -1, NEXT_SECONDS))
    await record(scene.database, rung(one, 1), rung(one, NEXT_SECONDS), rung(one, late), stretch)

    async with scene.database.connection() as c:
        places = await where(c)
        attempts = await where_attempts(c)
    assert [places[one.event_id, second] for second in (-1, 1, NEXT_SECONDS, late)] == [WEEK, WEEK, NEXT, "default"]
    assert attempts == {key: place for key, place in places.items() if key[1] != -1}


async def test_what_came_before_its_week_moves_into_it(scene: Scene) -> None:
    one = await lasting(scene)
    await record(scene.database, rung(one, 1), rung(one, NEXT_SECONDS), rung(one, -NEXT_SECONDS))

    await prepare(scene.database)

    async with scene.database.connection() as c:
        places = await where(c)
        assert [places[one.event_id, second] for second in (-NEXT_SECONDS, 1, NEXT_SECONDS)] == ["default", WEEK, NEXT]
        assert await where_attempts(c) == places


async def test_a_recorder_that_comes_while_a_week_is_made_finds_it(scene: Scene) -> None:
    one = await lasting(scene)
    await record(scene.database, rung(one, 1))  # its statements are prepared, and know of no week

    async with asyncio.TaskGroup() as group, scene.database.transaction() as c:
        await partitions.prepare(c, NOW)
        group.create_task(record(scene.database, rung(one, 2), rung(one, 1, failed=True)))
        await somebody_waits(scene.database)

    async with scene.database.connection() as c:
        assert await where(c) == {(one.event_id, 1): WEEK, (one.event_id, 2): WEEK}


async def test_a_recorder_that_was_there_first_is_waited_for(scene: Scene) -> None:
    one = await lasting(scene)

    async with asyncio.TaskGroup() as group, scene.database.transaction() as c:
        await recording.record(c, Digest.of([rung(one, 1)]), NOW)
        made = group.create_task(prepare(scene.database))
        await somebody_waits(scene.database)
        await recording.record(c, Digest.of([rung(one, 2)]), NOW)

    assert made.result() == WEEKS
    async with scene.database.connection() as c:
        assert await where(c) == {(one.event_id, 1): WEEK, (one.event_id, 2): WEEK}


async def test_without_the_lock_nothing_is_made(database: Database) -> None:
    async with database.transaction() as reader, database.connection() as c:
        before = await tables(c)
        await reader.fetch("select from execution")
        with pytest.raises(NotNow, match="lock timeout"):
            await partitions.prepare(c, NOW, patience_ms=20)
        assert await tables(c) == before


async def test_one_rebuilds_at_a_time(database: Database) -> None:
    async with database.transaction() as first, database.connection() as second:
        await partitions.prepare(first, NOW)
        with pytest.raises(NotNow, match="another process"):
            await partitions.prepare(second, NOW)


async def test_who_may_only_write_is_told_what_to_do(database: Database) -> None:
    async with database.connection() as c:
        name = await c.fetchval("select current_database() || '_writer'")
        await c.execute(f"create role {name}; grant all on all tables in schema public to {name}; set role {name}")
        try:
            with pytest.raises(NotAllowed, match="as the role that migrates"):
                await partitions.prepare(c, NOW)
        finally:
            await c.execute("reset role")
