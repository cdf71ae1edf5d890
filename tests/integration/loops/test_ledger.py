"""The ledger as an event's owner sees it, and what his wishes write into it."""

from __future__ import annotations

from typing import Any

import pytest

from api_service.store import ledger, recording
from api_service.store.digest import Digest
from shared.domain.firing import AttemptError, Execution, SkipReason
from tests.integration.loops.scene import NOW, SECOND, Scene, attempted, outcomes


async def test_executions_come_newest_first_in_pages_each_with_its_own_attempts(scene: Scene) -> None:
    rung, other = await scene.create(), await scene.create()
    told = [attempted(rung, second, attempt=number) for second in range(1, 6) for number in (2, 1)]
    async with scene.database.transaction() as c:
        await recording.record(c, Digest.of([outcomes(*told, attempted(other, 3))]), NOW)
        await ledger.add_pending(c, rung.event_id, NOW + 2 * SECOND)

    async with scene.database.connection() as c:
        page, total = await ledger.executions(c, rung.event_id, limit=3, before=(NOW + 4 * SECOND, False))

    assert total == 6
    assert [(one.nominal - NOW, one.manual, [attempt.attempt for attempt in one.attempts]) for one in page] == [
        (3 * SECOND, False, [1, 2]),
        (2 * SECOND, True, []),
        (2 * SECOND, False, [1, 2]),
    ]


async def test_an_event_without_executions_has_an_empty_page(scene: Scene) -> None:
    async with scene.database.connection() as c:
        assert await ledger.executions(c, "nobody", limit=10) == ([], 0)


async def test_firings_by_hand_at_the_same_moment_each_get_an_instant_of_their_own(scene: Scene) -> None:
    rung = await scene.create()

    async with scene.database.transaction() as c:
        got = [await ledger.add_pending(c, rung.event_id, NOW) for _ in range(3)]

    assert got == [NOW, NOW + 1, NOW + 2]
    async with scene.database.connection() as c:
        page, _ = await ledger.executions(c, rung.event_id, limit=10)
    assert [(one.nominal, one.status, one.manual) for one in page] == [
        (moment, Execution.PENDING, True) for moment in reversed(got)
    ]


async def test_firings_by_hand_are_refused_when_there_are_absurdly_many(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "PENDING_TRIES", 2)
    rung = await scene.create()

    async with scene.database.transaction() as c:
        await ledger.add_pending(c, rung.event_id, NOW)
        await ledger.add_pending(c, rung.event_id, NOW)
        with pytest.raises(LookupError):
            await ledger.add_pending(c, rung.event_id, NOW)


async def test_nobody_goes_on_with_what_is_unfinished_of_an_event_that_is_deleted(scene: Scene) -> None:
    gone, rung = await scene.create(), await scene.create()
    retried: dict[str, Any] = {"error": AttemptError.TIMEOUT, "retry_at": NOW + 9 * SECOND}
    async with scene.database.transaction() as c:
        for one in (gone, rung):
            await recording.record(c, Digest.of([outcomes(attempted(one, 1), attempted(one, 2, **retried))]), NOW)
            await ledger.add_pending(c, one.event_id, NOW)
        await ledger.end_unfinished(c, gone.event_id, SkipReason.DELETED, now=NOW + SECOND)

    async with scene.database.connection() as c:
        (ended, _), (going, _) = [await ledger.executions(c, one.event_id, limit=9) for one in (gone, rung)]
    assert [(one.status, one.reason) for one in ended] == [
        (Execution.FAILED, "deleted"),
        (Execution.DELIVERED, ""),
        (Execution.SKIPPED, "deleted"),
    ]
    assert [one.status for one in going] == [Execution.RETRYING, Execution.DELIVERED, Execution.PENDING]
