"""What a rule says, case by case: each sentence of the rules of recurrence with an example of its own."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from shared.timing.instants import Instant
from shared.timing.recurrence import (
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
)
from shared.timing.zones import zone
from tests.unit.timing.walking import instant, on_wall, shown

NEW_YORK, LONDON = "America/New_York", "Europe/London"
MONDAY, TUESDAY, FRIDAY, SUNDAY = 1, 2, 5, 0
WORKDAYS = frozenset({1, 2, 3, 4, 5})


def said(name: str, occurrence: Occurrence | None) -> str | None:
    """An occurrence as a person of that zone writes it."""
    if occurrence is None:
        return None
    start, end = (shown(moment, zone(name)).strftime("%m-%d %H:%M") for moment in occurrence[1:3])

    return f"{start} to {end}"


def first(rule: Rule, most: int) -> list[str | None]:
    return [said(rule.zone, nth(rule, index)) for index in range(most)]


def positions(rule: Rule, most: int) -> list[tuple[str, int]]:
    found = [nth(rule, index) for index in range(most)]

    return [(f"{shown(each.start, zone(rule.zone)):%a %d}", each.position) for each in found if each]


def at(name: str, wall: str) -> Instant:
    return instant(on_wall(wall), zone(name))


def days(start: str, end: str, name: str = NEW_YORK, **more: object) -> Rule:
    return Rule(on_wall(start), on_wall(end), name, **{"unit": Unit.DAILY, **more})  # type: ignore[arg-type]


# ------------------------------------------------------------------ kinds


def test_a_regular_shift_occurs_once() -> None:
    rule = days("2026-03-02 08:00", "2026-03-02 17:00", unit=None)

    assert first(rule, 2) == ["03-02 08:00 to 03-02 17:00", None]
    assert (count(rule), last_end(rule)) == (1, at(NEW_YORK, "2026-03-02 17:00"))


def test_a_regular_shift_can_mean_the_second_of_two_times() -> None:
    start = on_wall("2026-11-01 01:30").replace(fold=1)
    rule = Rule(start, on_wall("2026-11-01 03:00"), NEW_YORK)

    assert nth(rule, 0) == Occurrence(
        0, at(NEW_YORK, "2026-11-01 01:30") + 3_600_000, at(NEW_YORK, "2026-11-01 03:00"), 0
    )
    assert nth(replace(rule, start=start.replace(fold=0)), 0) != nth(rule, 0)


def test_without_rotation_nobody_has_a_position() -> None:
    rule = days("2026-03-02 08:00", "2026-03-03 08:00")

    assert {each.position for each in occurrences(rule, 0, at(NEW_YORK, "2026-04-01"))} == {0}


def test_a_rotation_begins_with_the_first_and_takes_turns() -> None:
    rule = days("2026-03-02 08:00", "2026-03-03 08:00", turns=3)

    assert [position for _, position in positions(rule, 7)] == [1, 2, 3, 1, 2, 3, 1]
    assert [each.position for each in covering(rule, at(NEW_YORK, "2031-03-02 07:59"))] == [(5 * 365 + 1 - 1) % 3 + 1]


# ------------------------------------------------------------------ steps


def test_days_step_on_the_wall_clock_over_a_change() -> None:
    rule = days("2026-03-07 08:00", "2026-03-08 08:00")
    saturday, sunday = nth(rule, 0), nth(rule, 1)

    assert first(rule, 2) == ["03-07 08:00 to 03-08 08:00", "03-08 08:00 to 03-09 08:00"]
    assert saturday
    assert sunday
    assert saturday.end - saturday.start == 23 * 3_600_000
    assert saturday.end == sunday.start


def test_hours_elapse_and_keep_their_length_over_a_change() -> None:
    rule = days("2026-03-08 00:30", "2026-03-08 03:30", unit=Unit.HOURLY, frequency=2)

    assert first(rule, 3) == ["03-08 00:30 to 03-08 03:30", "03-08 03:30 to 03-08 05:30", "03-08 05:30 to 03-08 07:30"]


def test_a_time_that_happens_twice_means_the_first() -> None:
    rule = days("2026-10-31 01:30", "2026-10-31 09:00")
    ambiguous = nth(rule, 1)

    assert ambiguous
    assert ambiguous.start == at(NEW_YORK, "2026-11-01 00:30") + 3_600_000
    assert ambiguous.end - ambiguous.start == int(8.5 * 3_600_000)


def test_a_time_that_does_not_exist_moves_on_by_what_is_jumped_over() -> None:
    rule = days("2026-03-07 02:30", "2026-03-07 09:00")

    assert first(rule, 3) == ["03-07 02:30 to 03-07 09:00", "03-08 03:30 to 03-08 09:00", "03-09 02:30 to 03-09 09:00"]


def test_at_the_handover_only_the_next_one_is_on_call() -> None:
    rule = days("2026-03-02 08:00", "2026-03-03 08:00", turns=2)
    handover = at(NEW_YORK, "2026-03-03 08:00")

    assert [each.position for each in covering(rule, handover - 1)] == [1]
    assert [each.position for each in covering(rule, handover)] == [2]
    assert [each.position for each in occurrences(rule, handover - 1000, handover)] == [1]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("02:10", "02:50"),  # wholly within
        ("02:00", "03:00"),  # all of it
        ("02:30", "03:15"),  # what is left would end before it begins
    ],
)
def test_what_the_clock_jumps_over_does_not_occur_and_keeps_its_turn(start: str, end: str) -> None:
    rule = days(f"2026-03-07 {start}", f"2026-03-07 {end}", turns=3)

    assert positions(rule, 4) == [("Sat 07", 1), ("Mon 09", 3), ("Tue 10", 1)]
    assert (nth(rule, 1), count(replace(rule, repeat_end=date(2026, 3, 9)))) == (None, 3)
    assert [each.index for each in occurrences(rule, 0, at(NEW_YORK, "2026-03-10"))] == [0, 2]
    assert said(NEW_YORK, first_from(rule, at(NEW_YORK, "2026-03-08"))) == f"03-09 {start} to 03-09 {end}"
    assert said(NEW_YORK, last_before(rule, at(NEW_YORK, "2026-03-09"))) == f"03-07 {start} to 03-07 {end}"


def test_the_day_that_samoa_skipped_is_nobodys_and_costs_a_turn() -> None:
    rule = days("2011-12-28 09:00", "2011-12-29 09:00", "Pacific/Apia", turns=2)
    found = list(occurrences(rule, 0, at("Pacific/Apia", "2012-01-02 00:00")))

    assert [each.index for each in found] == [0, 1, 3, 4]
    assert all(one.end == other.start for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("start", "end", "unit", "frequency", "expected"),
    [
        ("2025-01-31", "2025-02-01", Unit.MONTHLY, 1, ["01-31", "02-28", "03-31", "04-30", "05-31"]),
        ("2024-01-30", "2024-01-31", Unit.MONTHLY, 1, ["01-30", "02-29", "03-30", "04-30"]),
        ("2025-08-31", "2025-09-01", Unit.MONTHLY, 6, ["08-31", "02-28", "08-31"]),
        ("2024-02-29", "2024-03-01", Unit.YEARLY, 1, ["02-29", "02-28", "02-28", "02-28", "02-29"]),
        ("2024-02-29", "2024-03-01", Unit.YEARLY, 2, ["02-29", "02-28", "02-29"]),
    ],
)
def test_months_are_counted_from_the_first_start_and_clamped(
    start: str, end: str, unit: Unit, frequency: int, expected: list[str]
) -> None:
    rule = days(start, end, unit=unit, frequency=frequency)

    assert [str(each)[:5] for each in first(rule, len(expected))] == expected


def test_a_span_of_a_month_stays_a_month() -> None:
    rule = days("2025-01-01", "2025-02-01", unit=Unit.MONTHLY)

    assert first(rule, 3) == ["01-01 00:00 to 02-01 00:00", "02-01 00:00 to 03-01 00:00", "03-01 00:00 to 04-01 00:00"]


def test_what_would_vanish_at_the_end_of_a_month_keeps_its_first_length() -> None:
    rule = days("2025-01-30 08:00", "2025-01-31 08:00", unit=Unit.MONTHLY)

    assert first(rule, 3) == ["01-30 08:00 to 01-31 08:00", "02-28 08:00 to 03-01 08:00", "03-30 08:00 to 03-31 08:00"]
    assert [each.index for each in covering(rule, at(NEW_YORK, "2025-03-01 07:00"))] == [1]
    assert covering(rule, at(NEW_YORK, "2025-03-01 08:00")) == ()


def test_shifts_longer_than_a_step_overlap() -> None:
    rule = days("2026-03-02 08:00", "2026-03-05 07:00", turns=9)

    assert [each.index for each in covering(rule, at(NEW_YORK, "2026-03-10 12:00"))] == [6, 7, 8]
    assert [each.index for each in covering(rule, at(NEW_YORK, "2026-03-10 07:30"))] == [6, 7]


# ------------------------------------------------------------------ days of the week


def test_weekly_without_days_is_the_first_starts_weekday() -> None:
    rule = days("2026-03-04 08:00", "2026-03-04 09:00", unit=Unit.WEEKLY, frequency=2)

    assert positions(rule, 3) == [("Wed 04", 0), ("Wed 18", 0), ("Wed 01", 0)]


def test_weekly_takes_each_listed_day_of_every_so_manieth_week_from_sunday() -> None:
    # Monday 2 March; its week began on Sunday the 1st, which lies before the start.
    rule = days(
        "2026-03-02",
        "2026-03-03",
        unit=Unit.WEEKLY,
        frequency=2,
        days_of_week=frozenset({SUNDAY, MONDAY, FRIDAY}),
        turns=2,
    )

    assert positions(rule, 6) == [
        ("Mon 02", 1),
        ("Fri 06", 2),
        ("Sun 15", 1),
        ("Mon 16", 2),
        ("Fri 20", 1),
        ("Sun 29", 2),
    ]


@pytest.mark.parametrize("unit", [Unit.DAILY, Unit.WEEKLY])
def test_the_first_start_counts_only_if_its_day_is_listed(unit: Unit) -> None:
    # Sunday 1 March is not listed.
    rule = days("2026-03-01", "2026-03-02", unit=unit, days_of_week=frozenset({MONDAY, TUESDAY}), turns=2)

    assert positions(rule, 3) == [("Mon 02", 1), ("Tue 03", 2), ("Mon 09", 1)]


def test_a_filtered_day_uses_up_no_turn() -> None:
    rule = days("2026-03-06 08:00", "2026-03-06 17:00", days_of_week=WORKDAYS, turns=2)

    assert positions(rule, 4) == [("Fri 06", 1), ("Mon 09", 2), ("Tue 10", 1), ("Wed 11", 2)]


def test_days_of_every_third_day() -> None:
    rule = days("2026-03-02", "2026-03-03", frequency=3, days_of_week=frozenset({MONDAY}), turns=2)

    assert positions(rule, 3) == [("Mon 02", 1), ("Mon 23", 2), ("Mon 13", 1)]


def test_months_on_listed_days() -> None:
    # The last of May and July 2026, and of January 2027.
    rule = days("2026-01-31", "2026-02-01", unit=Unit.MONTHLY, days_of_week=frozenset({FRIDAY, SUNDAY}), turns=2)

    assert positions(rule, 3) == [("Sun 31", 1), ("Fri 31", 2), ("Sun 31", 1)]


def test_hours_count_by_the_day_that_the_wall_shows() -> None:
    rule = days("2026-03-06 18:00", "2026-03-06 20:00", unit=Unit.HOURLY, frequency=2, days_of_week=WORKDAYS, turns=2)

    assert positions(rule, 5) == [("Fri 06", 1), ("Fri 06", 2), ("Fri 06", 1), ("Mon 09", 2), ("Mon 09", 1)]
    # The clock has changed since Friday: 22:00 plus an even number of hours.
    assert said(NEW_YORK, nth(rule, 3)) == "03-09 01:00 to 03-09 03:00"


# ------------------------------------------------------------------ ends


def test_the_repeat_end_is_inclusive_by_local_day() -> None:
    rule = days("2026-10-29 08:00", "2026-10-30 08:00", repeat_end=date(2026, 10, 31))

    assert first(rule, 4) == [
        "10-29 08:00 to 10-30 08:00",
        "10-30 08:00 to 10-31 08:00",
        "10-31 08:00 to 11-01 08:00",
        None,
    ]
    assert (count(rule), last_end(rule)) == (3, at(NEW_YORK, "2026-11-01 08:00"))


def test_hours_up_to_the_repeat_end_are_those_that_the_wall_shows() -> None:
    # The clock of that day, which has 25 hours, is set back.
    rule = days("2026-11-01 00:00", "2026-11-01 01:00", unit=Unit.HOURLY, repeat_end=date(2026, 11, 1))

    assert (count(rule), said(NEW_YORK, nth(rule, 24))) == (25, "11-01 23:00 to 11-02 00:00")


def test_terminated_means_that_one_and_all_later_ones_are_gone() -> None:
    gone = at(LONDON, "2026-03-02 15:00")
    rule = days("2026-03-02 08:00", "2026-03-02 09:00", LONDON, unit=Unit.HOURLY, terminated_on=gone)

    assert (count(rule), last_end(rule)) == (7, gone)
    assert occurrence_at(rule, gone) is None
    assert count(replace(rule, terminated_on=gone + 1)) == 8


def test_a_rule_without_an_end_has_none() -> None:
    rule = days("2026-03-02 08:00", "2026-03-02 17:00")

    assert (count(rule), last_end(rule)) == (None, None)
    assert list(occurrences(rule, at("UTC", "9999-12-31"), at("UTC", "9999-12-31 23:59"))) == []
    assert said(NEW_YORK, first_from(rule, at(NEW_YORK, "9998-01-01"))) == "01-01 08:00 to 01-01 17:00"


def test_nothing_occurs_before_the_first_start() -> None:
    rule = days("2026-03-02 08:00", "2026-03-02 17:00")
    opens = at(NEW_YORK, "2026-03-02 08:00")

    assert list(occurrences(rule, -(10**15), opens)) == []
    assert (last_before(rule, opens), covering(rule, -(10**15))) == (None, ())
    assert first_from(rule, -(10**15)) == occurrence_at(rule, opens) == nth(rule, 0)


def test_a_window_that_is_empty_or_turned_round_has_nothing() -> None:
    rule = days("2026-03-02 08:00", "2026-03-03 08:00")
    noon = at(NEW_YORK, "2026-03-05 12:00")

    assert list(occurrences(rule, noon, noon)) == []
    assert list(occurrences(rule, noon, noon - 1000)) == []


def test_rules_that_are_equal_are_one_key() -> None:
    rule = days("2026-11-01 01:30", "2026-11-01 03:00", unit=None)

    assert {rule, replace(rule)} == {rule}
    assert replace(rule, start=rule.start.replace(fold=1)) != rule
    assert rule.end - rule.start == timedelta(minutes=90)
