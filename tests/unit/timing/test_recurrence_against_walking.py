"""Computed by index, a rule says what walking says; and whatever is asked, the answers agree with one another."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, YEARLY, rrule
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shared.timing.recurrence import (
    InvalidRecurrence,
    Occurrence,
    Rule,
    Unit,
    count,
    covering,
    first_from,
    last_before,
    last_end,
    nth,
    occurrence_at,
    occurrences,
    validated,
)
from shared.timing.zones import zone
from tests.unit.timing.walking import instant, milliseconds, on_wall, walk

# Ordinary ones, half an hour, a day that never was, thrice an odd hour of the night, twice a year and a month.
ZONES = (
    "UTC",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "Africa/Cairo",
    "America/Nuuk",
    "Africa/Casablanca",
    "Asia/Kolkata",
)
DAY = 86_400_000
HORIZON = 120  # occurrences that are walked
DAYS = 4_000  # and days

# Where clocks change: nights of spring and autumn, and the day that Samoa skipped.
CHANGES = [
    on_wall("2011-12-29"),
    on_wall("2024-03-09"),
    on_wall("2024-03-30"),
    on_wall("2025-04-05"),
    on_wall("2025-09-06"),
    on_wall("2023-10-28"),
    on_wall("2026-11-01"),
    on_wall("2026-04-23"),
    on_wall("2024-01-31"),
    on_wall("2024-02-29"),
]


@st.composite
def rules(draw: st.DrawFn, units: tuple[Unit | None, ...] = (None, *Unit)) -> Rule:
    near = draw(st.sampled_from(CHANGES))
    start = near + timedelta(days=draw(st.integers(-40, 3)), minutes=15 * draw(st.integers(0, 191)))
    unit = draw(st.sampled_from(units))
    length = draw(
        st.one_of(
            st.integers(1, 12).map(lambda quarters: timedelta(minutes=15 * quarters)),
            st.integers(1, 96).map(lambda hours: timedelta(hours=hours)),
            st.integers(1, 70).map(lambda days: timedelta(days=days)),
        )
    )
    listed = draw(st.one_of(st.just(frozenset[int]()), st.frozensets(st.integers(0, 6), min_size=1)))
    until = draw(st.one_of(st.none(), st.integers(0, 500)))
    gone = draw(st.one_of(st.none(), st.none(), st.integers(1, 500 * 24 * 4)))
    rule = Rule(
        start=start.replace(fold=draw(st.integers(0, 1))),
        end=start + length,
        zone=draw(st.sampled_from(ZONES)),
        unit=unit,
        frequency=draw(st.one_of(st.just(1), st.integers(1, 30))),
        days_of_week=listed if unit else frozenset(),
        repeat_end=None if until is None or unit is None else start.date() + timedelta(days=until),
        terminated_on=None if gone is None else milliseconds(start.replace(tzinfo=UTC)) + gone * 900_000,
        turns=draw(st.integers(0, 5)),
    )
    try:
        return validated(rule)
    except InvalidRecurrence:
        assume(False)
        raise


def known(rule: Rule) -> tuple[list[Occurrence], list[int], int]:
    """The walked occurrences, the indexes that the clock jumps over, and up to when all are walked."""
    walked = walk(rule, HORIZON, DAYS)
    found = [
        Occurrence(index, start, end, index % rule.turns + 1 if rule.turns else 0)
        for index, start, end in walked
        if start is not None and end is not None
    ]
    whole = len(walked) < HORIZON and count(rule) == len(walked)

    return (
        found,
        [index for index, start, _ in walked if start is None],
        (10**15 if whole else found[-1].start if found else 0),
    )


@given(rules())
@example(Rule(on_wall("2023-10-28 22:15"), on_wall("2023-10-28 23:15"), "America/Nuuk", Unit.DAILY))
@settings(max_examples=250, deadline=None)
def test_every_index_is_what_walking_finds(rule: Rule) -> None:
    found, jumped_over, until = known(rule)

    assert [nth(rule, occurrence.index) for occurrence in found] == found
    assert [nth(rule, index) for index in (*jumped_over, -1)] == [None] * (len(jumped_over) + 1)
    if until == 10**15:
        assert nth(rule, len(found) + len(jumped_over)) is None
        assert last_end(rule) == found[-1].end


@given(rules(), st.data())
@settings(max_examples=250, deadline=None)
def test_a_window_has_what_overlaps_it(rule: Rule, data: st.DataObject) -> None:
    found, _, until = known(rule)
    assume(found)
    edges = [edge for occurrence in found for edge in occurrence[1:3]]
    start, end = sorted(
        data.draw(st.sampled_from(edges)) + data.draw(st.sampled_from([-DAY, -1, 0, 1, 1800_000])) for _ in range(2)
    )
    assume(end <= until)
    overlapping = [each for each in found if each.start < end and each.end > start and start < end]

    assert list(occurrences(rule, start, end)) == overlapping


@given(rules(), st.data())
@settings(max_examples=250, deadline=None)
def test_all_that_can_be_asked_of_a_moment_agrees(rule: Rule, data: st.DataObject) -> None:
    found, _, until = known(rule)
    assume(found)
    edges = [edge for occurrence in found for edge in occurrence[1:3]]
    moment = data.draw(st.sampled_from(edges)) + data.draw(st.sampled_from([-DAY, -1800_000, -1, 0, 1, 1800_000]))
    assume(moment <= until)

    assert covering(rule, moment) == tuple(each for each in found if each.start <= moment < each.end)
    assert first_from(rule, moment) == next((each for each in found if each.start >= moment), None)
    assert last_before(rule, moment) == next((each for each in reversed(found) if each.start < moment), None)
    assert occurrence_at(rule, moment) == next((each for each in found if each.start == moment), None)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2025-10-05"),
        ("Australia/Lord_Howe", "2026-04-05"),
        ("America/Santiago", "2026-09-06"),
        ("Pacific/Apia", "2011-12-30"),
    ],
)
def test_every_quarter_of_an_hour_around_a_change_is_what_walking_finds(name: str, day: str) -> None:
    since = instant(on_wall(day), zone(name)) - 12 * 3_600_000
    for quarters in range(0, 96, 1 if name != "Pacific/Apia" else 3):
        start = on_wall(day) - timedelta(days=3) + timedelta(minutes=15 * quarters)
        for length in (timedelta(minutes=45), timedelta(hours=24)):
            rule = Rule(start, start + length, name, Unit.DAILY, turns=3)
            found, _, _ = known(rule)
            for moment in range(since, since + 48 * 3_600_000, 900_000):
                begun = [each for each in found[:9] if each.start < moment]
                assert last_before(rule, moment) == (begun[-1] if begun else None), (start, moment)
                assert covering(rule, moment - 1) == tuple(each for each in begun if each.end >= moment)


WEEKDAYS = (SU, MO, TU, WE, TH, FR, SA)
FREQUENCIES: dict[Unit, Any] = {Unit.DAILY: DAILY, Unit.WEEKLY: WEEKLY, Unit.MONTHLY: MONTHLY, Unit.YEARLY: YEARLY}


@given(
    unit=st.sampled_from(sorted(FREQUENCIES)),
    start=st.datetimes(on_wall("1998-01-01"), on_wall("2030-01-01")).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    every=st.integers(1, 12),
    listed=st.frozensets(st.integers(0, 6)),
    name=st.sampled_from(ZONES),
    years=st.integers(0, 6),
)
@settings(max_examples=200, deadline=None)
def test_starts_are_those_of_dateutil_on_the_wall(
    unit: Unit, start: datetime, every: int, listed: frozenset[int], name: str, years: int
) -> None:
    first = start.replace(day=min(start.day, 28))
    rule = Rule(first, first + timedelta(hours=9), name, unit, every, listed)
    seen_by_dateutil = rrule(
        FREQUENCIES[unit],
        dtstart=first,
        interval=every,
        wkst=SU,
        bymonthday=first.day if unit in {Unit.MONTHLY, Unit.YEARLY} else None,
        bymonth=first.month if unit is Unit.YEARLY else None,
        byweekday=[WEEKDAYS[day] for day in sorted(listed)] or None,
    )
    opens = first + timedelta(days=365 * years)
    walls = seen_by_dateutil.between(opens, opens + timedelta(days=70), inc=True)
    place: ZoneInfo = zone(name)
    window = instant(opens, place), instant(opens + timedelta(days=70), place) + 1
    # No span of nine hours vanishes but on the day that Samoa skipped.
    expected = [
        instant(wall, place)
        for wall in walls
        if not (place.key == "Pacific/Apia" and wall.date() == date(2011, 12, 30))
    ]

    assert [each.start for each in occurrences(rule, *window) if each.start >= window[0]] == [
        moment for moment in expected if window[0] <= moment < window[1]
    ]
