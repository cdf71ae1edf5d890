"""Whatever an event's policies are, each nominal instant is rung once or skipped once, and the policies are kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher_service.core.agenda import Again, Agenda, Decision, Finish, Ring, Skip
from dispatcher_service.core.canary import Song
from dispatcher_service.core.held import Held, report
from dispatcher_service.core.misfire import MISFIRE_AFTER_MS
from shared.domain.delivery import CATCH_UP_MOST, Delivery, MisfirePolicy, OverlapPolicy
from shared.domain.firing import SkipReason
from shared.timing.instants import Instant
from tests.fakes.clock import EPOCH
from tests.unit.dispatcher.rules import EVERY_7, EVERY_HOUR, EVERY_MINUTE, EVERY_SECOND, Simple, timer

HOUR = 3_600_000
DELIVERIES = st.builds(
    Delivery,
    misfire_policy=st.sampled_from(MisfirePolicy),
    misfire_grace_ms=st.sampled_from([1_000, 30_000, 60_000, 600_000, 24 * HOUR]),
    overlap_policy=st.sampled_from(OverlapPolicy),
    spread_ms=st.sampled_from([0, 0, 1_000, 90_000]),
)
JUMPS = st.lists(
    st.one_of(st.integers(0, 3_000), st.integers(0, 61_000), st.integers(60_000, 4 * HOUR), st.just(25 * HOUR)),
    max_size=10,
)


def taken(agenda: Agenda, now: Instant) -> list[Decision]:
    found: list[Decision] = []
    while (decisions := agenda.take(now)) is not None:
        found += decisions
    return found


def instants(simple: Simple, skip: Skip) -> list[Instant]:
    inside = list(simple.between(skip.first - 1, skip.last + 1))
    assert (inside[0], inside[-1], len(inside)) == (skip.first, skip.last, skip.count)
    return inside


class Judge:
    """Looks at each batch of decisions as it is taken."""

    def __init__(self, simple: Simple, held: Held) -> None:
        self.simple = simple
        self.held = held
        self.rung: list[Instant] = []
        self.skipped: list[Instant] = []
        self.unfinished: set[Instant] = set()
        self.finished = 0

    def take(self, decisions: list[Decision], now: Instant) -> None:
        rung_now = 0
        for decision in decisions:
            match decision:
                case Ring(nominal=nominal):
                    self.ring(nominal, now)
                    rung_now += now - nominal - self.held.offset > MISFIRE_AFTER_MS
                case Skip():
                    self.skip(decision)
                case Finish():
                    self.finished += 1
                case Again() | Song():
                    raise AssertionError("nothing is attempted twice here")
        delivery = self.held.timer.delivery
        if delivery.misfire_policy is MisfirePolicy.LATEST:
            assert rung_now <= 1
        if delivery.misfire_policy is MisfirePolicy.ALL:
            assert rung_now <= CATCH_UP_MOST

    def ring(self, nominal: Instant, now: Instant) -> None:
        delivery, late = self.held.timer.delivery, now - nominal - self.held.offset
        assert now < self.held.timer.end
        assert 0 <= late <= delivery.misfire_grace_ms
        if delivery.misfire_policy is MisfirePolicy.SKIP:
            assert late <= MISFIRE_AFTER_MS
        if delivery.overlap_policy is OverlapPolicy.SKIP:
            assert not self.unfinished
        self.unfinished.add(nominal)
        self.rung.append(nominal)

    def skip(self, skip: Skip) -> None:
        if skip.reason is SkipReason.OVERLAPPED:
            assert self.held.timer.delivery.overlap_policy is OverlapPolicy.SKIP
            assert self.unfinished
        self.skipped += instants(self.simple, skip)


@settings(max_examples=120, deadline=None)
@given(
    simple=st.sampled_from([EVERY_SECOND, EVERY_7, EVERY_MINUTE, EVERY_HOUR]),
    delivery=DELIVERIES,
    life=st.integers(1, 40 * HOUR),
    jumps=JUMPS,
    data=st.data(),
)
def test_every_instant_is_accounted_for_once_and_the_policies_are_kept(
    simple: Simple, delivery: Delivery, life: int, jumps: list[int], data: st.DataObject
) -> None:
    start, end = EPOCH, EPOCH + life
    agenda = Agenda()
    held = agenda.hold(timer(rule=simple.expression, anchor=start, end=end, delivery=delivery), 0)
    agenda.arm(held)
    judge, now = Judge(simple, held), start

    for jump in [*jumps, end]:
        now += jump
        judge.take(taken(agenda, now), now)
        for nominal in sorted(judge.unfinished):
            if data.draw(st.booleans()):
                judge.unfinished.remove(nominal)
                report(held, nominal, finished=True)

    for nominal in judge.unfinished:
        report(held, nominal, finished=True)
    judge.take(taken(agenda, now + 1_000), now + 1_000)
    assert sorted([*judge.rung, *judge.skipped]) == list(simple.between(start, end))
    assert judge.finished == 1


@pytest.mark.parametrize(
    ("policy", "rung"),
    [(MisfirePolicy.LATEST, 1), (MisfirePolicy.SKIP, 60), (MisfirePolicy.ALL, CATCH_UP_MOST)],
)
def test_after_an_hour_away_a_timer_of_every_second(policy: MisfirePolicy, rung: int) -> None:
    agenda = Agenda()
    agenda.arm(agenda.hold(timer(delivery=Delivery(misfire_policy=policy)), 0))

    decisions = taken(agenda, EPOCH + HOUR)

    rings = [one.nominal for one in decisions if isinstance(one, Ring)]
    (skip,) = [one for one in decisions if isinstance(one, Skip)]
    # `skip` writes off what is later than a minute; what is due within the last minute is a little late, and rings.
    expected = rung + 1 if policy is MisfirePolicy.SKIP else rung
    assert rings == list(range(EPOCH + HOUR - (expected - 1) * 1_000, EPOCH + HOUR + 1, 1_000))
    assert (skip.reason, skip.count + len(rings)) == (SkipReason.MISFIRED, 3_600)


def test_a_grace_shorter_than_a_minute_is_kept() -> None:
    agenda = Agenda()
    facts: dict[str, Any] = {"misfire_policy": MisfirePolicy.ALL, "misfire_grace_ms": 5_000}
    agenda.arm(agenda.hold(timer(delivery=Delivery(**facts)), 0))

    decisions = taken(agenda, EPOCH + 20_000)

    assert [one.nominal for one in decisions if isinstance(one, Ring)] == list(
        range(EPOCH + 15_000, EPOCH + 20_001, 1_000)
    )
