"""An override takes exactly its hours, and everything else stays with whoever had it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings

from shared.domain.coverage import holdings
from shared.domain.errors import (
    NotAnOccurrence,
    OccurrenceIsOverridden,
    OverrideMissesOccurrence,
    TooManyOccurrences,
)
from shared.domain.oncall import OnCallEvent, Role, shifts
from shared.domain.overriding import overridden
from shared.domain.reshaping import deleted, excepted
from shared.domain.spans import minus, union
from shared.timing.recurrence import InvalidRecurrence, Unit
from tests.unit.domain.rota import DAY, by_id, event, first_of, ids, instant, stories, wanted

DAYS = event("2022-10-30T00:00", "2022-10-31T00:00", "America/Los_Angeles", Unit.DAILY, "ann", "bob", rotation=True)
THE_FIRST = instant("2022-11-01T00:00:00-07:00")


def spans(events: list[OnCallEvent], role: Role) -> list[tuple[str, int, int]]:
    family = [each for each in events if each.role is role]
    return [(shift.attendees[0][1], shift.start, shift.end) for shift in shifts(family, 0, 10**14)]


def test_an_occurrence_is_broken_up_around_the_override() -> None:
    asked = wanted(THE_FIRST, "2022-11-01 08:00", "2022-11-01 17:00", "America/Phoenix")

    writes = overridden(DAYS, [], asked, ids())

    (series,) = writes.changed
    assert series.exceptions == {THE_FIRST}
    assert not writes.removed
    override, before, after = writes.added
    assert (override.role, override.parent_id, override.covers) == (Role.OVERRIDE, "series", frozenset({THE_FIRST}))
    assert (override.rule.zone, override.attendees, override.rule.unit) == ("America/Phoenix", ("zoe",), None)
    assert spans([override], Role.OVERRIDE) == [
        ("zoe", instant("2022-11-01T08:00-07:00"), instant("2022-11-01T17:00-07:00"))
    ]
    # The third day is ann's, and only hers.
    assert spans([before, after], Role.REMAINDER) == [
        ("ann", THE_FIRST, instant("2022-11-01T08:00-07:00")),
        ("ann", instant("2022-11-01T17:00-07:00"), instant("2022-11-02T00:00-07:00")),
    ]
    assert {before.rule.zone, after.rule.zone} == {"America/Los_Angeles"}
    assert before.covers == after.covers == {THE_FIRST}


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [("00:00", "24:00", 0), ("00:00", "12:00", 1), ("12:00", "24:00", 1), ("00:01", "23:59", 2)],
)
def test_nothing_is_made_of_no_remainder(start: str, end: str, left: int) -> None:
    last = "2022-11-02 00:00" if end == "24:00" else f"2022-11-01 {end}"

    writes = overridden(DAYS, [], wanted(THE_FIRST, f"2022-11-01 {start}", last, "America/Los_Angeles"), ids())

    assert len(writes.added) == 1 + left


def test_an_override_over_several_occurrences_cuts_all_of_them() -> None:
    asked = wanted(THE_FIRST, "2022-10-31 12:00", "2022-11-03 12:00", "America/Los_Angeles")

    writes = overridden(DAYS, [], asked, ids())

    cut = {instant(f"{day}T00:00-07:00") for day in ("2022-10-31", "2022-11-01", "2022-11-02", "2022-11-03")}
    assert writes.changed[0].exceptions == writes.added[0].covers == cut
    assert spans(list(writes.added), Role.REMAINDER) == [
        ("bob", instant("2022-10-31T00:00-07:00"), instant("2022-10-31T12:00-07:00")),
        ("ann", instant("2022-11-03T12:00-07:00"), instant("2022-11-04T00:00-07:00")),
    ]


def test_an_override_leaves_alone_what_does_not_happen() -> None:
    second = instant("2022-11-02T00:00-07:00")
    days = excepted(DAYS, second).changed[0]

    writes = overridden(
        days, [], wanted(THE_FIRST, "2022-11-01 12:00", "2022-11-03 12:00", "America/Los_Angeles"), ids()
    )

    assert second not in writes.added[0].covers
    assert writes.changed[0].exceptions == {second, *writes.added[0].covers}


def test_what_does_not_repeat_is_overridden_too_and_so_are_an_override_and_a_remainder() -> None:
    once = event("2026-11-03T00:00", "2026-11-04T00:00")
    family, names = [once], ids()
    for number, (of, hour) in enumerate([("series", 8), ("new0", 9), ("new2", 20)]):
        chosen = next(each for each in family if each.event_id == of)
        asked = wanted(
            first_of(chosen).start,
            f"2026-11-03 {hour:02}:00",
            f"2026-11-03 {hour + 2 if number else 12:02}:00",
            "America/Phoenix",
            f"p{number}",
        )
        family = overridden(chosen, family, asked, names).applied(family)

    found = shifts(family, 0, 10**14)

    hours = [(shift.attendees[0][1], (shift.start - found[0].start) // 3_600_000) for shift in found]
    assert hours == [("ann", 0), ("p0", 8), ("p1", 9), ("p0", 11), ("ann", 12), ("p2", 20), ("ann", 22)]
    assert [one.end for one in found[:-1]] == [one.start for one in found[1:]]


@pytest.mark.parametrize(
    ("start", "end", "spoken"),
    [
        # The hour from one to two comes twice: its second pass is cut, on a clock that has it but once.
        ("2026-11-01T06:15", "2026-11-01T06:45", [("00:00", 0, "01:15", 1), ("01:45", 1, "08:00", 0)]),
        ("2026-11-01T05:15", "2026-11-01T06:15", [("00:00", 0, "01:15", 0), ("01:15", 1, "08:00", 0)]),
        # Here the clock goes back between the cuts.
        ("2026-11-01T05:45", "2026-11-01T06:10", [("00:00", 0, "01:45", 0), ("01:10", 1, "08:00", 0)]),
    ],
)
def test_cuts_inside_an_hour_that_is_repeated(start: str, end: str, spoken: list[tuple[str, int, str, int]]) -> None:
    night = event("2026-11-01T00:00", "2026-11-01T08:00", "America/New_York")
    first = instant("2026-11-01T04:00Z")

    writes = overridden(night, [], wanted(first, start, end, "UTC"), ids())

    rules = [each.rule for each in writes.added[1:]]
    assert [(f"{r.start:%H:%M}", r.start.fold, f"{r.end:%H:%M}", r.end.fold) for r in rules] == spoken
    cuts = [instant(f"{start}Z"), instant(f"{end}Z")]
    assert spans(list(writes.added), Role.REMAINDER) == [
        ("ann", first, cuts[0]),
        ("ann", cuts[1], instant("2026-11-01T13:00Z")),
    ]


def test_a_remainder_that_ends_on_the_wall_before_it_begins() -> None:
    shift = event("2026-11-01T01:45", "2026-11-01T08:00", "America/New_York")
    first = instant("2026-11-01T05:45Z")

    writes = overridden(shift, [], wanted(first, "2026-11-01T06:15", "2026-11-01T09:00", "UTC"), ids())

    assert writes.added[1].rule.end < writes.added[1].rule.start
    assert spans(list(writes.added[1:2]), Role.REMAINDER) == [("ann", first, instant("2026-11-01T06:15Z"))]


def test_a_wrong_action_time_names_the_nearest_two_right_ones() -> None:
    days = excepted(DAYS, THE_FIRST).changed[0]
    asked = wanted(THE_FIRST, "2022-11-01 08:00", "2022-11-01 17:00")

    with pytest.raises(NotAnOccurrence) as refused:
        overridden(days, [], asked, ids())

    assert str(refused.value) == (
        "action_time is not the start of an occurrence; "
        "the nearest are 2022-10-31T00:00:00.000-07:00 and 2022-11-02T00:00:00.000-07:00"
    )
    with pytest.raises(NotAnOccurrence, match=r"2022-10-30T00:00:00.000-07:00 and 2022-10-31T00:00:00.000-07:00$"):
        overridden(DAYS, [], wanted(0, "2022-11-01 08:00", "2022-11-01 17:00"), ids())


def test_an_override_must_overlap_the_occurrence() -> None:
    asked = wanted(THE_FIRST, "2022-11-02 00:00", "2022-11-02 17:00", "America/Los_Angeles")

    with pytest.raises(
        OverrideMissesOccurrence, match=r"from 2022-11-01T00:00:00.000-07:00 to 2022-11-02T00:00:00.000"
    ):
        overridden(DAYS, [], asked, ids())


def test_what_is_overridden_is_overridden_by_overriding_what_stands_for_it() -> None:
    asked = wanted(THE_FIRST, "2022-11-01 08:00", "2022-11-01 17:00")
    family = overridden(DAYS, [], asked, ids()).applied([DAYS])
    series, override, before, _ = family

    with pytest.raises(OccurrenceIsOverridden) as refused:
        overridden(series, family, asked, ids("again"))
    assert refused.value.instead == override.event_id
    assert override.event_id in str(refused.value)
    # The day before is free, but this one reaches into what is left of the overridden day.
    eve = wanted(instant("2022-10-31T00:00-07:00"), "2022-10-31 08:00", "2022-11-01 02:00")
    with pytest.raises(OccurrenceIsOverridden) as refused:
        overridden(series, family, eve, ids("again"))
    assert refused.value.instead == before.event_id

    family = deleted(override, family).applied(family)
    with pytest.raises(OccurrenceIsOverridden):
        overridden(family[0], family, asked, ids("again"))


def test_an_override_is_a_span_of_time() -> None:
    with pytest.raises(InvalidRecurrence, match="end"):
        overridden(DAYS, [], wanted(THE_FIRST, "2022-11-01 08:00", "2022-11-01 08:00"), ids())


def test_no_override_cuts_more_than_a_thousand() -> None:
    hourly = event("2026-01-01T00:00", "2026-01-01T01:00", "America/Phoenix", Unit.HOURLY)
    first = first_of(hourly).start
    start = hourly.rule.start

    fits = wanted(first, str(start), str(start + timedelta(hours=1000)))
    assert len(overridden(hourly, [], fits, ids()).added[0].covers) == 1000
    with pytest.raises(TooManyOccurrences):
        overridden(hourly, [], wanted(first, str(start), str(start + timedelta(hours=1000, minutes=1))), ids())


@settings(max_examples=200, deadline=None)
@given(stories())
def test_the_override_has_its_hours_and_all_others_stay_where_they_were(story: list[list[OnCallEvent]]) -> None:
    for before, after in pairwise(story):
        window = first_of(before[0]).start - DAY, first_of(before[0]).start + 60 * DAY
        (override,) = [each for each in after if each.role is Role.OVERRIDE and each.event_id not in by_id(before)]
        hours = [(shift.start, shift.end) for shift in shifts([override], *window)]

        expected: dict[tuple[int, str], list[tuple[int, int]]] = {}
        for shift in shifts(before, *window):
            is_cut = shift.event_id == override.parent_id and shift.start in override.covers
            kept = minus([(shift.start, shift.end)], hours) if is_cut else [(shift.start, shift.end)]
            for _, person in shift.attendees:
                expected.setdefault((shift.layer, person), []).extend(kept)
        for person in override.attendees:
            expected.setdefault((override.layer, person), []).extend(hours)

        found = holdings(after, *window)
        clipped = {
            key: union((max(start, window[0]), min(end, window[1])) for start, end in spans)
            for key, spans in expected.items()
        }
        assert found == {key: spans for key, spans in clipped.items() if spans}
