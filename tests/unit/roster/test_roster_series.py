"""A roster's series answers whatever is asked as a list of everything that happens would answer it."""

from __future__ import annotations

import json
from bisect import bisect_right
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import roster as rosters
from shared.domain.roster import Roster, TransitionKind, UnintelligibleRoster
from shared.domain.roster_series import RosterSeries, roster_series, series_of
from shared.domain.strands import SIGHT_MS
from shared.timing.cron import InvalidRule
from shared.timing.instants import Instant, iso
from shared.timing.recurrence import Unit
from tests.unit.roster import drawn
from tests.unit.roster.drawn import DAY, HOUR, at, event, happens, roster

# The weeks in which clocks change, and a quiet one.
windows = st.sampled_from([at(day) for day in ("2026-03-05", "2026-03-14", "2026-03-26", "2026-04-02")]).map(
    lambda first: (first, first + 6 * DAY)
)


def told(series: RosterSeries, instant: Instant) -> Any:
    return json.loads(series.body_at(instant, "subscription"))["transitions"]


@settings(max_examples=200, deadline=None)
@given(wanted=drawn.rosters(), window=windows, data=st.data())
def test_it_has_the_instants_at_which_something_happens(
    wanted: Roster, window: tuple[Instant, Instant], data: st.DataObject
) -> None:
    first, last = window
    moments = st.integers(first // HOUR * 2, last // HOUR * 2).map(lambda half: half * HOUR // 2)
    series = roster_series(rosters.encode(wanted))
    every = list(happens(rosters.subscribed(wanted), wanted, *window))

    def within(after: Instant, through: Instant) -> list[Instant]:
        return every[bisect_right(every, after) : bisect_right(every, through)]

    for _ in range(5):
        after, through = sorted([data.draw(moments), data.draw(moments)])
        after -= data.draw(st.sampled_from([0, 1]))
        assert series.count_between(after, through) == len(within(after, through))
        assert series.latest_through(after, through) == max(within(after, through), default=None)
        following = series.next_after(after)
        assert (following if following is not None and following <= last else None) == min(
            within(after, last), default=None
        )
        most = data.draw(st.integers(1, 4))
        begin = series.before_the_latest(after, through, most)
        assert within(begin, through) == within(after, through)[-most:]
        assert begin == after or len(within(begin - 1, through)) > most
        number = min(3, len(within(after, last)))
        assert series.upcoming(after, number) == within(after, last)[:number]


@settings(max_examples=100, deadline=None)
@given(wanted=drawn.rosters(), window=windows)
def test_it_tells_what_happens_and_numbers_it_without_a_hole(wanted: Roster, window: tuple[Instant, Instant]) -> None:
    series = roster_series(rosters.encode(wanted))
    expected = happens(rosters.subscribed(wanted), wanted, *window)

    numbers = []
    for instant, tellings in expected.items():
        body = json.loads(series.body_at(instant, "subscription"))
        assert body["at"] == iso(instant)
        numbers.append(body["sequence"])
        heard = [
            (
                TransitionKind(one["kind"]),
                one["layer"],
                tuple(person["id"] for person in one["goes"]),
                tuple(person["id"] for person in one["comes"]),
                one["occurrence"] and (one["occurrence"]["event_id"], one["occurrence"]["index"]),
            )
            for one in body["transitions"]
        ]
        assert heard == tellings

    assert all(after - before == 1 for before, after in pairwise(numbers))
    if numbers:
        first = next(iter(expected))
        between = happens(rosters.subscribed(wanted), wanted, *sorted([wanted.begins + 1, first]))
        assert numbers[0] == (len(between) if first > wanted.begins else -series.count_between(first, wanted.begins))


@settings(max_examples=50, deadline=None)
@given(wanted=drawn.rosters(), window=windows, data=st.data())
def test_what_is_said_depends_on_nothing_that_was_asked_before(
    wanted: Roster, window: tuple[Instant, Instant], data: st.DataObject
) -> None:
    one, other = RosterSeries(wanted), RosterSeries(rosters.decode(rosters.encode(wanted)))
    every = list(happens(rosters.subscribed(wanted), wanted, *window))
    asked = data.draw(st.lists(st.sampled_from(every), max_size=6)) if every else []
    for instant in asked:
        one.body_at(instant, "s")
        one.next_after(instant)

    assert one == other
    for instant in asked:
        assert one.body_at(instant, "s") == other.body_at(instant, "s")
        assert RosterSeries(wanted).next_after(instant) == one.next_after(instant)


NIGHTS = (
    event("day", "2026-01-01T08:00", "2026-01-01T20:00", "u1", unit=Unit.DAILY),
    event("night", "2026-01-01T20:00", "2026-01-02T08:00", "u2", unit=Unit.DAILY),
)


def test_who_takes_turns_for_ever_leaves_no_gap_and_that_is_known_at_once() -> None:
    weekly = event(
        "w", "2026-01-05T09:00", "2026-01-12T09:00", "u1", "u2", unit=Unit.WEEKLY, rotation=True, zone="Europe/Berlin"
    )
    series = RosterSeries(roster([weekly], "gap.started"))

    assert series.next_after(at("2026-02-01")) is None
    assert series.seen_through(at("2026-02-01")) is None
    assert series.count_between(at("2026-02-01"), at("2526-02-01")) == 0


def test_where_shifts_meet_for_ever_a_gap_is_looked_for_season_by_season() -> None:
    series = RosterSeries(roster(NIGHTS, "gap.started"))
    begin = at("2026-02-01")

    seen = begin
    for _ in range(3):
        assert series.next_after(begin) is None
        before, seen = seen, series.seen_through(begin) or 0
        assert SIGHT_MS <= seen - before <= SIGHT_MS + DAY
    assert series.next_after(begin + 5 * DAY) is None


def test_a_gap_that_is_far_away_is_found_by_asking_again() -> None:
    last = at("2028-06-01T20:00")
    nights = (
        NIGHTS[0],
        event("night", "2026-01-01T20:00", "2026-01-02T08:00", "u2", unit=Unit.DAILY, terminated_on=last),
    )
    series = RosterSeries(roster(nights, "gap.started", "shift.starting", layers=[1], lead_ms=HOUR))
    gap_only = RosterSeries(roster(nights, "gap.started"))
    begin = at("2026-02-01")

    answers = [gap_only.next_after(begin) for _ in range(1 + (last - begin) // SIGHT_MS)]
    assert [answer for answer in answers if answer is not None] == [last]
    assert gap_only.seen_through(begin) is None
    assert series.next_after(begin) == at("2026-02-01T07:00")


def test_equal_series_are_of_equal_rosters() -> None:
    one, other = roster(NIGHTS, "shift.started"), roster(NIGHTS, "shift.ended")

    assert RosterSeries(one) == RosterSeries(rosters.decode(rosters.encode(one))) != RosterSeries(other)
    assert rosters.says_the_same(one, rosters.succeeds(one, one, begins=5, sequence=9))
    assert not rosters.says_the_same(one, other)


@pytest.mark.parametrize(
    "encoded",
    [
        b"x",
        rosters.encode(roster(NIGHTS)).replace(b"shift.started", b"shift.renamed"),
        rosters.encode(roster(NIGHTS)).replace(b"UTC", b"UTT"),
        rosters.encode(roster(NIGHTS)).replace(b"daily", b"often"),
        rosters.encode(roster(NIGHTS)).replace(b"2026-01-02T08:00:00", b"2026-01-01T08:00:00"),
    ],
)
def test_a_roster_of_which_nothing_can_be_made_is_refused(encoded: bytes) -> None:
    with pytest.raises(UnintelligibleRoster, match=r"\w"):
        roster_series(encoded)


def test_a_release_without_rosters_can_make_nothing_of_such_a_timer() -> None:
    with pytest.raises(InvalidRule):
        series_of("", "UTC", b"")
