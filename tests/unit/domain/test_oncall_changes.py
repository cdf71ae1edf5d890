"""What words make of an on-call event, where the wall of its zone shows a time twice or never."""

from __future__ import annotations

from datetime import date, datetime
from itertools import count
from typing import Any

import pytest

from shared.domain.oncall_changes import begun, changed, faults_of, faults_of_words
from shared.domain.oncall_kept import Attendee, Identity, KeptEvent, attendees_of, ends_at, starts_at, wall
from shared.timing.instants import Instant, from_datetime
from shared.timing.recurrence import Unit

NEW_YORK = "Eastern Time (US & Canada)"
NOW: Instant = 1_900_000_000_000
WHO = Identity(event_id="event", application_id=1, prefix_id="evt_0", tiny_id=1)


def on(text: str) -> datetime:
    """A time on some wall."""
    return datetime.fromisoformat(text)


def instant(text: str) -> Instant:
    return from_datetime(datetime.fromisoformat(text))


def kept(**different: Any) -> KeptEvent:
    words = {
        "start": on("2022-11-01 08:00"),
        "end": on("2022-11-01 20:00"),
        "layer": 1,
        "time_zone": NEW_YORK,
        "account_user_ids": ("ada", "ben"),
    }
    return begun(WHO, words | different, lambda: next(names), NOW)


names = map(str, count())
DAILY = {"repeat": True, "frequency": 1, "unit": Unit.DAILY}
# The first and the second half past one of the night in which the clocks went back.
FIRST, SECOND = instant("2022-11-06T01:30:00-04:00"), instant("2022-11-06T01:30:00-05:00")


@pytest.mark.parametrize(
    ("repeating", "starts"),
    [({}, SECOND), (DAILY | {"unit": Unit.HOURLY, "frequency": 24}, SECOND), (DAILY, FIRST)],
)
def test_the_second_pass_is_told_from_the_first_where_hours_elapse(repeating: dict[str, Any], starts: Instant) -> None:
    event = kept(start=SECOND, end=instant("2022-11-06T05:00:00-05:00"), **repeating)

    assert (event.start, event.start.fold) == (on("2022-11-06 01:30"), 1)
    assert starts_at(event) == starts
    assert faults_of(event) == []


def test_a_time_that_is_skipped_stays_what_was_said_and_means_a_later_one() -> None:
    event = kept(start=on("2022-03-13 02:30"), end=on("2022-03-13 09:00"), **DAILY)

    assert starts_at(event) == instant("2022-03-13T03:30:00-04:00")
    same = changed(event, {"start": starts_at(event), "end": ends_at(event)}, str, NOW)
    moved = changed(event, {"start": starts_at(event) + 1}, str, NOW)
    assert same.start == on("2022-03-13 02:30")
    assert moved.start == on("2022-03-13 03:30:00.001")


def test_an_instant_is_put_on_the_wall_of_the_new_zone_and_a_time_on_the_wall_stays() -> None:
    event = kept()
    tokyo = changed(event, {"time_zone": "Tokyo"}, str, NOW)
    told = changed(event, {"time_zone": "Tokyo", "start": starts_at(event), "end": ends_at(event)}, str, NOW)

    assert (tokyo.start, starts_at(tokyo)) == (event.start, instant("2022-11-01T08:00:00+09:00"))
    assert (starts_at(told), told.start) == (starts_at(event), on("2022-11-01 21:00"))


@pytest.mark.parametrize(
    ("said", "day"),
    [
        (date(2022, 11, 9), date(2022, 11, 9)),
        (on("2022-11-09 23:59"), date(2022, 11, 9)),
        (instant("2022-11-09T23:59:00-05:00"), date(2022, 11, 9)),
        (instant("2022-11-10T04:59:00Z"), date(2022, 11, 9)),
        (None, None),
    ],
)
def test_the_last_day_is_a_day_on_the_wall(said: Any, day: date | None) -> None:
    assert kept(repeat_end=said, **DAILY).repeat_end == day


def test_who_stays_keeps_the_place() -> None:
    before = (Attendee("1", "ada"), Attendee("2", "ben"), Attendee("3", "ada"))

    assert attendees_of(before, ("ben", "ada", "cleo", "ada", "ada"), lambda: "new") == (
        Attendee("2", "ben"),
        Attendee("1", "ada"),
        Attendee("new", "cleo"),
        Attendee("3", "ada"),
        Attendee("new", "ada"),
    )


def test_what_does_not_go_together_is_told() -> None:
    assert faults_of_words({"repeat": True, "rotation": True}) == [
        ("frequency", "can't be blank where repeat is true"),
        ("unit", "can't be blank where repeat is true"),
    ]
    assert faults_of_words({"rotation": True, "account_user_ids": ("ada", "ada")}) == [
        ("rotation", "needs repeat to be true")
    ]
    assert faults_of_words({"account_user_ids": ("ada", "ada")}) == [
        ("account_user_ids", "should name nobody twice, but in a rotation")
    ]


def test_what_repeats_counts_only_where_it_repeats() -> None:
    event = kept(**DAILY | {"repeat": False}, days_of_week=(3,), repeat_end=date(2022, 1, 1))

    assert faults_of(event) == []
    assert [name for name, _ in faults_of(changed(event, {"repeat": True}, str, NOW))] == ["repeat_end"]


def test_new_exceptions_must_be_occurrences_and_old_ones_may_have_been() -> None:
    event = kept(exceptions=(on("2022-11-02 08:00"),), **DAILY)
    late = changed(event, {"start": on("2022-11-01 09:00"), "exceptions": tuple(event.exceptions)}, str, NOW)
    wrong = changed(event, {"exceptions": (on("2022-11-06 08:00"), on("2022-11-06 09:00"))}, str, NOW)
    single = changed(kept(), {"exceptions": (on("2022-11-01 08:00"),)}, str, NOW)

    assert faults_of(late, event) == []
    assert faults_of(wrong, event) == [
        (
            "exceptions",
            "should be starts of occurrences, and 2022-11-06 09:00 is none; "
            "the nearest are 2022-11-06T08:00:00.000-05:00 and 2022-11-07T08:00:00.000-05:00",
        )
    ]
    assert faults_of(single) == [("exceptions", "need repeat to be true; delete the event instead")]
    assert wall(FIRST, NEW_YORK).fold == 0
