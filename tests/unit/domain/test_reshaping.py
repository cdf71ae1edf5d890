"""A series that loses occurrences, ends or is moved takes along what it must, and keeps what was promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import NotAnOccurrence, RegularEvent
from shared.domain.family import Writes
from shared.domain.oncall import OnCallEvent, Role, shifts
from shared.domain.overriding import overridden
from shared.domain.reshaping import deleted, excepted, moved, terminated
from shared.domain.restoring import restored
from shared.timing import recurrence
from shared.timing.recurrence import Unit
from tests.unit.domain.rota import (
    DAY,
    HOUR,
    PEOPLE,
    by_id,
    event,
    first_of,
    ids,
    instant,
    overrides,
    series,
    standing,
    stories,
    tried,
    wanted,
)

DAYS = event("2026-11-01T00:00", "2026-11-02T00:00", "Europe/London", Unit.DAILY, "ann", "bob", rotation=True)
THIRD = instant("2026-11-03T00:00Z")


def overridden_third(last_day: int = 3) -> list[OnCallEvent]:
    """The days, and the third of them with an override from 8 to 16 ("o0") or to another day's 16."""
    asked = wanted(THIRD, "2026-11-03 08:00", f"2026-11-{last_day:02} 16:00", "Europe/London")
    return overridden(DAYS, [], asked, ids("o")).applied([DAYS])


def test_an_exception_is_made_once() -> None:
    once = excepted(DAYS, THIRD)

    assert once == Writes(changed=(replace(DAYS, exceptions=frozenset({THIRD})),))
    assert excepted(once.changed[0], THIRD) == Writes()
    assert not shifts(once.changed, THIRD, THIRD + DAY)


def test_an_exception_is_of_an_occurrence_and_names_the_nearest() -> None:
    with pytest.raises(NotAnOccurrence, match=r"2026-11-03T00:00:00.000\+00:00 and 2026-11-04T00:00:00.000\+00:00$"):
        excepted(DAYS, THIRD + 1)
    around = replace(DAYS, exceptions=frozenset(THIRD + days * DAY for days in (-1, 1)))
    for wrong in (THIRD + HOUR, THIRD + DAY + HOUR):
        with pytest.raises(NotAnOccurrence, match=r"2026-11-03T00:00:00.* and 2026-11-05T00:00:00"):
            excepted(around, wrong)
    with pytest.raises(RegularEvent):
        excepted(event("2026-11-03T00:00", "2026-11-04T00:00"), THIRD)


def test_an_exception_of_what_is_overridden_leaves_the_override() -> None:
    assert excepted(overridden_third()[0], THIRD) == Writes()


def test_a_series_ends_exactly() -> None:
    hourly = event("2026-11-01T00:00", "2026-11-01T01:00", "Europe/London", Unit.HOURLY)

    (ended,) = terminated(hourly, [], THIRD + 7 * HOUR).changed

    assert shifts([ended], THIRD, 10**14)[-1].end == THIRD + 7 * HOUR


def test_what_stands_for_later_occurrences_alone_goes_with_them() -> None:
    family = overridden_third(last_day=5)  # covers the third to the fifth
    fifth = THIRD + 2 * DAY

    writes = terminated(family[0], family, fifth)

    after = writes.applied(family)
    assert after[0].exceptions == {THIRD, THIRD + DAY}
    assert [each.event_id for each in after] == ["series", "o0", "o1"]  # o2 was what is left of the fifth
    assert terminated(family[0], family, THIRD).removed == {"o0", "o1", "o2"}


def test_from_the_first_occurrence_on_the_event_is_deleted() -> None:
    family = overridden_third()

    assert terminated(family[0], family, first_of(DAYS).start).removed == set(by_id(family))
    once = event("2026-11-03T00:00", "2026-11-04T00:00", "Europe/London")
    assert terminated(once, [], THIRD) == Writes(removed=frozenset({"series"}))


def test_what_has_ended_earlier_stays_as_it_is() -> None:
    (ended,) = terminated(DAYS, [], THIRD).changed

    assert terminated(ended, [], THIRD) == terminated(ended, [], THIRD + 9 * DAY) == Writes()
    assert terminated(ended, [], THIRD - DAY).changed[0].rule.terminated_on == THIRD - DAY
    with pytest.raises(NotAnOccurrence, match=r"2026-11-01T00:00:00.* and 2026-11-02T00:00:00"):
        terminated(ended, [], THIRD + HOUR)


def test_deleting_takes_all_that_descends() -> None:
    family = overridden_third()
    asked = wanted(THIRD + 8 * HOUR, "2026-11-03 09:00", "2026-11-03 10:00", "Europe/London")
    family = overridden(family[1], family, asked, ids("p")).applied(family)

    assert deleted(family[0], family).removed == set(by_id(family))
    assert deleted(by_id(family)["o0"], family).removed == {"o0", "p0", "p1", "p2"}


def later(of: OnCallEvent, by: timedelta) -> OnCallEvent:
    return replace(of, rule=replace(of.rule, start=of.rule.start + by, end=of.rule.end + by))


