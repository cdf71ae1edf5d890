"""The agenda is a sorted list in disguise, and every nominal instant leaves it exactly once."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from dispatcher_service.core.agenda import Again, Agenda, Finish, Ring, Skip
from dispatcher_service.core.canary import Song
from dispatcher_service.core.held import Held, begin, report
from dispatcher_service.core.misfire import MISFIRE_AFTER_MS
from shared.domain.delivery import DEFAULT
from shared.domain.firing import SkipReason
from shared.timing.instants import Instant
from tests.fakes.clock import EPOCH
from tests.unit.dispatcher.rules import DAILY, EVERY_7, EVERY_HOUR, EVERY_MINUTE, EVERY_SECOND, Simple, timer

MISFIRE_GRACE_MS = DEFAULT.misfire_grace_ms
SIMPLE = st.sampled_from([EVERY_SECOND, EVERY_7, EVERY_MINUTE])


class SortedList(RuleBasedStateMachine):
    """Against a model that sorts: who is due next, and when."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.agenda = Agenda()
        self.now = EPOCH
        self.armed: dict[Held, Instant] = {}
        self.simple: dict[str, Simple] = {}

    def due(self, held: Held) -> Instant:
        end = held.timer.end
        if held.timer.paused:
            return end
        return next(self.simple[held.timer.id].between(held.timer.anchor, end), end)

    def model_arm(self, held: Held) -> None:
        self.armed[held] = self.due(held)

    @rule(target=held, simple=SIMPLE, anchor=st.integers(0, 5_000), life=st.integers(1, 200_000), paused=st.booleans())
    def hold(self, simple: Simple, anchor: int, life: int, paused: bool) -> Held:
        name = f"t{len(self.simple)}"
        self.simple[name] = simple
        start = self.now - anchor
        return self.agenda.hold(
            timer(name, rule=simple.expression, anchor=start, end=self.now + life, paused=paused), 0
        )

    @rule(held=held)
    def arm(self, held: Held) -> None:
        self.agenda.arm(held)
        self.model_arm(held)

    @rule(held=held)
    def disarm(self, held: Held) -> None:
        self.agenda.disarm(held)
        self.armed.pop(held, None)

    @rule(milliseconds=st.integers(0, 90_000))
    def time_passes(self, milliseconds: int) -> None:
        self.now += milliseconds

    @rule()
    def take(self) -> None:
        decisions = self.agenda.take(self.now)

        due = min(self.armed.values(), default=None)
        if due is None or due > self.now:
            assert decisions is None
            return
        (first,) = [held for held, known in self.armed.items() if held.armed != known]
        assert self.armed.pop(first) == due
        if self.now >= first.timer.end and first.unreported:
            assert decisions == [], "it is not finished while nobody knows what it did"
            for nominal in list(first.unreported):
                report(first, nominal, finished=True)
            self.agenda.arm(first)
            self.model_arm(first)
            return
        assert decisions
        assert all(not isinstance(decision, Again | Song) and decision.held is first for decision in decisions)
        if self.now < first.timer.end:
            assert first.timer.anchor >= due
            self.model_arm(first)
        else:
            assert isinstance(decisions[-1], Finish)

    @precondition(lambda self: len(self.simple) > 0)
    @invariant()
    def knows_who_is_next(self) -> None:
        assert self.agenda.next_due() == min(self.armed.values(), default=None)


TestSortedList = SortedList.TestCase
TestSortedList.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@dataclass
class Account:
    """What became of the instants of one timer."""

    rung: list[Instant] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    finished: int = 0
    unsettled: set[Instant] = field(default_factory=set)

    def take(self, agenda: Agenda, now: Instant) -> None:
        while (decisions := agenda.take(now)) is not None:
            for decision in decisions:
                match decision:
                    case Ring():
                        assert now < decision.held.timer.end, "an attempt past the end"
                        assert now - decision.nominal <= MISFIRE_GRACE_MS
                        self.rung.append(decision.nominal)
                        self.unsettled.add(decision.nominal)
                    case Skip():
                        self.skips.append(decision)
                    case Finish():
                        self.finished += 1
                    case Again() | Song():
                        raise AssertionError("nothing is attempted twice here")

    def skipped(self, simple: Simple) -> list[Instant]:
        found = []
        for skip in self.skips:
            inside = list(simple.between(skip.first - 1, skip.last + 1))
            assert (inside[0], inside[-1], len(inside)) == (skip.first, skip.last, skip.count)
            found += inside
        return found


JUMPS = st.one_of(
    st.integers(0, 3_000),
    st.integers(0, 61_000),
    st.integers(60_000, 300_000),
    st.integers(3_600_000, 7_200_000),
    st.integers(MISFIRE_GRACE_MS - 2_000, MISFIRE_GRACE_MS + 100_000),
)


