"""A snapshot is one moment of the database, and its horizon says which."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from random import Random
from typing import Any

import pytest

from api_service.store import ledger, outbox, partitions, recording, snapshots
from api_service.store.database import Database
from api_service.store.digest import Digest
from api_service.store.snapshots import Claim, Page, Unanswerable
from shared.domain.delivery import Delivery, RetryPolicy
from shared.domain.event import Event, Status, timer_of
from shared.domain.firing import AttemptError, Outcome, PendingFiring
from shared.domain.timer import Timer
from shared.messages.catalogue import Gone, Released, Rotated, Triggered, Upserted
from shared.messages.codec import decode_what
from tests.integration.loops.scene import HOUR, NOW, SECOND, Scene, attempted, finished, outcomes, skipped


async def read(database: Database, shard: int = 3, **given: int) -> list[Page]:
    async with aclosing(snapshots.read(database, shard, now=NOW, **given)) as pages:
        return [page async for page in pages]


async def timers(database: Database) -> dict[str, Timer]:
    return {timer.id: timer for page in await read(database) for timer in page.timers}


async def claim(database: Database, incarnation: str) -> Claim:
    async with database.transaction() as c:
        return await snapshots.claim(c, 3, incarnation, "d-1")


async def release(database: Database, incarnation: str, epoch: int) -> None:
    async with database.transaction() as c:
        await recording.release(c, Released(3, incarnation, epoch))


async def test_the_epoch_rises_with_the_incarnation_and_only_then(database: Database) -> None:
    told = [await claim(database, incarnation) for incarnation in ("a", "a", "b", "a", "a")]

    assert [one.epoch for one in told] == [1, 1, 2, 3, 3]


async def test_a_shard_is_handed_over_by_a_goodbye_of_its_owner_or_by_nobody(database: Database) -> None:
    told = [
        await claim(database, "a"),
        await claim(database, "a"),
        await claim(database, "b"),
        await claim(database, "b"),
    ]
    await release(database, "a", 1)  # too late: it is b's
    told.append(await claim(database, "c"))
    await release(database, "c", 3)
    told += [await claim(database, "d"), await claim(database, "d")]

    assert [one.handed_over for one in told] == [True, True, False, False, False, True, True]
    assert [one.epoch for one in told] == [1, 1, 2, 2, 3, 4, 4]


@pytest.mark.parametrize(("shard", "incarnation"), [(8, "a"), (-1, "a"), (2**40, "a"), (3, "nul\0")])
async def test_a_claim_of_what_cannot_be_is_unanswerable(database: Database, shard: int, incarnation: str) -> None:
    with pytest.raises(Unanswerable):
        async with database.transaction() as c:
            await snapshots.claim(c, shard, incarnation, "d-1")


@pytest.mark.parametrize("shard", [8, 2**40])
async def test_a_shard_that_is_not_there_cannot_be_read(database: Database, shard: int) -> None:
    with pytest.raises(Unanswerable):
        await read(database, shard)
    with pytest.raises(Unanswerable):
        async with database.connection() as c:
            await snapshots.digest(c, shard, NOW)


async def test_an_empty_shard_is_one_last_page(scene: Scene) -> None:
    await scene.delete(await scene.create())
    await scene.create(shard=4)

    assert await read(scene.database) == [Page(horizon=2, timers=[], pending=[], last=True)]


async def test_a_timer_is_what_its_change_said(scene: Scene) -> None:
    plain = await scene.create()
    paused = await scene.change(await scene.create(), status=Status.PAUSED)
    hashed = await scene.create(interval="H * * * * *", timezone="Europe/Berlin", context={})
    special = await scene.create(
        delivery=Delivery(retry=RetryPolicy(max_attempts=1), spread_ms=5_000, headers=(("x-a", "v"),))
    )
    over = await scene.create(end_date=NOW - HOUR)  # nobody has said yet that it ended
    finished_one = await scene.create(end_date=NOW)
    async with scene.database.transaction() as c:
        await recording.record(c, Digest.of([outcomes(finished(finished_one))]), NOW)

    assert await timers(scene.database) == {
        one.event_id: timer_of(one) for one in (plain, paused, hashed, special, over)
    }


@pytest.mark.parametrize("weeks", [0, 1, 2], ids=["without weeks", "in a week", "beyond all weeks"])
async def test_an_anchor_is_the_last_settled_occurrence_and_what_is_settled_beyond_it_is_named(
    scene: Scene, weeks: int
) -> None:
    if weeks:
        async with scene.database.connection() as c:
            await partitions.prepare(c, NOW if weeks == 1 else NOW - 300 * 24 * HOUR)
    rung = await scene.create()
    settled = NOW + 2 * SECOND
    told: list[Outcome] = [
        attempted(rung, 2),
        attempted(rung, 4, settled_through=settled),
        skipped(rung, 6, 8, settled_through=settled),
        attempted(rung, 10, manual=True, settled_through=settled),
    ]
    async with scene.database.transaction() as c:
        await recording.record(c, Digest.of([outcomes(*told)]), NOW)

    timer = (await timers(scene.database))[rung.event_id]

    assert timer.anchor == settled
    assert timer.settled == tuple(NOW + second * SECOND for second in (4, 6, 7, 8))


async def test_a_new_rule_moves_the_anchor_beyond_what_is_settled(scene: Scene) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        await recording.record(c, Digest.of([outcomes(attempted(rung, 2))]), NOW)
    await scene.change(rung, anchor=NOW + HOUR)

    timer = (await timers(scene.database))[rung.event_id]

    assert (timer.anchor, timer.settled) == (NOW + HOUR, ())


async def test_what_is_pending_comes_with_the_shard_it_belongs_to(scene: Scene) -> None:
    here, elsewhere, ended = await scene.create(), await scene.create(shard=4), await scene.create(end_date=NOW)
    async with scene.database.transaction() as c:
        for one in (here, elsewhere):
            await ledger.add_pending(c, one.event_id, NOW + 5)
        await recording.record(c, Digest.of([outcomes(finished(ended))]), NOW)
        await ledger.add_pending(c, ended.event_id, NOW + 5)

    (page,) = await read(scene.database)

    assert page.pending == [PendingFiring(timer_id=here.event_id, nominal=NOW + 5, manual=True, due=NOW + 5)]


async def test_what_waits_for_another_attempt_leaves_with_all_that_is_known_of_it(scene: Scene) -> None:
    rung, paused = await scene.create(), await scene.create()
    due = NOW + HOUR
    retried: dict[str, Any] = {"error": AttemptError.TIMEOUT, "retry_at": due, "attempt": 2}
    async with scene.database.transaction() as c:
        for one in (rung, paused):
            told = outcomes(attempted(one, 1, **retried, settled_through=NOW), attempted(one, 2, settled_through=NOW))
            await recording.record(c, Digest.of([told]), NOW)
        await c.execute("update execution set attempts_before = 1 where status = 'RETRYING'")
    await scene.change(paused, status=Status.PAUSED)

    (page,) = await read(scene.database)

    assert page.pending == [
        PendingFiring(timer_id=one.event_id, nominal=NOW + SECOND, manual=False, attempts=2, due=due, attempts_before=1)
        for one in (rung, paused)
    ]
    assert [timer.settled for timer in page.timers] == [(NOW + SECOND, NOW + 2 * SECOND)] * 2


async def test_of_a_long_stretch_the_latest_leave(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "SETTLED_MOST", 3)
    rung, halting = await scene.create(), await scene.create(interval="0 */7 * * * *")
    sevens = [moment for moment in range(NOW // SECOND, (NOW + HOUR) // SECOND) if moment % 3600 // 60 % 7 == 0][::60]
    first, last = sevens[1] * SECOND, sevens[6] * SECOND
    async with scene.database.transaction() as c:
        long = skipped(rung, 6, 60, settled_through=NOW)
        few = skipped(halting, 0, 0, first=first, last=last, count=6, settled_through=NOW)
        await recording.record(c, Digest.of([outcomes(long, few, attempted(rung, 62, settled_through=NOW))]), NOW)

    known = await timers(scene.database)

    assert known[rung.event_id].settled == tuple(NOW + second * SECOND for second in (58, 59, 60, 62))
    assert known[halting.event_id].settled == tuple(moment * SECOND for moment in sevens[4:7])


async def test_what_is_settled_counts_in_the_size_of_a_page(scene: Scene) -> None:
    crowd = [await scene.create(context={}) for _ in range(4)]
    async with scene.database.transaction() as c:
        told = [attempted(one, second, settled_through=NOW) for one in crowd for second in range(1, 11)]
        await recording.record(c, Digest.of([outcomes(*told)]), NOW)

    assert [len(page.timers) for page in await read(scene.database, page_bytes=200)] == [2, 2]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [7]),
        ({"page_timers": 7}, [7]),
        ({"page_timers": 3}, [3, 3, 1]),
        ({"page_timers": 1}, [1] * 7),
        ({"page_bytes": 1}, [1] * 7),
        ({"page_bytes": 120}, [2, 2, 2, 1]),
    ],
)
async def test_pages_are_bounded_in_number_and_size(scene: Scene, given: dict[str, int], expected: list[int]) -> None:
    made = [await scene.create(context={"x": "y" * 42}) for _ in range(7)]

    pages = await read(scene.database, **given)

    assert [len(page.timers) for page in pages] == expected
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert [timer.id for page in pages for timer in page.timers] == [one.event_id for one in made]


async def test_a_digest_tells_what_the_timers_add_up_to(scene: Scene) -> None:
    kept = [await scene.create() for _ in range(5)]
    kept[2] = await scene.change(kept[2], status=Status.PAUSED)
    await scene.create(end_date=NOW + SECOND)
    await scene.create(shard=4)
    await scene.delete(kept.pop())

    async with scene.database.connection() as c:
        digest = await snapshots.digest(c, 3, NOW + SECOND)

    xor = 0
    for one in kept:
        xor ^= one.version
    assert (digest.version, digest.count) == (8, 4)
    assert (digest.versions_sum, digest.versions_xor) == (sum(one.version for one in kept), xor)


async def test_a_digest_of_nothing_is_nothing(scene: Scene) -> None:
    async with scene.database.connection() as c:
        digest = await snapshots.digest(c, 3, NOW)

    assert (digest.version, digest.count, digest.versions_sum, digest.versions_xor) == (0, 0, 0, 0)


@pytest.mark.parametrize("seed", range(6))
async def test_a_snapshot_and_the_changes_above_its_horizon_are_the_whole_truth(scene: Scene, seed: int) -> None:
    """Clients write while pages are read; whoever takes both must know exactly what the database knows."""
    for _ in range(10):
        await scene.create()
    stop = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(_write(scene, Random(seed * 10 + number), stop))
        taken = []
        for _ in range(5):
            pages = []
            async with aclosing(snapshots.read(scene.database, 3, now=NOW, page_timers=2)) as reading:
                async for page in reading:
                    pages.append(page)
                    await scene.create()  # the clients get a turn between pages
            taken.append(pages)
        stop.set()

    changes = await _changes(scene.database)
    truth = await timers(scene.database)
    for pages in taken:
        (horizon,) = {page.horizon for page in pages}
        seen = {timer.id: timer for page in pages for timer in page.timers}
        assert _replayed({}, changes, above=0, through=horizon) == seen
        assert _replayed(seen, changes, above=horizon, through=len(changes)) == truth


async def _write(scene: Scene, random: Random, stop: asyncio.Event) -> None:
    mine: list[Event] = []
    while not stop.is_set():
        wish = random.random()
        if wish < 0.5 or not mine:
            mine.append(await scene.create())
        elif wish < 0.8:
            index = random.randrange(len(mine))
            mine[index] = await scene.change(mine[index], callback_url=f"http://127.0.0.1/{random.random()}")
        else:
            await scene.delete(mine.pop(random.randrange(len(mine))))


async def _changes(database: Database) -> list[outbox.Waiting]:
    async with database.transaction() as c:
        rows = await outbox.take(c, 100_000)
    ordered = sorted(rows, key=lambda row: row.version)
    assert [row.version for row in ordered] == list(range(1, len(ordered) + 1))  # no gap, in commit order
    return ordered


def _replayed(start: dict[str, Timer], changes: list[outbox.Waiting], *, above: int, through: int) -> dict[str, Timer]:
    known = dict(start)
    for row in changes:
        if above < row.version <= through:
            match decode_what(row.what):
                case Upserted(timer):
                    known[timer.id] = timer
                case Gone(timer_id):
                    del known[timer_id]
                case Triggered() | Rotated():
                    raise AssertionError(row)
    return known
