"""A stretch of skipped occurrences hides nothing that was attempted, and no attempt hides what it accounts for."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from api_service.store import ledger, recording, stretches
from api_service.store.digest import Digest
from api_service.store.stretches import Stretch
from shared.domain.event import Event
from shared.domain.firing import AttemptError, Outcome, SkipReason
from tests.integration.loops.scene import NOW, SECOND, Scene, attempted, outcomes, skipped

RETRIED: dict[str, Any] = {"error": AttemptError.TIMEOUT, "retry_at": NOW + 90 * SECOND}

Shown = tuple[int, int, int, str]


async def report(scene: Scene, *told: Outcome) -> None:
    async with scene.database.transaction() as c:
        await recording.record(c, Digest.of([outcomes(*told)]), NOW)


async def put(scene: Scene, of: Event, since: int, until: int, **given: Any) -> None:
    facts: dict[str, Any] = {"count": until - since + 1, "reason": SkipReason.PAUSED}
    first, last = NOW + since * SECOND, NOW + until * SECOND
    async with scene.database.transaction() as c:
        await stretches.put(c, [Stretch(event_id=of.event_id, first=first, last=last, **facts | given)], NOW)


async def shown(scene: Scene, of: Event) -> list[Shown]:
    """First and last, in seconds, how many, and what became of them."""
    async with scene.database.connection() as c:
        rows, _ = await ledger.executions(c, of.event_id, limit=5_000)
    return [
        ((row.nominal - NOW) // SECOND, (row.last - NOW) // SECOND, row.count, row.status) for row in reversed(rows)
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_stretch_begins_behind_those_that_were_attempted_whatever_is_told_first(
    scene: Scene, order: tuple[int, ...]
) -> None:
    rung = await scene.create()
    told: list[Outcome] = [skipped(rung, 1, 9), attempted(rung, 1), attempted(rung, 2, **RETRIED)]

    for index in order:
        await report(scene, told[index])
    await report(scene, *told)
    await report(scene, *reversed(told))

    assert await shown(scene, rung) == [(1, 1, 1, "DELIVERED"), (2, 2, 1, "RETRYING"), (3, 9, 7, "SKIPPED")]


async def test_what_a_change_writes_off_begins_behind_what_was_attempted_too(scene: Scene) -> None:
    rung = await scene.create()
    await report(scene, attempted(rung, 1, error=AttemptError.CONNECT), attempted(rung, 2))

    for _ in range(2):
        await put(scene, rung, 1, 9)

    assert await shown(scene, rung) == [(1, 1, 1, "FAILED"), (2, 2, 1, "DELIVERED"), (3, 9, 7, "SKIPPED")]


@pytest.mark.parametrize("first", ["the change", "the dispatcher"])
async def test_of_two_stretches_that_begin_together_the_longer_one_counts_whoever_tells_it(
    scene: Scene, first: str
) -> None:
    rung = await scene.create()
    if first == "the dispatcher":
        await report(scene, skipped(rung, 1, 4))
    await put(scene, rung, 1, 9)
    await report(scene, skipped(rung, 1, 4), skipped(rung, 1, 1))

    assert await shown(scene, rung) == [(1, 9, 9, "SKIPPED")]


async def test_a_stretch_takes_the_place_of_a_single_skip(scene: Scene) -> None:
    rung = await scene.create()

    await report(scene, skipped(rung, 1, 1), skipped(rung, 1, 9))

    assert await shown(scene, rung) == [(1, 9, 9, "SKIPPED")]


async def test_what_is_asked_for_again_stays_so(scene: Scene) -> None:
    rung = await scene.create()
    await report(scene, skipped(rung, 1, 1))
    async with scene.database.transaction() as c:
        await ledger.replay(c, rung.event_id, (NOW + SECOND, False), now=NOW)

    await put(scene, rung, 1, 1)
    await report(scene, skipped(rung, 1, 9))

    assert await shown(scene, rung) == [(1, 1, 1, "PENDING"), (2, 9, 8, "SKIPPED")]


async def test_it_goes_by_the_rule_that_it_is_of(scene: Scene) -> None:
    rung = await scene.create(interval="*/10 * * * * *")
    await scene.change(rung, interval="*/15 * * * * *")

    await report(scene, attempted(rung, 30), skipped(rung, 30, 90, count=7))
    await report(scene, skipped(rung, 120, 180, count=5), attempted(rung, 120))

    assert await shown(scene, rung) == [
        (30, 30, 1, "DELIVERED"), (40, 90, 6, "SKIPPED"), (120, 120, 1, "DELIVERED"), (135, 180, 4, "SKIPPED"),
    ]  # fmt: skip


async def test_where_all_but_one_were_attempted_one_is_left_and_where_all_were_none(scene: Scene) -> None:
    rung = await scene.create()
    await report(scene, *(attempted(rung, second) for second in (1, 2, 5, 6)))

    await report(scene, skipped(rung, 1, 3), skipped(rung, 5, 6))

    assert [row for row in await shown(scene, rung) if row[3] == "SKIPPED"] == [(3, 3, 1, "SKIPPED")]


async def test_more_may_have_been_attempted_than_are_looked_at_together(scene: Scene) -> None:
    rung = await scene.create()
    await report(scene, *(attempted(rung, second) for second in range(1, 1_502)))

    await put(scene, rung, 1, 1_510)

    assert (await shown(scene, rung))[-1] == (1_502, 1_510, 9, "SKIPPED")


async def test_of_an_event_that_is_gone_what_was_attempted_is_kept(scene: Scene) -> None:
    gone = await scene.create()
    await scene.delete(gone)

    await report(scene, skipped(gone, 1, 9), attempted(gone, 1))
    await report(scene, skipped(gone, 1, 9))

    assert await shown(scene, gone) == [(1, 1, 1, "DELIVERED")]
