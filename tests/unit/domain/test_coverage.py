"""Gaps and hours: what is covered and what is not are the window, and every hour is somebody's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.coverage import Hours, LayerCoverage, coverage, nights_and_weekends
from shared.domain.oncall import OnCallEvent, shifts
from shared.domain.spans import length, union
from shared.timing.instants import to_datetime
from shared.timing.recurrence import Unit
from shared.timing.zones import zone
from tests.unit.domain.rota import DAY, HOUR, MINUTE, PEOPLE, ZONES, event, first_of, instant, stories, who

EVERYBODY = (*PEOPLE, "yan", "zoe")


def test_a_week_of_working_days() -> None:
    # Monday to Friday, nine to five: London has winter time, Phoenix is seven hours behind.
    working = event(
        "2026-11-02T09:00", "2026-11-02T17:00", "Europe/London", Unit.DAILY, days_of_week=frozenset(range(1, 6))
    )
    start, end = instant("2026-11-02T00:00Z"), instant("2026-11-09T00:00Z")

    found = coverage([working], {"ann": "America/Phoenix", "bob": "UTC"}, start, end)

    (layer,) = found.layers
    assert layer.covered_ms == 40 * HOUR
    assert layer.gaps[0] == (start, instant("2026-11-02T09:00Z"))
    assert layer.gaps[-1] == (instant("2026-11-06T17:00Z"), end)
    ann, bob = found.people
    # Nine in London is two in Phoenix: four hours of each day are before six.
    assert ann.hours == ann.layers[1] == Hours(total_ms=40 * HOUR, night_ms=20 * HOUR, weekend_ms=0)
    assert (bob.hours.total_ms, dict(bob.layers)) == (0, {})


@pytest.mark.parametrize(("day", "hours"), [("2026-03-07", 7), ("2026-10-31", 9), ("2026-11-07", 8)])
def test_a_night_is_as_long_as_its_clock_makes_it(day: str, hours: int) -> None:
    start = instant(f"{day}T12:00-05:00")

    nights, _ = nights_and_weekends("America/New_York", start, start + DAY)

    assert length(nights) == hours * HOUR


def test_the_hours_of_a_saturdays_night_count_as_both() -> None:
    late = event("2026-11-06T22:00", "2026-11-07T06:00", "Europe/London")

    found = coverage([late], {"ann": "Europe/London"}, instant("2026-11-06T00:00Z"), instant("2026-11-09T00:00Z"))

    assert found.people[0].hours == Hours(total_ms=8 * HOUR, night_ms=8 * HOUR, weekend_ms=6 * HOUR)


def test_one_is_on_call_once_in_a_layer_and_twice_in_two() -> None:
    shift, again = event("2026-11-03T00:00", "2026-11-03T12:00"), event("2026-11-03T06:00", "2026-11-03T14:00")
    above = event("2026-11-03T00:00", "2026-11-03T01:00", layer=2)
    window = instant("2026-11-01T00:00Z"), instant("2026-11-05T00:00Z")

    (ann,) = coverage([shift, again, above], {"ann": "UTC"}, *window).people

    assert {layer: hours.total_ms for layer, hours in ann.layers.items()} == {1: 14 * HOUR, 2: HOUR}
    assert ann.hours.total_ms == 15 * HOUR


def test_a_layer_without_a_shift_in_the_window_is_one_gap() -> None:
    window = instant("2027-01-01T00:00Z"), instant("2027-02-01T00:00Z")

    found = coverage([event("2026-11-03T00:00", "2026-11-04T00:00", layer=7)], {"ann": "UTC"}, *window)

    assert found.layers == (LayerCoverage(layer=7, gaps=(window,), covered_ms=0),)
    assert not coverage([], {}, *window).layers


@settings(max_examples=100, deadline=None)
@given(st.data(), stories(most=3))
def test_gaps_and_hours_are_the_window_and_the_shifts(data: Any, story: list[list[OnCallEvent]]) -> None:
    family = story[-1]
    start = first_of(family[0]).start + data.draw(st.integers(-6, 6)) * HOUR
    end = start + data.draw(st.integers(1, 96)) * HOUR
    zones = dict(zip(EVERYBODY, data.draw(st.permutations(ZONES)), strict=False))

    found = coverage(family, zones, start, end)

    minutes = who(family, start, end)
    for layer in found.layers:
        on_call = set().union(*(held for (where, _), held in minutes.items() if where == layer.layer))
        assert layer.covered_ms == len(on_call) * MINUTE
        assert layer.covered_ms + length(layer.gaps) == end - start
        assert list(layer.gaps) == union(layer.gaps)
        assert not [moment for moment in on_call for first, last in layer.gaps if first <= moment < last]
    for person in found.people:
        clock = zone(zones[person.account_user_id])
        held = {layer: own for (layer, name), own in minutes.items() if name == person.account_user_id}
        assert person.layers == {
            layer: Hours(
                total_ms=len(own) * MINUTE,
                night_ms=sum(not 6 <= to_datetime(moment).astimezone(clock).hour < 22 for moment in own) * MINUTE,
                weekend_ms=sum(to_datetime(moment).astimezone(clock).weekday() > 4 for moment in own) * MINUTE,
            )
            for layer, own in held.items()
        }
    assert sum(person.hours.total_ms for person in found.people) == sum(map(len, minutes.values())) * MINUTE


@settings(max_examples=100, deadline=None)
@given(stories(most=3), st.integers(1, 60))
def test_the_hours_of_all_people_are_those_of_all_shifts(story: list[list[OnCallEvent]], days: int) -> None:
    # Each shift has a layer to itself here, so that nobody has two at once in one.
    start = first_of(story[0][0]).start
    for each in shifts(story[-1], start, start + days * DAY):
        alone = [one for one in story[-1] if one.event_id == each.event_id]
        window = each.start, each.end
        own = [shift for shift in shifts(alone, *window) if shift.index != each.index]
        if own:
            continue
        found = coverage(alone, dict.fromkeys(EVERYBODY, "UTC"), *window)
        assert sum(person.hours.total_ms for person in found.people) == (each.end - each.start) * len(each.attendees)
