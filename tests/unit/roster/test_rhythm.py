"""How many there are is the same whether each is visited or one round is counted and multiplied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.oncall import OnCallEvent
from shared.domain.rhythm import Rhythm
from shared.domain.roster import Roster, TransitionKind
from shared.domain.roster_series import RosterSeries
from shared.timing import recurrence
from shared.timing.recurrence import InvalidRecurrence, Rule, Unit
from tests.unit.roster.drawn import DAY, HOUR, PEOPLE, at, event, roster

# Clocks that change by an hour, by half an hour, in opposite seasons, by a whole day (in 2011), and never.
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
BEGIN = datetime(2011, 6, 1)  # noqa: DTZ001 - on the wall
FIRST, LAST = at("2011-05-01"), at("2014-06-01")
STEPS = st.sampled_from([Unit.HOURLY, Unit.HOURLY, Unit.DAILY, Unit.DAILY, Unit.WEEKLY])


@st.composite
def repeating(draw: st.DrawFn, number: int) -> OnCallEvent:
    unit = draw(st.one_of(STEPS, STEPS, st.sampled_from([None, Unit.MONTHLY])))
    start = BEGIN + timedelta(hours=draw(st.integers(0, 5_000)), minutes=draw(st.sampled_from([0, 0, 30])))
    length = timedelta(hours=draw(st.sampled_from([1, 2, 8, 12, 24, 100, 168])))
    rule = Rule(
        start=start,
        end=start + length,
        zone=draw(st.sampled_from(ZONES)),
        unit=unit,
        frequency=draw(st.sampled_from([1, 1, 2, 5, 12])),
        days_of_week=draw(st.sampled_from([frozenset(), frozenset({1, 2, 3, 4, 5}), frozenset({0, 3})]))
        if unit
        else frozenset(),
        repeat_end=draw(st.sampled_from([None, None, None, date(2012, 12, 9)])) if unit else None,
        terminated_on=draw(st.sampled_from([None, None, None, at("2013-02-03T07:00")])) if unit else None,
    )
    try:
        recurrence.validated(rule)
    except InvalidRecurrence:
        rule = Rule(start=start, end=start + length, zone="UTC")
    made = OnCallEvent(event_id=f"e{number}", layer=draw(st.integers(1, 2)), rule=rule, attendees=("u1",))
    near = [each.start for each in recurrence.occurrences(rule, at("2012-08-01"), at("2012-09-01"))][:20]
    gone = draw(st.sets(st.sampled_from(near), max_size=2)) if near else set()
    return replace(made, exceptions=frozenset(gone))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    events = [draw(repeating(number)) for number in range(draw(st.integers(1, 3)))]
    on = draw(st.sets(st.sampled_from(list(TransitionKind)), min_size=1))
    return roster(events, *sorted(on), lead_ms=draw(st.sampled_from([30 * 60_000, 26 * HOUR])), begins=FIRST)


@settings(max_examples=150, deadline=None)
@given(wanted=rosters(), moments=st.lists(st.integers(FIRST, LAST), min_size=2, max_size=2), grid=st.booleans())
def test_counting_a_round_is_counting_all(wanted: Roster, moments: list[int], grid: bool) -> None:
    after, through = sorted(moment - moment % HOUR if grid else moment for moment in moments)
    series = RosterSeries(wanted)

    assert series.count_between(after, through) == sum(1 for _ in series._between(after, through))
    assert series.sequence_at(through) - series.sequence_at(after) == sum(1 for _ in series._between(after, through))


@settings(max_examples=60, deadline=None)
@given(wanted=rosters(), through=st.integers(FIRST, LAST), days=st.integers(0, 60), most=st.integers(1, 100))
def test_the_latest_are_the_last_of_all(wanted: Roster, through: int, days: int, most: int) -> None:
    series, after = RosterSeries(wanted), through - days * DAY
    every = list(series._between(after, through))

    begin = series.before_the_latest(after, through, most)
    assert list(series._between(begin, through)) == every[-most:]
    assert begin == (after if len(every) <= most else every[-most - 1])


HOURLY = event("h", "2021-11-01T09:00", "2021-11-01T10:00", *(name for name, _ in PEOPLE), unit=Unit.HOURLY)
NIGHTS = event("n", "2021-11-01T20:00", "2021-11-02T08:00", "u1", unit=Unit.DAILY, zone="America/New_York")
MONTHS = event("m", "2021-11-01T20:00", "2021-12-01T20:00", "u1", unit=Unit.MONTHLY)


@pytest.mark.parametrize(
    ("events", "lead", "is_quiet"),
    [
        ([HOURLY], 0, lambda share: share > 0.99),
        ([HOURLY, NIGHTS], 0, lambda share: share > 0.9),
        ([HOURLY, NIGHTS], 30 * DAY, lambda share: 0.7 > share > 0.5),
        ([HOURLY, MONTHS], 0, lambda share: share == 0),
    ],
)
def test_years_are_hardly_visited(events: list[OnCallEvent], lead: int, is_quiet: Callable[[float], bool]) -> None:
    rhythm = Rhythm(events, lead)
    after, through = at("2021-12-01"), at("2026-12-01")

    alike = sum(number * rhythm.period for _, number in rhythm.rounds(after, through))

    assert is_quiet(alike / (through - after))
