"""What was overridden is as it was, in whatever order its overrides are undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.coverage import holdings
from shared.domain.errors import NotAnOverride
from shared.domain.family import Writes
from shared.domain.oncall import OnCallEvent, Role, shifts
from shared.domain.overriding import overridden
from shared.domain.reshaping import deleted, moved
from shared.domain.restoring import restored
from shared.timing.recurrence import Unit
from tests.unit.domain.rota import (
    DAY,
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


def one(event_id: str, family: list[OnCallEvent]) -> OnCallEvent:
    return by_id(family)[event_id]


def overriding(family: list[OnCallEvent], of: str, first: str, last: str, name: str) -> list[OnCallEvent]:
    """The family with an override of the occurrence on the third, between these times of the day."""
    chosen = one(of, family)
    begins = THIRD if of == "series" else first_of(chosen).start
    asked = wanted(begins, f"2026-11-03 {first}", f"2026-11-03 {last}", "Europe/London", name)
    return overridden(chosen, family, asked, ids(name)).applied(family)


def broken_up() -> list[OnCallEvent]:
    """The third with an override from 8 to 16 ("o0"), one of the morning before it ("p0") and one within it ("q0")."""
    family = overriding([DAYS], "series", "08:00", "16:00", "o")
    family = overriding(family, "o1", "02:00", "04:00", "p")
    return overriding(family, "o0", "10:00", "12:00", "q")


def spoken(family: list[OnCallEvent]) -> str:
    """Who has the third, by hours."""
    found = shifts(family, THIRD, THIRD + DAY)
    return " ".join(f"{shift.attendees[0][1]}{(shift.start - THIRD) // 3_600_000}" for shift in found)


def test_an_override_that_is_restored_was_never_there() -> None:
    family = overriding([DAYS], "series", "08:00", "16:00", "o")

    writes = restored(one("o0", family), family, ids("r"))

    assert writes == Writes(changed=(DAYS,), removed=frozenset({"o0", "o1", "o2"}))


def test_where_what_is_left_is_overridden_the_hours_go_back_as_a_remainder() -> None:
    family = broken_up()
    assert spoken(family) == "ann0 p2 ann4 o8 q10 o12 ann16"

    family = restored(one("o0", family), family, ids("r")).applied(family)

    assert spoken(family) == "ann0 p2 ann4 ann8 ann16"
    assert (one("r0", family).role, one("r0", family).parent_id) == (Role.REMAINDER, "series")
    assert "q0" not in by_id(family)  # it was of the override, and goes with it

    assert restored(one("p0", family), family, ids("s")).applied(family) == [DAYS]


def test_from_the_inside_out_every_step_is_the_one_before() -> None:
    family = broken_up()

    family = restored(one("q0", family), family, ids("r")).applied(family)
    assert spoken(family) == "ann0 p2 ann4 o8 ann16"
    family = restored(one("o0", family), family, ids("s")).applied(family)
    family = restored(one("p0", family), family, ids("t")).applied(family)

    assert family == [DAYS]


def test_an_override_of_several_occurrences_is_restored_in_each() -> None:
    asked = wanted(THIRD, "2026-11-02 12:00", "2026-11-05 12:00", "Europe/London")
    family = overridden(DAYS, [], asked, ids("o")).applied([DAYS])
    last = next(each for each in family if each.role is Role.REMAINDER and min(each.covers) > THIRD)
    cut = wanted(min(last.covers) + DAY // 2, "2026-11-05 13:00", "2026-11-05 14:00", "Europe/London")
    family = overridden(last, family, cut, ids("p")).applied(family)

    family = restored(one("o0", family), family, ids("r")).applied(family)

    # Only the last one is still in pieces.
    assert family[0].exceptions == {instant("2026-11-05T00:00Z")}
    assert {each.parent_id for each in family[1:]} == {"series", last.event_id}
    assert restored(one("p0", family), family, ids("s")).applied(family) == [DAYS]


def test_what_was_changed_by_hand_stays() -> None:
    family = overriding([DAYS], "series", "08:00", "16:00", "o")
    evening = one("o2", family)
    family = moved(evening, replace(evening, attendees=("cem",)), family, ids()).applied(family)

    family = restored(one("o0", family), family, ids("r")).applied(family)

    assert spoken(family) == "ann0 ann8 cem16"


@pytest.mark.parametrize(
    "by_hand", [{"end": datetime.fromisoformat("2026-11-04T02:00")}, {"unit": Unit.WEEKLY}, {"zone": "Europe/Dublin"}]
)
def test_what_is_at_other_times_by_hand_stays(by_hand: dict[str, Any]) -> None:
    family = overriding([DAYS], "series", "08:00", "16:00", "o")
    evening = one("o2", family)
    other = replace(evening, rule=replace(evening.rule, **by_hand))
    family = moved(evening, other, family, ids()).applied(family)

    after = restored(one("o0", family), family, ids("r")).applied(family)

    assert other in after


def test_what_has_a_child_that_was_made_by_hand_stays() -> None:
    family = overriding([DAYS], "series", "08:00", "16:00", "o")
    family.append(event("2026-11-09T00:00", "2026-11-09T01:00", event_id="child", parent_id="o2"))

    after = restored(one("o0", family), family, ids("r")).applied(family)

    assert {"o1", "o2", "child", "r0"} <= by_id(after).keys()


def test_a_remainder_that_was_deleted_comes_back_with_its_occurrence() -> None:
    family = overriding([DAYS], "series", "08:00", "16:00", "o")
    family = deleted(one("o2", family), family).applied(family)

    assert restored(one("o0", family), family, ids("r")).applied(family) == [DAYS]


def test_the_hours_of_an_override_that_is_only_deleted_are_nobodys() -> None:
    family = broken_up()

    family = deleted(one("o0", family), family).applied(family)

    assert spoken(family) == "ann0 p2 ann4 ann16"
    family = restored(one("p0", family), family, ids("r")).applied(family)
    assert spoken(family) == "ann0 ann16"  # they are not all of the day, so they stay pieces of it


@pytest.mark.parametrize("of", ["series", "o1"])
def test_only_an_override_can_be_restored(of: str) -> None:
    family = overriding([DAYS], "series", "08:00", "16:00", "o")

    with pytest.raises(NotAnOverride):
        restored(one(of, family), family, ids("r"))


@settings(max_examples=200, deadline=None)
@given(st.data(), series())
def test_an_override_followed_by_its_restoration_changes_nothing(data: Any, of: OnCallEvent) -> None:
    asked = data.draw(overrides(of, layer=st.integers(1, 3)))
    done = tried(of, [], asked, ids()) if asked is not None else None
    if done is None:
        return
    family = done.applied([of])
    window = first_of(of).start - DAY, first_of(of).start + 40 * DAY

    back = restored(standing(family)[0], family, ids("back")).applied(family)

    assert back == [of]
    assert shifts(back, *window) == shifts([of], *window)


@settings(max_examples=300, deadline=None)
@given(st.data(), stories(most=7))
def test_overrides_undone_in_any_order_were_never_there(data: Any, story: list[list[OnCallEvent]]) -> None:
    original, family = story[0], story[-1]
    window = first_of(original[0]).start - DAY, first_of(original[0]).start + 40 * DAY
    had, names = holdings(original, *window), ids("back")
    while chosen := standing(family):
        family = restored(data.draw(st.sampled_from(chosen)), family, names).applied(family)
        # Whoever had an hour at first and has it no more is waiting for one who is still there in their place.
        if not standing(family):
            assert holdings(family, *window) == had
    assert family == original


@settings(max_examples=150, deadline=None)
@given(stories(most=6))
def test_undoing_the_last_override_is_as_if_it_had_not_been_made(story: list[list[OnCallEvent]]) -> None:
    for before, after in pairwise(story):
        (last,) = [each for each in standing(after) if each.event_id not in by_id(before)]

        assert by_id(restored(last, after, ids("back")).applied(after)) == by_id(before)