def test_a_series_that_is_moved_drops_what_is_no_occurrence_and_keeps_promises() -> None:
    family = overridden_third()
    asked = wanted(THIRD, "2026-11-03 02:00", "2026-11-03 04:00", "Europe/London", "yan")
    family = overridden(by_id(family)["o1"], family, asked, ids("p")).applied(family)
    plain = excepted(family[0], THIRD + 3 * DAY).changed[0]

    family = moved(plain, later(plain, timedelta(hours=1)), family, ids("m")).applied(family)

    assert not family[0].exceptions
    assert {each.event_id: each.parent_id for each in family} == {"series": None, "o0": "series", "p0": "series"}
    assert by_id(family)["p0"].covers == {THIRD}

    back = moved(family[0], later(family[0], timedelta(hours=-1)), family, ids("m")).applied(family)
    assert back[0].exceptions == {THIRD}
    spans = [(shift.attendees[0][1], (shift.start - THIRD) // HOUR) for shift in shifts(back, THIRD, THIRD + DAY)]
    assert spans == [("ann", 0), ("yan", 2), ("ann", 4), ("zoe", 8), ("ann", 16)]


def test_a_series_that_is_moved_by_its_own_step_keeps_its_exceptions() -> None:
    family = overridden_third()

    writes = moved(family[0], later(family[0], timedelta(days=1)), family, ids("m"))

    assert writes.changed[0].exceptions == {THIRD}
    # The third is now bob's.
    assert [each.attendees for each in writes.changed[1:]] == [("bob",), ("bob",)]
    assert not writes.added
    assert not writes.removed


def test_exceptions_may_be_sent_but_what_is_promised_stays_one() -> None:
    family = overridden_third()
    series = excepted(family[0], THIRD + DAY).changed[0]

    writes = moved(series, replace(series, exceptions=frozenset({THIRD + 2 * DAY})), family, ids("m"))

    assert writes.changed == (replace(series, exceptions=frozenset({THIRD, THIRD + 2 * DAY})),)
    # Once the override is gone, its hours are nobody's; without the exception the occurrence is whole.
    family = deleted(family[1], family).applied(family)
    writes = moved(family[0], replace(family[0], exceptions=frozenset()), family, ids("m"))
    assert writes.applied(family) == [DAYS]


def test_what_is_promised_of_what_is_left_keeps_the_occurrence_in_pieces() -> None:
    family = overridden_third()
    asked = wanted(THIRD, "2026-11-03 02:00", "2026-11-03 04:00", "Europe/London", "yan")
    family = overridden(by_id(family)["o1"], family, asked, ids("p")).applied(family)
    family = deleted(by_id(family)["o0"], family).applied(family)

    assert moved(family[0], replace(family[0], exceptions=frozenset()), family, ids("m")) == Writes()


def test_a_shift_that_ends_later_leaves_more() -> None:
    family = overridden_third()
    longer = replace(family[0], rule=replace(family[0].rule, end=family[0].rule.end + timedelta(hours=2)))

    writes = moved(family[0], longer, family, ids("m"))

    assert [each.event_id for each in writes.changed] == ["series", "o2"]
    assert shifts(writes.changed[1:], 0, 10**14)[0].end == THIRD + 26 * HOUR


def test_a_shift_that_ends_sooner_leaves_less() -> None:
    family = overridden_third()
    shorter = replace(family[0], rule=replace(family[0].rule, end=family[0].rule.end - timedelta(hours=9)))

    writes = moved(family[0], shorter, family, ids("m"))

    assert ([each.event_id for each in writes.changed], writes.removed) == (["series"], frozenset({"o2"}))


def test_what_was_changed_by_hand_stays_when_the_series_changes() -> None:
    family = overridden_third()
    by_hand = replace(family[2], attendees=("cem",))
    family = moved(family[2], by_hand, family, ids("m")).applied(family)

    writes = moved(family[0], replace(family[0], attendees=("dia", "eve")), family, ids("m"))

    assert [each.event_id for each in writes.changed] == ["series"]


@settings(max_examples=200, deadline=None)
@given(st.data(), series(regular=False))
def test_a_change_before_the_restoration_is_a_change_after_it(data: Any, of: OnCallEvent) -> None:
    asked = data.draw(overrides(of))
    done = tried(of, [], asked, ids("o")) if asked is not None else None
    if done is None:
        return
    family = done.applied([of])
    root = family[0]
    people = data.draw(st.permutations(PEOPLE))[: len(of.attendees)]
    changed = replace(
        root,
        attendees=tuple(people),
        layer=data.draw(st.integers(1, 3)),
        rule=replace(root.rule, end=root.rule.end + timedelta(minutes=data.draw(st.sampled_from([0, 0, 30, 60])))),
    )

    family = moved(root, changed, family, ids("m")).applied(family)
    assert all(each.layer == changed.layer for each in family if each.role is Role.REMAINDER)
    family = restored(standing(family)[0], family, ids("r")).applied(family)

    assert family == [replace(changed, exceptions=frozenset())]


@settings(max_examples=150, deadline=None)
@given(st.data(), stories())
def test_what_is_before_the_end_stays(data: Any, story: list[list[OnCallEvent]]) -> None:
    family, root = story[-1], story[-1][0]
    all_of_them = list(recurrence.occurrences(root.rule, first_of(root).start, first_of(root).start + 40 * DAY))
    chosen = data.draw(st.sampled_from(all_of_them[:12]))

    after = terminated(root, family, chosen.start).applied(family)

    if chosen == all_of_them[0]:
        assert not after
        return
    window = first_of(root).start, 10**14
    earlier = [shift for shift in shifts([root], window[0], chosen.start) if shift.start < chosen.start]
    assert shifts(after[:1], *window) == earlier
    gone = by_id(family).keys() - by_id(after).keys()
    children = [each for each in family if each.parent_id == root.event_id]
    assert {each.event_id for each in children if min(each.covers) >= chosen.start} <= gone
    assert all(each in after for each in children if min(each.covers) < chosen.start)
