"""However reports of a few firings are ordered, repeated and cut into messages, they leave the same ledger."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from api_service.store import recording
from api_service.store.database import Connection, Database
from api_service.store.digest import Digest
from shared.domain.event import Event
from shared.domain.firing import Abandoned, AttemptError, FailReason, Outcome, SkipReason
from tests.integration.loops.scene import NOW, SECOND, Scene, attempted, finished, outcomes, skipped

FIRINGS = (0, 1, 2, 10)  # seconds: a stretch may begin before another firing, or at it
ORDERS = 6
RETRIED = AttemptError.TIMEOUT
ALL_OF_IT = """
    select nominal, manual, status, reason, last, count, recorded, effective, attempts, attempts_before, due
    from execution where event_id = $1 order by nominal, manual
"""
# As the ledger may have it before anybody reports: asked for by hand, or replayed after so many attempts.
PUT = """
    insert into execution (event_id, nominal, manual, status, last, recorded, attempts, attempts_before)
    values ($1, to_timestamp($2::bigint / 1000), false, $3, to_timestamp($2::bigint / 1000), to_timestamp(0), $4, $4)
"""


def facts(random: Random, of: Event, second: int) -> list[Outcome]:
    """What owners of one epoch and another might say of one firing: retried, delivered, given up, skipped."""
    told: list[Outcome] = []
    for attempt in random.sample(range(1, 5), random.randint(0, 4)):
        result: dict[str, Any] = random.choice([
            {"retry_at": NOW + random.randint(1, 3) * SECOND},
            {"retry_at": NOW + random.randint(1, 3) * SECOND},
            {"reason": random.choice([FailReason.EXHAUSTED, FailReason.NOT_RETRYABLE])},
            {"error": AttemptError.NONE},
        ])
        late = NOW + second * SECOND + random.choice([0, 250])
        told.append(attempted(of, second, attempt=attempt, effective=late, **{"error": RETRIED} | result))
    reasons = random.sample([FailReason.PAUSED, FailReason.ENDED], random.randint(0, 2))
    told.extend(given_up(of, second, random.randint(1, 4), reason) for reason in reasons)
    skips = random.sample([SkipReason.MISFIRED, SkipReason.PAUSED], random.randint(0, 2))
    told.extend(skipped(of, second, second, reason=reason) for reason in skips)
    if random.random() < 0.4:
        told.extend(skipped(of, second, second + random.randint(1, 3)) for _ in range(random.randint(1, 2)))
    return told


def given_up(of: Event, second: int, attempts: int, reason: FailReason) -> Abandoned:
    nominal = NOW + second * SECOND
    return Abandoned(
        timer_id=of.event_id,
        nominal=nominal,
        manual=False,
        attempts=attempts,
        reason=reason,
        settled_through=nominal,
    )


def in_messages(random: Random, told: list[Outcome]) -> list[list[Outcome]]:
    """All of it in another order, some of it again, in as many messages as it pleases."""
    pool = [*told, *random.choices(told, k=len(told) // 2)] if told else []
    random.shuffle(pool)
    messages: list[list[Outcome]] = []
    while pool:
        size = random.randint(1, len(pool))
        messages.append(pool[:size])
        pool = pool[size:]
    return messages


async def ledger_of(c: Connection, of: Event) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await c.fetch(ALL_OF_IT, of.event_id)]


async def tell(database: Database, messages: list[list[Outcome]]) -> None:
    for told in messages:
        async with database.transaction() as c:
            await recording.record(c, Digest.of([outcomes(*told)]), NOW)


@pytest.mark.parametrize("seed", range(25))
async def test_the_order_of_reports_changes_nothing(scene: Scene, seed: int) -> None:
    random = Random(seed)
    # Whoever asks for one that was skipped has it skipped again, alone or in a stretch, as he is heard first or last.
    begins = [(random.choice(["PENDING", "RETRYING"]), random.randint(1, 3)) for _ in FIRINGS[:2]]
    ends = random.random() < 0.5
    left = set()

    for order in range(ORDERS):
        one = await scene.create(end_date=NOW + SECOND)
        async with scene.database.transaction() as c:
            for second, (status, attempts) in zip(FIRINGS, begins, strict=False):
                await c.execute(PUT, one.event_id, NOW + second * SECOND, status, attempts)
        draws = Random(f"{seed} facts")  # the same facts each time
        told = [fact for second in FIRINGS for fact in facts(draws, one, second)]
        told += [finished(one)] if ends else []
        await tell(scene.database, in_messages(Random(f"{seed} {order}"), told))
        async with scene.database.connection() as c:
            left.add(tuple(await ledger_of(c, one)))

    assert len(left) == 1


@pytest.mark.parametrize("attempts", [1, 2])
async def test_what_came_before_a_replay_does_not_undo_it(scene: Scene, attempts: int) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        await c.execute(PUT, rung.event_id, NOW, "PENDING", 2)

    await tell(scene.database, [[attempted(rung, 0, attempt=attempts, error=RETRIED, reason=FailReason.EXHAUSTED)]])
    await tell(scene.database, [[attempted(rung, 0, attempt=attempts, error=RETRIED, retry_at=NOW)]])

    async with scene.database.connection() as c:
        ((_, _, status, *_, made, before, _),) = await ledger_of(c, rung)
    assert (status, made, before) == ("PENDING", 2, 2)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"attempt": 1, "error": AttemptError.NONE}, ("DELIVERED", "", 1)),
        ({"attempt": 3, "error": RETRIED, "reason": FailReason.EXHAUSTED}, ("FAILED", "exhausted", 3)),
        ({"attempt": 3, "error": RETRIED, "retry_at": NOW + SECOND}, ("RETRYING", "", 3)),
    ],
    ids=["delivered before", "failed after", "retrying after"],
)
async def test_a_replay_goes_on_with_a_delivery_and_with_what_comes_after_it(
    scene: Scene, told: dict[str, Any], expected: tuple[str, str, int]
) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        await c.execute(PUT, rung.event_id, NOW, "PENDING", 2)

    await tell(scene.database, [[attempted(rung, 0, **told)]])

    async with scene.database.connection() as c:
        ((_, _, status, reason, *_, made, before, _),) = await ledger_of(c, rung)
    assert ((status, reason, made), before) == (expected, 2)


async def test_a_replay_that_is_given_up_before_its_first_attempt_has_failed(scene: Scene) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        await c.execute(PUT, rung.event_id, NOW, "PENDING", 2)

    await tell(scene.database, [[given_up(rung, 0, 2, FailReason.PAUSED)]])

    async with scene.database.connection() as c:
        ((_, _, status, reason, *_),) = await ledger_of(c, rung)
    assert (status, reason) == ("FAILED", "paused")
