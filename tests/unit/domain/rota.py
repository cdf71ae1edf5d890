"""On-call events to test with, random ones around the days on which clocks change, and what a family comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from shared.domain.errors import DomainError
from shared.domain.family import Writes
from shared.domain.oncall import OnCallEvent, Role, shifts
from shared.domain.overriding import OverrideWanted, overridden
from shared.timing import recurrence
from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.recurrence import InvalidRecurrence, Occurrence, Rule, Unit
from shared.timing.zones import zone

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PEOPLE = ("ann", "bob", "cem", "dia")
# Clocks that change by an hour, by half an hour, by two, at midnight, by a whole day, and never.
ZONES = (
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "America/Havana",
    "Pacific/Apia",
    "America/Phoenix",
)
CHANGES = (date(2026, 3, 8), date(2026, 11, 1), date(2026, 10, 25), date(2026, 4, 5), date(2011, 12, 30))


def ids(prefix: str = "new") -> Iterator[str]:
    return (f"{prefix}{number}" for number in count())


def instant(text: str) -> Instant:
    return from_datetime(datetime.fromisoformat(text))


def wall(moment: Instant, where: str) -> datetime:
    return to_datetime(moment).astimezone(zone(where)).replace(tzinfo=None)


def event(
    start: str, end: str, where: str = "America/Phoenix", unit: Unit | None = None, *people: str, **more: Any
) -> OnCallEvent:
    rotation = more.pop("rotation", False)
    rule = {name: more.pop(name) for name in ("frequency", "days_of_week", "repeat_end") if name in more}
    people = people or PEOPLE[:1]
    return OnCallEvent(
        event_id=more.pop("event_id", "series"),
        layer=more.pop("layer", 1),
        rule=Rule(
            start=datetime.fromisoformat(start),
            end=datetime.fromisoformat(end),
            zone=where,
            unit=unit,
            turns=len(people) if rotation else 0,
            **rule,
        ),
        attendees=people,
        rotation=rotation,
        **more,
    )


def wanted(
    action_time: Instant, start: str, end: str, where: str = "America/Phoenix", *people: str, layer: int = 1
) -> OverrideWanted:
    return OverrideWanted(
        start=datetime.fromisoformat(start),
        end=datetime.fromisoformat(end),
        zone=where,
        layer=layer,
        attendees=people or ("zoe",),
        action_time=action_time,
    )


def first_of(of: OnCallEvent) -> Occurrence:
    """The first occurrence that the clock does not jump over."""
    found = recurrence.first_from(of.rule, 0)
    assert found is not None
    return found


def by_id(events: Iterable[OnCallEvent]) -> dict[str, OnCallEvent]:
    return {each.event_id: each for each in events}


def happening(of: OnCallEvent, index: int, many: int = 40) -> list[Occurrence]:
    """Occurrences that happen, around an index."""
    found = (recurrence.nth(of.rule, number) for number in range(max(0, index), index + many))
    return [each for each in found if each is not None and each.start not in of.exceptions]


def who(events: Iterable[OnCallEvent], start: Instant, end: Instant) -> dict[tuple[int, str], set[Instant]]:
    """Who is on call in which minutes, by the slowest way there is."""
    found: dict[tuple[int, str], set[Instant]] = {}
    for shift in shifts(events, start, end):
        minutes = range(max(shift.start, start), min(shift.end, end), MINUTE)
        for _, person in shift.attendees:
            found.setdefault((shift.layer, person), set()).update(minutes)
    return found


@st.composite
def series(draw: Any, *, regular: bool = True) -> OnCallEvent:
    """An event whose occurrences lie about a day on which some clock changes."""
    units: list[Unit | None] = [Unit.HOURLY, Unit.DAILY, Unit.DAILY, Unit.WEEKLY, Unit.MONTHLY]
    unit = draw(st.sampled_from([*units, None] if regular else units))
    start = datetime.combine(draw(st.sampled_from(CHANGES)), datetime.min.time()) + timedelta(
        days=-draw(st.integers(0, 3)), minutes=draw(st.sampled_from([0, 30, 60, 90, 120, 150, 480, 1020, 1380]))
    )
    longest = {Unit.HOURLY: 180}.get(unit, 3 * 1440) if unit is not None else 3 * 1440
    people = tuple(draw(st.permutations(PEOPLE)))[: draw(st.integers(1, 4))]
    rotation = unit is not None and draw(st.booleans())
    rule = Rule(
        start=start,
        end=start + timedelta(minutes=draw(st.sampled_from([60, 120, 480, 720, 1440, longest]))),
        zone=draw(st.sampled_from(ZONES)),
        unit=unit,
        frequency=draw(st.integers(1, 3)) if unit is not None else 1,
        turns=len(people) if rotation else 0,
    )
    if rule.zone == "Pacific/Apia" and rule.end - rule.start > timedelta(days=1):
        # On the day after the one that was skipped two such shifts start at once, and a start tells which is meant.
        rule = replace(rule, zone="Australia/Lord_Howe")
    try:
        recurrence.validated(rule)
    except recurrence.InvalidRecurrence:
        rule = Rule(
            start=start, end=start + timedelta(days=3), zone=rule.zone, unit=unit, frequency=6, turns=rule.turns
        )
    return OnCallEvent(event_id="series", layer=draw(st.integers(1, 2)), rule=rule, attendees=people, rotation=rotation)


@st.composite
def overrides(draw: Any, of: OnCallEvent, *, layer: st.SearchStrategy[int] | None = None) -> OverrideWanted | None:
    """An override of an occurrence that happens: of a part, of all of it, or of more than one; None without any."""
    there = happening(of, 0, 8)
    if not there:
        return None
    chosen = draw(st.sampled_from(there))
    length = chosen.end - chosen.start
    where = draw(st.sampled_from(ZONES))
    first = chosen.start + draw(st.integers(-2, 7)) * length // 8
    last = max(first, chosen.start) + draw(st.sampled_from([1, 2, 4, 8, 8, 9, 20])) * length // 8
    return OverrideWanted(
        start=wall(first // MINUTE * MINUTE, where),
        end=wall(-(-last // MINUTE) * MINUTE, where),
        zone=where,
        layer=draw(st.just(of.layer) if layer is None else layer),
        attendees=draw(st.sampled_from([("zoe",), ("yan", "zoe"), PEOPLE[:1]])),
        action_time=chosen.start,
    )


def tried(
    of: OnCallEvent, family: Iterable[OnCallEvent], asked: OverrideWanted, new_ids: Iterator[str]
) -> Writes | None:
    """The override, if it may be."""
    try:
        return overridden(of, family, asked, new_ids)
    except (DomainError, InvalidRecurrence):
        return None


@st.composite
def stories(draw: Any, most: int = 5) -> list[list[OnCallEvent]]:
    """A family after each of some overrides, of the series or of what earlier overrides have made."""
    family, new_ids = [draw(series())], ids("o")
    told = [family]
    for _ in range(draw(st.integers(1, most))):
        of = draw(st.sampled_from(family))
        asked = draw(overrides(of))
        move = tried(of, family, asked, new_ids) if asked is not None else None
        if move is not None:
            family = move.applied(family)
            told.append(family)
    return told


def standing(events: Iterable[OnCallEvent]) -> list[OnCallEvent]:
    """The overrides among these events."""
    return [each for each in events if each.role is Role.OVERRIDE]