@settings(max_examples=100, deadline=None)
@given(
    simple=st.sampled_from([EVERY_SECOND, EVERY_7, EVERY_MINUTE, EVERY_HOUR, DAILY]),
    anchor=st.integers(-2_000, 2_000),
    life=st.integers(1, 400_000_000),
    jumps=st.lists(JUMPS, max_size=12),
    settled=st.sets(st.integers(0, 150), max_size=4),
    data=st.data(),
)
def test_every_instant_is_rung_once_or_skipped_once(
    simple: Simple, anchor: int, life: int, jumps: list[int], settled: set[int], data: st.DataObject
) -> None:
    life = life if simple not in {EVERY_SECOND, EVERY_7} else life % 200_000_000
    start, end = EPOCH + anchor, EPOCH + anchor + life
    expected = list(simple.between(start, end))
    already = tuple(expected[place] for place in sorted(settled) if place < len(expected))
    agenda, account = Agenda(), Account()
    held = agenda.hold(timer(rule=simple.expression, anchor=start, end=end, settled=already), 0)
    agenda.arm(held)

    now, through = start, start
    for jump in [*jumps, end - start]:
        now += jump
        account.take(agenda, now)
        for nominal in sorted(account.unsettled):
            if data.draw(st.booleans()):
                account.unsettled.remove(nominal)
                report(held, nominal, finished=True)
        assert all(held.settled_through < nominal for nominal in account.unsettled)
        assert held.settled_through >= through
        through = held.settled_through

    for nominal in account.unsettled:
        report(held, nominal, finished=True)
    account.take(agenda, now + 1_000)
    assert sorted([*account.rung, *account.skipped(simple), *already]) == expected
    assert account.finished == 1
    assert {skip.reason for skip in account.skips} <= {SkipReason.MISFIRED, SkipReason.ENDED}
    account.take(agenda, now + 10 * MISFIRE_GRACE_MS)
    assert account.finished == 1


@settings(max_examples=80, deadline=None)
@given(late=st.integers(0, 200_000), offset=st.integers(0, 999))
def test_a_minute_of_lateness_rings_everything_and_more_only_the_latest(late: int, offset: int) -> None:
    agenda, account = Agenda(), Account()
    start = EPOCH + offset
    agenda.arm(agenda.hold(timer(anchor=start), 0))
    first = next(EVERY_SECOND.between(start, start + 2_000))
    now = first + late

    account.take(agenda, now)

    due = list(EVERY_SECOND.between(start, now + 1))
    if late <= MISFIRE_AFTER_MS:
        assert (account.rung, account.skips) == (due, [])
    else:
        assert account.rung == due[-1:]
        assert account.skipped(EVERY_SECOND) == due[:-1]


def test_beyond_a_day_not_even_the_latest_rings() -> None:
    agenda, account = Agenda(), Account()
    agenda.arm(agenda.hold(timer(rule=DAILY.expression, anchor=EPOCH, end=EPOCH + 9 * MISFIRE_GRACE_MS), 0))
    nine = EPOCH + 9 * 3_600_000

    account.take(agenda, nine + MISFIRE_GRACE_MS - 1)
    assert account.rung == [nine]

    second = nine + MISFIRE_GRACE_MS
    agenda, account = Agenda(), Account()
    agenda.arm(agenda.hold(timer(rule="0 0 9 2 1 *", anchor=EPOCH, end=EPOCH + 9 * MISFIRE_GRACE_MS), 0))
    account.take(agenda, second + MISFIRE_GRACE_MS + 1)
    assert account.rung == []
    assert [(skip.first, skip.count, skip.reason) for skip in account.skips] == [(second, 1, SkipReason.MISFIRED)]


def test_the_end_excludes_its_own_instant() -> None:
    agenda, account = Agenda(), Account()
    held = agenda.hold(timer(anchor=EPOCH, end=EPOCH + 3_000), 0)
    agenda.arm(held)

    for second in range(1, 5):
        account.take(agenda, EPOCH + second * 1_000)
    assert account.finished == 0, "what it did is not reported yet"
    for nominal in account.rung:
        report(held, nominal, finished=True)
    account.take(agenda, EPOCH + 5_000)

    assert account.rung == [EPOCH + 1_000, EPOCH + 2_000]
    assert (account.finished, account.skips) == (1, [])


def test_a_paused_timer_rings_never_and_finishes_once() -> None:
    agenda, account = Agenda(), Account()
    agenda.arm(agenda.hold(timer(anchor=EPOCH, end=EPOCH + 10_500, paused=True), 0))

    for second in range(1, 12):
        account.take(agenda, EPOCH + second * 1_000)

    assert (account.rung, account.finished) == ([], 1)
    assert [(skip.count, skip.reason) for skip in account.skips] == [(10, SkipReason.PAUSED)]


def test_a_timer_finishes_although_nothing_was_ever_due() -> None:
    agenda, account = Agenda(), Account()
    agenda.arm(agenda.hold(timer(rule="0 0 0 1 1 *", anchor=EPOCH, end=EPOCH + 5_000), 0))

    account.take(agenda, EPOCH + 4_999)
    assert account.finished == 0
    account.take(agenda, EPOCH + 5_000)

    assert (account.rung, account.skips, account.finished) == ([], [], 1)


def test_what_is_under_way_is_not_handed_out_again_when_the_anchor_is_behind_it() -> None:
    """The shard was lost and won back: the snapshot does not know yet that the occurrence is being attempted."""
    agenda, account = Agenda(), Account()
    held = agenda.hold(timer(anchor=EPOCH), 0)
    begin(held, EPOCH + 1_000)
    agenda.arm(held)

    account.take(agenda, EPOCH + 2_000)

    assert account.rung == [EPOCH + 2_000]
    assert held.settled_through == EPOCH + 999


def test_timers_that_change_for_ever_do_not_fill_the_heap() -> None:
    agenda = Agenda()
    far = timer(rule="0 0 0 1 1 *", end=EPOCH + 10**12)
    held = [agenda.hold(far, 0) for _ in range(100)]

    for _ in range(200):
        for one in held:
            agenda.disarm(one)
            agenda.arm(one)

    assert agenda.entries <= 2 * len(held)
