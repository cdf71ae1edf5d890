"""Shifts that follow one another leave no gap and never overlap, whatever any listed zone's clock does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

import pytest

from shared.timing.recurrence import Rule, Unit, occurrences
from shared.timing.recurrence_walls import wall_clock
from shared.timing.zone_names import LISTED, iana
from shared.timing.zones import zone
from tests.unit.timing.walking import instant, milliseconds, on_wall, shown

DAY, HOUR = 86_400_000, 3_600_000
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
PLACES = sorted({iana(name) for name in LISTED})
HALF_HOURS = [timedelta(minutes=30 * number) for number in range(48)]
BEGINS = on_wall("2019-12-01 00:00")


@cache
def days_of_change(name: str) -> tuple[int, ...]:
    """The noons before the clock is another one, as Python's own zones have it."""
    noons = [FIRST + timedelta(days=day, hours=12) for day in range((LAST - FIRST).days)]

    return tuple(
        milliseconds(noon)
        for noon, next_noon in pairwise(noons)
        if noon.astimezone(zone(name)).utcoffset() != next_noon.astimezone(zone(name)).utcoffset()
    )


def shifts(name: str, length: timedelta, handover: timedelta) -> Iterator[Rule]:
    """Daily shifts of this length that fill the day between them."""
    for number in range(timedelta(days=1) // length):
        start = BEGINS + handover + number * length
        yield Rule(start, start + length, name, Unit.DAILY)


def assert_seamless(rules: list[Rule], change: int) -> None:
    found = sorted(each[1:3] for rule in rules for each in occurrences(rule, change - 2 * DAY, change + 3 * DAY))

    assert len(found) >= 4 * len(rules)
    assert [end for _, end in found[:-1]] == [start for start, _ in found[1:]], (rules[0], change)


def test_there_are_changes_to_look_at() -> None:
    assert sum(len(days_of_change(name)) for name in PLACES) > 1_000


@pytest.mark.parametrize("hours", [24, 12, 8])
def test_daily_shifts_meet(hours: int) -> None:
    for name in PLACES:
        for handover in HALF_HOURS[: 2 * hours]:
            rules = list(shifts(name, timedelta(hours=hours), handover))
            # Whole days see all changes of the decade, shorter shifts those of its last years.
            for change in days_of_change(name)[0 if hours == 24 else -8 :]:
                assert_seamless(rules, change)


@pytest.mark.parametrize("unit", [Unit.WEEKLY, Unit.MONTHLY])
def test_weeks_and_months_meet(unit: Unit) -> None:
    for name in PLACES:
        for handover in HALF_HOURS[:10]:
            start = BEGINS + handover
            end = start + timedelta(days=7) if unit is Unit.WEEKLY else start.replace(year=2020, month=1)
            rule = Rule(start, end, name, unit)
            for change in days_of_change(name):
                found = list(occurrences(rule, change - 40 * DAY, change + 40 * DAY))
                assert [each.end for each in found[:-1]] == [each.start for each in found[1:]], (rule, change)


def test_hours_meet_and_are_hours() -> None:
    for name in PLACES:
        rule = Rule(BEGINS, BEGINS + timedelta(hours=1), name, Unit.HOURLY)
        for change in days_of_change(name):
            found = list(occurrences(rule, change - DAY, change + DAY))
            assert len(found) in {48, 49}
            assert all(each.end - each.start == HOUR for each in found)
            assert [each.end for each in found[:-1]] == [each.start for each in found[1:]]


# ------------------------------------------------------------------ the clock itself

YEARS = (1970, 1987, 2011, 2024, 2030, 2085, 2086, 2087, 2099, 2100, 2101, 2400, 2499, 2500, 2501, 2900, 9998)


@pytest.mark.parametrize("name", [*PLACES[::4], "Asia/Gaza", "Australia/Lord_Howe", "America/Scoresbysund"])
def test_the_clock_shows_what_pythons_zones_show(name: str) -> None:
    clock, place = wall_clock(name), zone(name)
    for year in YEARS:
        begins = datetime(year, 1, 3, 1, 7, tzinfo=UTC)
        for days in range(0, 360, 3):
            moment = milliseconds(begins + timedelta(days=days, hours=days % 24))
            wall = shown(moment, place)
            shown_at = milliseconds(wall.replace(tzinfo=UTC))
            assert clock.offset(moment) == shown_at - moment
            assert clock.instant(shown_at) == instant(wall, place)


def wall(text: str) -> int:
    return milliseconds(on_wall(text).replace(tzinfo=UTC))


@pytest.mark.parametrize("year", ["2024", "2424", "6024"])
def test_each_reading_around_a_change(year: str) -> None:
    clock = wall_clock("Europe/Berlin")
    spring, autumn = wall(f"{year}-03-31 01:00"), wall(f"{year}-10-27 01:00")

    assert clock.instant(wall(f"{year}-03-31 02:30")) == spring + HOUR // 2
    assert clock.later_instant(wall(f"{year}-03-31 02:30")) == spring + HOUR // 2
    assert clock.reached(wall(f"{year}-03-31 02:30")) == spring
    assert clock.instant(wall(f"{year}-10-27 02:30")) == autumn - HOUR // 2
    assert clock.later_instant(wall(f"{year}-10-27 02:30")) == autumn + HOUR // 2
    assert clock.reached(wall(f"{year}-10-27 02:30")) == autumn - HOUR // 2
    assert {spring, autumn} < {begins for begins, _ in islice(clock.changes_from(spring - DAY), 4)}


def test_changes_come_one_after_another_to_the_end_of_the_calendar() -> None:
    told = list(wall_clock("Europe/Berlin").changes_from(wall("2090-01-01 00:00")))
    changes = [each for before, each in pairwise(told) if each[1] != before[1]]

    assert len(changes) == 2 * (9999 - 2089)
    assert all(before < after for (before, _), (after, _) in pairwise(told))


def test_whoever_asks_about_one_year_learns_of_a_few() -> None:
    told = wall_clock("Asia/Kolkata").changes_from(wall("2026-01-01 00:00"))

    assert next(told) == (wall("2026-01-01 00:00"), 5 * HOUR + HOUR // 2)
    assert next(told)[0] < wall("2031-01-01 00:00")
