"""How long does it take to know who is on call? `python -m tests.bench.oncall`: beside dateutil, and for a crowd.

Two weeks of rules that began five years ago, as dateutil walks to them and as they are computed; then who is on
call now, asked of a thousand such rules that were never asked before, and asked again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil.rrule import DAILY, HOURLY, MONTHLY, WEEKLY, rrule

from shared.domain.oncall import OnCallEvent, on_call
from shared.timing.instants import from_datetime
from shared.timing.recurrence import Rule, Unit, occurrences
from shared.timing.recurrence_walls import wall_clock
from shared.timing.zone_names import LISTED, iana
from shared.timing.zones import zone

PLACE = "America/New_York"
START, NOW = datetime.fromisoformat("2021-11-01T09:00"), datetime(2026, 11, 26, 18, tzinfo=UTC)
TWO_WEEKS = timedelta(days=14)
WORKDAYS = frozenset({1, 2, 3, 4, 5})
GOAL_RATIO, GOAL_CROWD_MS = 50, 10.0

# What dateutil is told, and what we are told.
CASES: dict[str, tuple[dict[str, Any], Rule]] = {
    "weekly": ({"freq": WEEKLY}, Rule(START, START + timedelta(days=7), PLACE, Unit.WEEKLY, turns=4)),
    "daily": ({"freq": DAILY}, Rule(START, START + timedelta(days=1), PLACE, Unit.DAILY, turns=4)),
    "daily Mo-Fr": (
        {"freq": DAILY, "byweekday": range(5)},
        Rule(START, START + timedelta(hours=8), PLACE, Unit.DAILY, 1, WORKDAYS, turns=4),
    ),
    "hourly": ({"freq": HOURLY}, Rule(START, START + timedelta(hours=1), PLACE, Unit.HOURLY, turns=4)),
    "hourly Mo-Fr": (
        {"freq": HOURLY, "byweekday": range(5)},
        Rule(START, START + timedelta(hours=1), PLACE, Unit.HOURLY, 1, WORKDAYS, turns=4),
    ),
    "monthly": ({"freq": MONTHLY}, Rule(START, START.replace(month=12), PLACE, Unit.MONTHLY, turns=4)),
}


def milliseconds(work: Callable[[], object], times: int) -> float:
    """The best of so many runs: the machine may be doing something else, too."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1000)

    return min(spent)


def compare(name: str, times: int) -> None:
    told, rule = CASES[name]
    walker = rrule(dtstart=START.replace(tzinfo=zone(PLACE)), **told)
    since, until = from_datetime(NOW), from_datetime(NOW + TWO_WEEKS)
    walked = milliseconds(lambda: walker.between(NOW, NOW + TWO_WEEKS, inc=True), times)
    computed = milliseconds(lambda: list(occurrences(rule, since, until)), times * 20)
    found = sum(1 for _ in occurrences(rule, since, until))
    ratio = walked / computed
    goal = "" if ratio >= GOAL_RATIO else f"  below the goal of {GOAL_RATIO}"
    print(f"{name:14}{found:>4} shifts  dateutil {walked:>8.3f} ms  ours {computed:>7.4f} ms  x{ratio:,.0f}{goal}")


def crowd(size: int) -> list[OnCallEvent]:
    """Series that began five years ago, of all kinds, in all listed zones."""
    events = []
    for number in range(size):
        _, rule = list(CASES.values())[number % len(CASES)]
        moved = timedelta(minutes=15 * (number % 96), days=number % 29)
        people = tuple(f"person-{turn}" for turn in range(1 + number % 5))
        rule = Rule(
            rule.start + moved,
            rule.end + moved,
            iana(LISTED[number % len(LISTED)]),
            rule.unit,
            1 + number % 3,
            rule.days_of_week,
            turns=len(people),
        )
        events.append(OnCallEvent(event_id=f"{number:026}", layer=1, rule=rule, attendees=people, rotation=True))

    return events


def measure(size: int, times: int) -> None:
    for name in CASES:
        compare(name, times)

    events, now = crowd(size), from_datetime(NOW)
    places = {event.rule.zone for event in events}
    began = time.perf_counter()
    for place in places:
        wall_clock(place).offset(now)
    print(f"the clocks of {len(places)} zones learnt in {(time.perf_counter() - began) * 1000:.0f} ms, once a process")
    began = time.perf_counter()
    shifts = len(on_call(events, now))
    first = (time.perf_counter() - began) * 1000
    again = milliseconds(lambda: on_call(events, now), times)
    # As a process meets them that reads its events from a database every time.
    anew = milliseconds(lambda: on_call(crowd(size), now), times) - milliseconds(lambda: crowd(size), times)
    goal = "" if max(again, anew) <= GOAL_CROWD_MS else f"  above the goal of {GOAL_CROWD_MS:.0f} ms"
    print(
        f"on call now, {size:,} series: {shifts} shifts; never asked before {first:.1f} ms, again {again:.1f} ms,"
        f" of events that are equal {anew:.1f} ms{goal}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000, help="series of which it is asked who is on call")
    parser.add_argument("--times", type=int, default=15, help="how often each is measured")
    asked = parser.parse_args()
    measure(asked.size, asked.times)
