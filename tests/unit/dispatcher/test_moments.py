"""Moments are a sorted list in disguise, and what is withdrawn does not stay for long.

Proved by breaking it: where `put` does not withdraw, an entry is taken twice; where `first_due` believes every place,
one is taken that was withdrawn; where `_clear_out` keeps both places of one that was put back, `len` grows.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dispatcher_service.core import moments as moments_module
from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.moments import OFF, Moments
from tests.fakes.clock import EPOCH
from tests.unit.dispatcher.rules import EVERY_MINUTE, timer

DUE = st.integers(0, 6)
WHO = st.integers(0, 30)


@dataclass(eq=False)
class One:
    """Something that can be due."""

    number: int
    armed: int = OFF


class SortedList(RuleBasedStateMachine):
    """Against a list that is sorted whenever somebody asks."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: Moments[One] = Moments()
        self.all = [One(number) for number in range(31)]
        self.due: dict[One, int] = {}

    @rule(who=WHO, due=DUE)
    def put(self, who: int, due: int) -> None:
        one = self.all[who]
        self.moments.put(one, due)
        self.due[one] = due

    @rule(due=DUE, some=st.sets(WHO, min_size=5))
    def put_many(self, due: int, some: set[int]) -> None:
        for who in some:
            self.put(who, due)

    @rule(who=WHO)
    def withdraw(self, who: int) -> None:
        self.moments.withdraw(self.all[who])
        self.due.pop(self.all[who], None)

    @rule(some=st.sets(WHO, min_size=5))
    def withdraw_many(self, some: set[int]) -> None:
        for who in some:
            self.withdraw(who)

    @rule(count=st.integers(1, 8))
    def take(self, count: int) -> None:
        for _ in range(count):
            first = self.moments.first_due()
            assert first == min(self.due.values(), default=None)
            if first is None:
                return
            one = self.moments.take_first()
            assert self.due.pop(one) == first
            assert one.armed == OFF

    @invariant()
    def knows_what_is_due(self) -> None:
        assert {one: one.armed for one in self.all if one.armed != OFF} == self.due
        assert len(self.due) <= len(self.moments)


TestSortedList = SortedList.TestCase
TestSortedList.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_who_came_first_is_first_and_keeps_its_place_when_told_the_same_again() -> None:
    moments: Moments[One] = Moments()
    ones = [One(number) for number in range(20)]
    for one in ones:
        moments.put(one, 5)
    moments.put(ones[0], 5)
    moments.put(One(99), 4)

    taken = [moments.take_first().number for _ in range(21) if moments.first_due() is not None]

    assert taken == [99, *range(20)]
    assert moments.first_due() is None
    assert len(moments) == 0


def test_while_a_moment_is_gone_through_an_earlier_one_comes_first_and_what_is_added_comes_last() -> None:
    moments: Moments[One] = Moments()
    for number in range(3):
        moments.put(One(number), 5)
    assert moments.first_due() == 5
    assert moments.take_first().number == 0

    moments.put(One(7), 4)
    moments.put(One(8), 5)

    taken = []
    while moments.first_due() is not None:
        taken.append(moments.take_first().number)
    assert taken == [7, 1, 2, 8]


def test_what_moves_for_ever_leaves_little_behind() -> None:
    moments: Moments[One] = Moments()
    ones = [One(number) for number in range(100)]

    for turn in range(1, 300):
        for one in ones:
            moments.put(one, 10**9 + (one.number + turn * 7) % 5_000)  # nobody ever comes to them
            moments.withdraw(one)
            moments.put(one, 10**9 + turn % 3)

    assert len(moments) <= 2 * len(ones) + 3
    assert len(moments._heap) <= 2 * len(moments._at) + moments_module._WASTE_MAX


def test_the_garbage_collector_knows_nothing_of_timers() -> None:
    agenda = Agenda()

    held = [agenda.hold(timer(f"t{number}", rule=EVERY_MINUTE.expression, anchor=EPOCH), 0) for number in range(3)]

    assert not any(map(gc.is_tracked, held))
    assert not any(gc.is_tracked(one.timer) for one in held)


def test_what_timers_have_alike_is_there_once() -> None:
    agenda = Agenda()
    facts = {"rule": "0 * * * * *", "zone": "Europe/Berlin", "url": "http://receiver.test/shared"}

    one, other = (
        agenda.hold(timer(name, **{key: "".join(value) for key, value in facts.items()}, end=EPOCH + 10**9), 0)
        for name in ("a", "b")
    )

    assert one.series is other.series
    assert all(getattr(one.timer, each) is getattr(other.timer, each) for each in (*facts, "end", "delivery"))
    agenda.arm(one)
    agenda.arm(other)
    assert one.armed is other.armed, "one moment, one number"
