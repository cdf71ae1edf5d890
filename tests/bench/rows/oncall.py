"""Who is on call? A thousand series that began five years ago, and two weeks of one, beside dateutil."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dateutil.rrule import DAILY, HOURLY, MONTHLY, WEEKLY, rrule

from shared.domain.oncall import OnCallEvent, on_call
from shared.domain.roster import TransitionKind, drawn_up
from shared.domain.roster_series import RosterSeries
from shared.timing.instants import from_datetime
from shared.timing.recurrence import Rule, Unit, occurrences
from shared.timing.recurrence_walls import wall_clock
from shared.timing.zone_names import LISTED, iana
from shared.timing.zones import zone
from tests.bench.figure import Figure, Goal
from tests.bench.place import Place

PLACE: Final = "America/New_York"
START, NOW = datetime.fromisoformat("2021-11-01T09:00"), datetime(2026, 11, 26, 18, tzinfo=UTC)
TWO_WEEKS: Final = timedelta(days=14)
PEOPLE: Final = ("ada", "bob", "cem", "dia")
WORKDAYS: Final = frozenset({1, 2, 3, 4, 5})
SERIES, ROUNDS = 1_000, 5
GOAL: Final = Goal(of="ratio", sense=">=", bound=50)

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


async def measure(_place: Place) -> AsyncIterator[Figure]:
    for figure in (_current(), _window(), _number()):
        yield figure


def _current() -> Figure:
    events, now = crowd(SERIES), from_datetime(NOW)
    for event in events:
        wall_clock(event.rule.zone).offset(now)  # a clock is learnt once a process
    first = _spent(lambda: on_call(events, now))
    # As a process meets them that reads its events from a database every time.
    made = [crowd(SERIES) for _ in range(ROUNDS)]
    ours = min(_spent(lambda: on_call(made.pop(), now)) for _ in range(ROUNDS))
    walkers = _walkers()
    walked = _spent(lambda: [walker.before(NOW, inc=True) for walker in walkers])
    return Figure(
        row="oncall",
        what=f"who is on call now, in {SERIES:,} series of five years",
        value=SERIES / ours,
        unit="series/s",
        floor=len(walkers) / walked,
        floor_of="dateutil.rrule, asked for the last start, one series of each kind",
        goal=GOAL,
        note=f"{ours * 1000:.0f} ms for all; {first * 1000:.0f} ms when they are new to a process",
    )


def _window() -> Figure:
    since, until = from_datetime(NOW), from_datetime(NOW + TWO_WEEKS)
    rules, walkers = [rule for _, rule in CASES.values()], _walkers()
    ours = min(_spent(lambda: [list(occurrences(rule, since, until)) for rule in rules]) for _ in range(ROUNDS))
    walked = _spent(lambda: [walker.between(NOW, NOW + TWO_WEEKS, inc=True) for walker in walkers])
    return Figure(
        row="oncall",
        what="two weeks of a series of five years",
        value=len(rules) / ours,
        unit="windows/s",
        floor=len(walkers) / walked,
        floor_of="dateutil.rrule, which walks there from its start, one series of each kind",
        goal=GOAL,
    )


def _number() -> Figure:
    """A subscription's callback carries its number; whoever comes to own it counts from its schedule's last change."""
    rule = replace(CASES["hourly"][1], turns=len(PEOPLE))
    event = OnCallEvent(event_id="series", layer=1, rule=rule, attendees=PEOPLE, rotation=True)
    since, now = from_datetime(START.replace(tzinfo=UTC)), from_datetime(NOW)
    roster = drawn_up(
        [event], [(one, one) for one in PEOPLE], schedule_id="s", on=[TransitionKind.SHIFT_STARTED], begins=since
    )
    ours = min(_spent(lambda: RosterSeries(roster).sequence_at(now)) for _ in range(ROUNDS))
    visited = min(_spent(lambda: list(occurrences(rule, since, now))) for _ in range(2))
    return Figure(
        row="oncall",
        what="number of a transition, five years of hourly shifts after the schedule was changed",
        value=1 / ours,
        unit="/s",
        floor=1 / visited,
        floor_of="each shift visited",
    )


def _walkers() -> list[rrule]:
    return [rrule(dtstart=START.replace(tzinfo=zone(PLACE)), **told) for told, _ in CASES.values()]


def _spent(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    work()
    return time.process_time() - began


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
