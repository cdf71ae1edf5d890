"""What a report of retries and answers leaves in the ledger, and what it leaves of an event that is over."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from shared.domain.firing import Abandoned, AttemptError, Execution, FailReason
from shared.timing.instants import from_datetime
from tests.integration.loops.scene import HOUR, NOW, SECOND, Scene, attempted, finished, outcomes
from tests.integration.loops.test_recording import executions, record

FAILED = AttemptError.TIMEOUT


async def test_what_was_answered_is_kept_and_where_nothing_was_there_is_nothing(scene: Scene) -> None:
    rung = await scene.create()
    said: dict[str, Any] = {
        "status_code": 503,
        "body": b"\0\xff busy",
        "truncated": True,
        "headers": (("retry-after", "7"), ("x", '\0"ü')),
    }
    told = outcomes(
        attempted(rung, 1, error=AttemptError.STATUS, **said), attempted(rung, 2, error=FAILED), attempted(rung, 3)
    )

    await record(scene.database, told)

    async with scene.database.connection() as c:
        kept = await c.fetch("select body, truncated, headers from attempt order by nominal")
    assert [(row["body"], row["truncated"]) for row in kept] == [(said["body"], True), (None, False), (b"", False)]
    assert [row["headers"] and json.loads(row["headers"]) for row in kept] == [dict(said["headers"]), None, {}]


async def test_a_firing_that_is_retried_is_known_with_its_next_attempt_until_it_ends(scene: Scene) -> None:
    rung = await scene.create()
    due, effective = NOW + 9 * SECOND, NOW + SECOND + 250
    shown = "select status, reason, attempts, due, effective from execution"

    async def standing() -> tuple[Any, ...]:
        async with scene.database.connection() as c:
            row = await c.fetchrow(shown)
        assert row is not None
        return tuple(from_datetime(value) if isinstance(value, datetime) else value for value in row)

    await record(scene.database, outcomes(attempted(rung, 1, error=FAILED, retry_at=due, effective=effective)))
    assert await standing() == ("RETRYING", "", 1, due, effective)
    exhausted = attempted(rung, 1, attempt=2, error=FAILED, reason=FailReason.EXHAUSTED, effective=effective)
    await record(scene.database, outcomes(exhausted))
    assert await standing() == ("FAILED", "exhausted", 2, None, effective)


async def test_a_firing_that_is_given_up_has_failed_and_says_why(scene: Scene) -> None:
    rung = await scene.create()
    nominal = NOW + SECOND
    given_up = Abandoned(
        timer_id=rung.event_id,
        nominal=nominal,
        manual=False,
        attempts=1,
        reason=FailReason.PAUSED,
        settled_through=nominal,
    )

    await record(scene.database, outcomes(attempted(rung, 1, error=FAILED, retry_at=NOW + HOUR), given_up))

    (firing,) = await executions(scene.database, rung)
    assert (firing.status, firing.reason, len(firing.attempts)) == (Execution.FAILED, "paused", 1)


async def test_what_is_unfinished_when_an_event_ends_or_is_told_afterwards_ends_with_it(scene: Scene) -> None:
    ended, gone = await scene.create(end_date=NOW + SECOND), await scene.create()
    await scene.delete(gone)
    retried: dict[str, Any] = {"error": FAILED, "retry_at": NOW + HOUR}

    await record(scene.database, outcomes(attempted(ended, 0, **retried), finished(ended)))
    await record(scene.database, outcomes(attempted(ended, 1, **retried), attempted(gone, 0, **retried)))

    assert [(one.status, one.reason) for one in await executions(scene.database, ended)] == [
        (Execution.FAILED, "ended"),
        (Execution.FAILED, "ended"),
    ]
    assert [(one.status, one.reason) for one in await executions(scene.database, gone)] == [
        (Execution.FAILED, "deleted")
    ]
