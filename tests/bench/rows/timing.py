"""When does a rule ring next? Asked by a crowd of timers, and by one alone, beside a bare croniter."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from croniter import croniter

from shared.timing import cron
from shared.timing.instants import from_datetime, to_datetime
from shared.timing.zone_names import LISTED, iana
from shared.timing.zones import zone
from tests.bench.figure import Figure, Goal
from tests.bench.place import Place

NOW: Final = from_datetime(datetime(2026, 11, 27, 9, 30, tzinfo=UTC))
RULES, ZONES = 5_000, 20
TIMERS: Final = 500_000
HOUR_MS: Final = 3_600_000
WALKED: Final = 400  # instants of each of some rules, one after the other
SAMPLE: Final = 1_500  # questions to croniter
ROUNDS: Final = 3
MEASURED: Final = 5_000  # rules in a zone whose memory is looked at
GOAL: Final = Goal(of="ratio", sense=">=", bound=20)
BARE: Final = "a bare croniter, made before, asked once for every instant"


async def measure(_place: Place) -> AsyncIterator[Figure]:
    chance = random.Random(6)
    texts = list(_texts(chance))
    zones = [zone(iana(LISTED[number * len(LISTED) // ZONES])) for number in range(ZONES)]
    for figure in (_shared(texts, zones, chance), _alone(texts, zones[3]), _memory(texts, zones)):
        yield figure


def _shared(texts: Sequence[str], zones: Sequence[ZoneInfo], chance: random.Random) -> Figure:
    """Each timer of a crowd asks once, from a moment of its own: nothing was asked before."""
    asked = [(chance.choice(texts), chance.choice(zones), NOW - chance.randrange(HOUR_MS)) for _ in range(TIMERS)]
    began = time.process_time()
    rules = {text: cron.parse(text) for text in texts}
    spent_reading = time.process_time() - began
    questions = [(rules[text], where, after) for text, where, after in asked]
    began = time.process_time()
    for rule, where, after in questions:
        cron.next_after(rule, where, after)
    spent = spent_reading + time.process_time() - began
    bare = [
        croniter(_minute_first(text), to_datetime(after).astimezone(where)) for text, where, after in asked[:SAMPLE]
    ]
    floor = _rate(lambda: [each.get_next(float) for each in bare], SAMPLE, rounds=1)
    return Figure(
        row="timing",
        what=f"next instant of {TIMERS:,} timers, {RULES:,} rules in {ZONES} zones, never asked before",
        value=TIMERS / spent,
        unit="instants/s",
        floor=floor,
        floor_of=BARE,
        goal=GOAL,
        note=f"{spent_reading * 1e6 / RULES:.0f} µs to read a rule, which is in it",
    )


def _alone(texts: Sequence[str], where: ZoneInfo) -> Figure:
    """Rules of each kind, walked from instant to instant: no answer serves twice."""
    chosen = texts[: len(KINDS)]
    rules = [cron.parse(text) for text in chosen]
    ours = max(
        _rate(lambda: [cron.upcoming(rule, where, NOW, WALKED) for rule in rules], WALKED * len(rules), rounds=1)
        for _ in range(ROUNDS)
    )
    walkers = [croniter(_minute_first(text), to_datetime(NOW).astimezone(where)) for text in chosen]
    walked = WALKED // 4

    def walk() -> None:
        for walker in walkers:
            for _ in range(walked):
                walker.get_next(float)

    return Figure(
        row="timing",
        what=f"{WALKED} instants in a row of one rule of each of {len(rules)} kinds, shared with nobody",
        value=ours,
        unit="instants/s",
        floor=_rate(walk, walked * len(walkers), rounds=ROUNDS),
        floor_of=BARE,
        goal=GOAL,
    )


def _memory(texts: Sequence[str], zones: Sequence[ZoneInfo]) -> Figure:
    """What is kept of a rule in a zone so that the next who asks has an answer."""
    rules = [cron.parse(text) for text in texts]
    pairs = [(rules[number], zones[number % len(zones)]) for number in range(MEASURED)]
    for rule, where in pairs:
        cron.next_after(rule, where, NOW)
    for rule in rules:
        rule.answers.clear()
    tracemalloc.start()
    try:
        for rule, where in pairs:
            cron.next_after(rule, where, NOW)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Figure(row="timing", what="memory for a rule in a zone", value=kept / MEASURED, unit="bytes")


def _rate(work: Callable[[], object], count: int, *, rounds: int) -> float:
    """So many a second of the processor, in the best of these rounds."""
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return count / min(spent)


KINDS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda chance: f"{chance.randrange(60)} */{chance.randrange(1, 31)} * * * *",
    lambda chance: f"{chance.randrange(60)} {chance.randrange(60)} {chance.randrange(24)} * * *",
    lambda chance: f"{chance.randrange(60)} {chance.randrange(60)} {chance.randrange(24)} * * {chance.randrange(7)}",
    lambda chance: (
        f"{chance.randrange(60)} {chance.randrange(60)} {chance.randrange(24)} {chance.randrange(1, 29)} * *"
    ),
    lambda chance: f"{chance.randrange(60)} {chance.randrange(60)} 8-18 * * 1-5",
)


def _texts(chance: random.Random) -> Iterator[str]:
    """Different rules, of every kind as many."""
    known: set[str] = set()
    while len(known) < RULES:
        text = KINDS[len(known) % len(KINDS)](chance)
        if text not in known:
            known.add(text)
            yield text


def _minute_first(text: str) -> str:
    """The rule as croniter reads it, which has seconds last."""
    second, rest = text.split(" ", 1)
    return f"{rest} {second}"
