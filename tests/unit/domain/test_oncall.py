"""Who is on call: turns go by the rule's index, whatever is taken out of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.oncall import OnCallEvent, on_call, shifts
from shared.domain.reshaping import excepted
from shared.timing.recurrence import Unit
from tests.unit.domain.rota import DAY, event, first_of, happening, ids, instant, overrides, series, tried


def test_at_the_handover_only_the_next_person_is_on_call() -> None:
    days = event("2026-11-01T08:00", "2026-11-02T08:00", "Europe/London", Unit.DAILY, "ann", "bob", rotation=True)
    handover = instant("2026-11-05T08:00+00:00")

    assert [shift.attendees for shift in on_call([days], handover)] == [((1, "ann"),)]
    assert [shift.attendees for shift in on_call([days], handover - 1)] == [((2, "bob"),)]


def test_without_a_rotation_all_are_on_call_together() -> None:
    together = event("2026-11-01T08:00", "2026-11-02T08:00", "Europe/London", None, "bob", "ann")

    assert [shift.attendees for shift in on_call([together], instant("2026-11-01T09:00Z"))] == [
        ((1, "bob"), (2, "ann"))
    ]
    assert not on_call([together], instant("2026-11-02T08:00Z"))


def test_a_day_that_is_not_listed_uses_up_no_turn() -> None:
    # Friday the 6th is the first of November's working days in this rule, and so ann's; Monday is bob's.
    working = event(
        "2026-11-06T09:00",
        "2026-11-06T17:00",
        "Europe/London",
        Unit.DAILY,
        "ann",
        "bob",
        rotation=True,
        days_of_week=frozenset(range(1, 6)),
    )

    found = shifts([working], instant("2026-11-06T00:00Z"), instant("2026-11-11T00:00Z"))

    assert [shift.attendees[0][1] for shift in found] == ["ann", "bob", "ann"]


def test_shifts_come_by_start_then_layer_then_event() -> None:
    twice = [
        event("2026-11-01T08:00", "2026-11-01T09:00", event_id=name, layer=layer)
        for name, layer in (("b", 1), ("c", 2), ("a", 1))
    ]
    early = event("2026-11-01T07:00", "2026-11-01T09:00", event_id="z", layer=9)

    found = shifts([*twice, early], 0, instant("2027-01-01T00:00Z"))

    assert [shift.event_id for shift in found] == ["z", "a", "b", "c"]


@settings(max_examples=150, deadline=None)
@given(st.data(), series(regular=False))
def test_turns_are_unaffected_by_exceptions_and_overrides(data: Any, of: OnCallEvent) -> None:
    window = first_of(of).start, first_of(of).start + 30 * DAY
    before = {shift.start: shift for shift in shifts([of], *window)}
    family, names, taken = [of], ids(), of.exceptions
    for _ in range(data.draw(st.integers(1, 4))):
        root = family[0]
        if data.draw(st.booleans()):
            there = happening(root, 0, 12)
            move = excepted(root, data.draw(st.sampled_from(there)).start) if there else None
        else:
            asked = data.draw(overrides(root))
            move = tried(root, family, asked, names) if asked else None
        if move is not None:
            family = move.applied(family)
            taken = family[0].exceptions

    found = {shift.start: shift for shift in shifts(family[:1], *window)}

    assert found == {start: shift for start, shift in before.items() if start not in taken}
    if of.rotation:
        people = [(shift.index, shift.attendees[0][0]) for shift in sorted(found.values(), key=lambda one: one.index)]
        assert all((b[1] - a[1]) % len(of.attendees) == (b[0] - a[0]) % len(of.attendees) for a, b in pairwise(people))
