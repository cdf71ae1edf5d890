"""Which classes of rule are said how: as few series as can be, and lists only where no rule says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from api_service.calendars.nouns import Entry, Person
from api_service.calendars.rules import listed_window, rule_form
from api_service.calendars.series import Series, series_of
from shared.domain.oncall import OnCallEvent
from shared.timing.instants import from_datetime
from shared.timing.recurrence import Rule, Unit, nth
from tests.unit.calendars.drawing import wall
from tests.unit.calendars.reading import read

NOW = from_datetime(datetime(2026, 11, 26, 19, tzinfo=UTC))
NEW_YORK = "America/New_York"


def event(
    start: datetime, end: datetime, unit: Unit | None, *people: str, zone: str = NEW_YORK, **said: Any
) -> OnCallEvent:
    rotation = len(people) > 1
    rule = Rule(start=start, end=end, zone=zone, unit=unit, turns=len(people) if rotation else 0)
    return OnCallEvent(
        event_id="E",
        layer=2,
        rule=replace(rule, **said),
        attendees=people or ("A",),
        rotation=rotation,
    )


def series(written: OnCallEvent) -> list[Series]:
    return series_of(written, listed_window(NOW))


def rules(written: OnCallEvent) -> list[str]:
    people = {name: Person(name, f"{name}@example.com") for name in "ABC"}
    return [each.rule for each in read(rule_form("Any", [Entry(written, NOW)], people, now=NOW))]


def at(day: int, hour: int = 9, *, month: int = 1, year: int = 2026) -> datetime:
    return wall(f"{year}-{month:02}-{day:02} {hour:02}:00")


def test_what_repeats_for_everybody_is_one_rule() -> None:
    said: dict[str, Any] = {"days_of_week": frozenset({1, 3})}
    assert rules(event(at(5), at(5, 17), Unit.DAILY)) == ["FREQ=DAILY;INTERVAL=1;WKST=SU"]
    assert rules(event(at(5), at(5, 17), Unit.WEEKLY, frequency=2, **said)) == [
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=SU"
    ]
    assert rules(event(at(5), at(5, 17), Unit.HOURLY, frequency=36)) == ["FREQ=HOURLY;INTERVAL=36"]
    assert rules(event(at(5), at(6), Unit.MONTHLY)) == ["FREQ=MONTHLY;INTERVAL=1"]
    assert rules(event(at(5), at(6), Unit.MONTHLY, **said)) == ["FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,WE;BYMONTHDAY=5"]
    assert rules(event(at(5), at(6), Unit.YEARLY)) == ["FREQ=YEARLY;INTERVAL=1"]


def test_a_months_last_days_and_the_29th_of_february_are_the_last_there_is() -> None:
    last = "BYMONTHDAY=28,29,30,31;BYSETPOS=-1"
    assert rules(event(at(31), at(31, 17), Unit.MONTHLY)) == [f"FREQ=MONTHLY;INTERVAL=1;{last}"]
    leap = event(at(29, month=2, year=2024), at(29, 17, month=2, year=2024), Unit.YEARLY)
    assert rules(leap) == ["FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=28,29;BYSETPOS=-1"]


def test_turns_are_a_series_for_every_place_of_their_cycle() -> None:
    assert rules(event(at(5), at(12), Unit.WEEKLY, "A", "B", "C")) == ["FREQ=WEEKLY;INTERVAL=3"] * 3
    weekdays = frozenset(range(1, 6))
    assert rules(event(at(5), at(6), Unit.DAILY, "A", "B", days_of_week=weekdays)) == ["FREQ=WEEKLY;INTERVAL=2"] * 10
    assert rules(event(at(5), at(5, 17), Unit.HOURLY, "A", "B", frequency=8)) == ["FREQ=HOURLY;INTERVAL=16"] * 2
    assert [each.attendees for each in series(event(at(5), at(12), Unit.WEEKLY, "A", "B"))] == [("A",), ("B",)]


def test_whole_months_are_listed_by_their_length_for_a_hundred_years() -> None:
    listed = series(event(at(1, 0), at(1, 0, month=2), Unit.MONTHLY))
    assert [len(each.also) + 1 for each in listed] == [700, 76, 400, 24]
    assert [(each.end - each.start).days for each in listed] == [31, 28, 30, 29]
    assert not any(each.rule for each in listed)


def test_months_are_listed_where_turns_or_their_ends_meet_listed_days() -> None:
    mondays = frozenset({1})
    assert all(
        not each.rule and each.also
        for each in series(event(at(5), at(6), Unit.MONTHLY, "A", "B", days_of_week=mondays))
    )
    assert all(
        not each.rule and each.also for each in series(event(at(31), at(31, 17), Unit.MONTHLY, days_of_week=mondays))
    )


def test_hours_on_listed_days_are_listed_for_the_time_of_a_feed() -> None:
    (listed,) = series(event(at(5), at(5, 17), Unit.HOURLY, frequency=8, days_of_week=frozenset({1})))
    assert listed.start == datetime(2026, 10, 5, 6, tzinfo=UTC)  # a Monday's first, on the wall of New York
    assert listed.also[-1] == datetime(2027, 11, 29, 22, tzinfo=UTC)
    assert {each.tzinfo for each in listed.also} == {UTC}


def test_a_series_begins_with_what_happens_and_ends_with_its_last() -> None:
    saturdays = event(at(5), at(5, 17), Unit.DAILY, days_of_week=frozenset({6}), repeat_end=date(2026, 1, 24))
    (only,) = series(saturdays)
    assert only.start.date() == date(2026, 1, 10)
    assert only.until == datetime(2026, 1, 24, 14, tzinfo=UTC)
    third = nth(saturdays.rule, 2)
    assert third is not None
    (shorter,) = series(replace(saturdays, rule=replace(saturdays.rule, repeat_end=None, terminated_on=third.start)))
    assert shorter.until == datetime(2026, 1, 17, 14, tzinfo=UTC)


def test_what_was_taken_out_is_left_out_of_the_series_it_was_in() -> None:
    turns = event(at(5), at(12), Unit.WEEKLY, "A", "B")
    third, fourth = nth(turns.rule, 2), nth(turns.rule, 3)
    assert third is not None
    assert fourth is not None
    first, second = series(replace(turns, exceptions=frozenset({third.start, fourth.start})))
    assert [each.date() for each in first.without] == [date(2026, 1, 19)]
    assert [each.date() for each in second.without] == [date(2026, 1, 26)]


def test_a_time_that_happens_twice_is_said_in_utc_where_it_happens_once() -> None:
    second = event(at(1, 1, month=11).replace(fold=1), at(1, 9, month=11), None)
    (only,) = series(second)
    assert only.start == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert only.start.tzinfo is UTC
    assert str(only.end.tzinfo) == NEW_YORK


def test_what_was_overridden_altogether_leaves_nothing() -> None:
    once = event(at(5), at(6), None)
    start = from_datetime(datetime(2026, 1, 5, 14, tzinfo=UTC))
    assert series(replace(once, exceptions=frozenset({start}))) == []
