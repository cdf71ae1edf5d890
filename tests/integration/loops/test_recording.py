"""One message, once, whatever else happens: what a report does to the ledger and to the states of events."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from api_service.store import ledger, recording, snapshots, stretches
from api_service.store.database import Database
from api_service.store.digest import Digest
from api_service.store.ledger import ExecutionRow
from api_service.store.stretches import Stretch
from shared.domain.event import Event, Status
from shared.domain.firing import AttemptError, Execution, SkipReason
from shared.messages.catalogue import Outcomes, Released
from tests.integration.loops.scene import (
    HOUR,
    NOW,
    SECOND,
    Scene,
    attempted,
    finished,
    merged,
    outcomes,
    skipped,
)
from tests.integration.loops.waiting import somebody_waits

FAILED = AttemptError.TIMEOUT
ENDED = Status.FINISHED


async def record(database: Database, message: Outcomes, now: int = NOW) -> None:
    async with database.transaction() as c:
        await recording.record(c, Digest.of([message]), now)


async def executions(database: Database, of: Event) -> list[ExecutionRow]:
    async with database.connection() as c:
        rows, total = await ledger.executions(c, of.event_id, limit=1000)
    assert total == len(rows)
    return rows


async def claim(database: Database, incarnation: str) -> int:
    async with database.transaction() as c:
        return (await snapshots.claim(c, 3, incarnation, "d-1")).epoch


@pytest.fixture(autouse=True)
async def owner(database: Database) -> int:
    """Everything here is told by the owner of shard 3, in its first epoch."""
    return await claim(database, "i-1")


async def test_a_ring_is_an_attempt_of_a_firing_and_moves_its_event(scene: Scene) -> None:
    rung = await scene.create()

    await record(scene.database, outcomes(attempted(rung, 1)), now=NOW + 1100)

    (execution,) = await executions(scene.database, rung)
    (attempt,) = execution.attempts
    assert replace(execution, attempts=()) == ExecutionRow(
        event_id=rung.event_id,
        nominal=NOW + SECOND,
        manual=False,
        status=Execution.DELIVERED,
        reason="",
        last=NOW + SECOND,
        count=1,
        recorded=NOW + 1100,
        effective=NOW + SECOND,
        made=1,
    )
    assert attempt == ledger.AttemptRow(
        attempt=1,
        epoch=1,
        started=NOW + SECOND + 3,
        duration_ms=17,
        status_code=200,
        error=AttemptError.NONE,
        dispatcher="d-1",
        stale=False,
        headers={},
    )
    after = await scene.get(rung)
    assert (after.status, after.last_run_date, after.settled_through) == (
        Status.ACTIVE,
        NOW + SECOND + 3,
        NOW + SECOND,
    )


async def test_a_message_that_comes_again_changes_nothing(scene: Scene) -> None:
    rung, ended = await scene.create(), await scene.create(end_date=NOW + SECOND)
    message = outcomes(attempted(rung, 1), attempted(rung, 2, error=FAILED), skipped(rung, 3, 9), finished(ended))

    await record(scene.database, message)
    first = [await executions(scene.database, rung), await scene.get(rung), await scene.get(ended)]
    await record(scene.database, message, now=NOW + HOUR)

    assert [await executions(scene.database, rung), await scene.get(rung), await scene.get(ended)] == first
    assert len(first[0]) == 3  # type: ignore[arg-type]


async def test_a_message_may_hold_a_firing_twice(scene: Scene) -> None:
    rung = await scene.create()
    failed, delivered = attempted(rung, 1, error=FAILED), attempted(rung, 1, attempt=2)

    await record(
        scene.database,
        merged([outcomes(failed, delivered, failed, skipped(rung, 2, 3)), outcomes(skipped(rung, 2, 5), failed)]),
    )

    stretch, firing = await executions(scene.database, rung)
    assert (firing.status, [attempt.attempt for attempt in firing.attempts]) == (Execution.DELIVERED, [1, 2])
    assert (stretch.status, stretch.count, stretch.last) == (Execution.SKIPPED, 4, NOW + 5 * SECOND)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_delivered_is_final_in_whatever_order_it_is_told(scene: Scene, order: tuple[int, int]) -> None:
    rung = await scene.create()
    told = outcomes(attempted(rung, 1, error=FAILED)), outcomes(attempted(rung, 1, attempt=2))

    for index in order:
        await record(scene.database, told[index])

    (firing,) = await executions(scene.database, rung)
    assert (firing.status, len(firing.attempts)) == (Execution.DELIVERED, 2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_an_attempt_beats_a_skip_of_the_same_firing(scene: Scene, order: tuple[int, int]) -> None:
    rung = await scene.create()
    told = outcomes(attempted(rung, 1, error=FAILED)), outcomes(skipped(rung, 1, 1))

    for index in order:
        await record(scene.database, told[index])

    (firing,) = await executions(scene.database, rung)
    assert (firing.status, firing.reason, len(firing.attempts)) == (Execution.FAILED, "", 1)


@pytest.mark.parametrize(("error", "expected"), [(AttemptError.NONE, Execution.DELIVERED), (FAILED, Execution.FAILED)])
async def test_a_firing_by_hand_is_pending_until_attempted_and_makes_its_event_active(
    scene: Scene, error: AttemptError, expected: Execution
) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        nominal = await ledger.add_pending(c, rung.event_id, NOW + 5)
    told = attempted(rung, 0, nominal=nominal, manual=True, error=error, settled_through=NOW)

    assert [one.status for one in await executions(scene.database, rung)] == [Execution.PENDING]
    await record(scene.database, outcomes(told))

    assert [one.status for one in await executions(scene.database, rung)] == [expected]
    assert (await scene.get(rung)).status is Status.ACTIVE


async def test_a_firing_by_hand_that_was_skipped_is_pending_no_more(scene: Scene) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        nominal = await ledger.add_pending(c, rung.event_id, NOW + 5)
    told = skipped(rung, 0, 0, first=nominal, last=nominal, manual=True, reason=SkipReason.ENDED)

    await record(scene.database, outcomes(told))

    (firing,) = await executions(scene.database, rung)
    assert (firing.status, firing.reason) == (Execution.SKIPPED, "ended")


async def test_a_late_message_moves_nothing_back(scene: Scene) -> None:
    rung = await scene.create()

    await record(scene.database, outcomes(attempted(rung, 9)))
    await record(scene.database, outcomes(attempted(rung, 2), skipped(rung, 3, 4)))

    after = await scene.get(rung)
    assert (after.last_run_date, after.settled_through) == (NOW + 9 * SECOND + 3, NOW + 9 * SECOND)


async def test_what_a_former_owner_reports_is_recorded_and_flagged(scene: Scene) -> None:
    rung = await scene.create()
    epoch = await claim(scene.database, "i-2")

    await record(scene.database, outcomes(attempted(rung, 1, error=FAILED)))
    await record(scene.database, outcomes(attempted(rung, 1), incarnation="i-2", epoch=epoch, dispatcher="d-2"))

    (firing,) = await executions(scene.database, rung)
    told = [(attempt.epoch, attempt.dispatcher, attempt.stale) for attempt in firing.attempts]
    assert (firing.status, told) == (Execution.DELIVERED, [(1, "d-1", True), (2, "d-2", False)])


async def test_what_an_owner_reports_after_its_goodbye_is_not_stale_until_somebody_else_owns(scene: Scene) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        await recording.release(c, Released(3, "i-1", 1))

    await record(scene.database, outcomes(attempted(rung, 1)))
    await claim(scene.database, "i-2")
    await record(scene.database, outcomes(attempted(rung, 2)))

    assert [one.attempts[0].stale for one in await executions(scene.database, rung)] == [True, False]


async def test_a_report_of_a_shard_that_is_not_there_is_a_fact_all_the_same(scene: Scene) -> None:
    rung = await scene.create()

    await record(scene.database, outcomes(attempted(rung, 1), shard=9_999))

    assert [one.attempts[0].stale for one in await executions(scene.database, rung)] == [True]


@pytest.mark.parametrize("before", [Status.INACTIVE, Status.PAUSED])
async def test_an_event_that_ended_is_finished_even_when_it_was_paused(scene: Scene, before: Status) -> None:
    ended = await scene.create(end_date=NOW + SECOND)
    await scene.change(ended, status=before)
    async with scene.database.transaction() as c:
        await ledger.add_pending(c, ended.event_id, NOW)

    await record(scene.database, outcomes(finished(ended)))

    assert (await scene.get(ended)).status is ENDED
    assert [(one.status, one.reason) for one in await executions(scene.database, ended)] == [
        (Execution.SKIPPED, "ended")
    ]


async def test_an_attempt_that_was_reported_after_the_end_still_counts(scene: Scene) -> None:
    ended = await scene.create(end_date=NOW + SECOND)
    async with scene.database.transaction() as c:
        await ledger.add_pending(c, ended.event_id, NOW)

    await record(scene.database, outcomes(finished(ended)))
    await record(scene.database, outcomes(attempted(ended, 0, manual=True)))

    assert (await scene.get(ended)).status is ENDED
    assert [one.status for one in await executions(scene.database, ended)] == [Execution.DELIVERED]


async def test_an_event_with_a_new_end_is_not_finished_by_its_old_one(scene: Scene) -> None:
    ended = await scene.create(end_date=NOW + SECOND)
    await scene.change(ended, end_date=NOW + HOUR)

    await record(scene.database, outcomes(finished(ended)))

    assert (await scene.get(ended)).status is Status.INACTIVE


async def test_an_event_that_is_being_given_a_new_end_is_not_finished(scene: Scene) -> None:
    ended = await scene.create(end_date=NOW + SECOND)

    async with asyncio.TaskGroup() as group, scene.database.transaction() as c:
        await scene.change_within(c, ended, end_date=NOW + HOUR)
        group.create_task(record(scene.database, outcomes(finished(ended))))
        await somebody_waits(scene.database)

    assert (await scene.get(ended)).status is Status.INACTIVE


async def test_outcomes_of_an_event_that_was_deleted_are_harmless(scene: Scene) -> None:
    gone, rung = await scene.create(), await scene.create()
    await scene.delete(gone)

    told = outcomes(attempted(gone, 1), skipped(gone, 2, 3), finished(gone), attempted(rung, 1))
    await record(scene.database, told)

    assert (await scene.get(rung)).status is Status.ACTIVE


@pytest.mark.parametrize(
    "given",
    [
        {"status_code": 2**40},
        {"duration_ms": -(2**40)},
        {"started": 2**62},
        {"timer_id": "nul\0"},
        {"nominal": -(2**62)},
    ],
    ids=str,
)
async def test_what_postgres_can_never_take_is_said_to_be_so(scene: Scene, given: dict[str, Any]) -> None:
    rung = await scene.create()

    with pytest.raises(recording.Unrecordable):
        await record(scene.database, outcomes(attempted(rung, 1, **given)))


@pytest.mark.parametrize("table", ["event", "event_state"])
async def test_rows_are_locked_in_the_order_of_their_ids(scene: Scene, table: str) -> None:
    """The order of the message, of the table and of chance are all another one; without this, two deadlock."""
    crowd = [await scene.create(end_date=NOW + SECOND) for _ in range(10)]
    async with scene.database.transaction() as c:  # the table now holds them from last to first
        await c.execute("create temporary table kept on commit drop as select * from event_state")
        await c.execute("delete from event_state")
        await c.execute("insert into event_state select * from kept order by event_id desc")
        await c.execute("update event set version = version where event_id = $1", crowd[0].event_id)
    told = outcomes(*(what for one in reversed(crowd) for what in (attempted(one, 0), finished(one))))

    async with asyncio.TaskGroup() as group, scene.database.transaction() as c:
        await c.execute(f"select from {table} where event_id = $1 for update", crowd[0].event_id)
        group.create_task(record(scene.database, told))
        await somebody_waits(scene.database)
        free = await c.fetch(f"select event_id from {table} for update skip locked")  # noqa: S608

    assert len(free) == len(crowd)  # whoever waits for the first one holds none yet


async def test_a_client_who_holds_an_event_can_write_to_its_ledger_while_the_recorder_waits(scene: Scene) -> None:
    rung = await scene.create()
    moment = NOW + SECOND

    async with asyncio.TaskGroup() as group, scene.database.transaction() as c:
        await scene.change_within(c, rung, status=Status.PAUSED)
        group.create_task(record(scene.database, outcomes(attempted(rung, 1))))
        await somebody_waits(scene.database)
        one = Stretch(event_id=rung.event_id, first=moment, last=moment, count=1, reason=SkipReason.PAUSED)
        await stretches.put(c, [one], moment)

    assert [one.status for one in await executions(scene.database, rung)] == [Execution.DELIVERED]
    assert (await scene.get(rung)).status is Status.PAUSED
