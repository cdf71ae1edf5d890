"""What one message, page or answer does to a shard, one story each; `test_histories` mixes them."""

from __future__ import annotations

import random

import pytest

from dispatcher_service.core import shard as shard_module
from dispatcher_service.core.agenda import Agenda, Finish, Ring, Skip
from dispatcher_service.core.held import Waiting
from dispatcher_service.core.shard import PageVerdict, Shard, Stage
from shared.domain.delivery import Delivery, OverlapPolicy
from shared.domain.firing import PendingFiring, SkipReason
from tests.fakes.clock import EPOCH
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import timer
from tests.unit.dispatcher.shards import begun_again, give, held, live, ring


def test_a_stale_change_after_the_snapshot_resurrects_nothing() -> None:
    truth = Truth()
    created = truth.put(timer("a"))
    truth.delete("a")
    shard, _ = live(truth)

    shard.change(created, truth.change(created))

    assert held(shard) == {}


def test_an_old_snapshot_page_after_a_deletion_resurrects_nothing() -> None:
    """A live owner asks again; the timer is deleted while the pages are on their way."""
    truth = Truth()
    truth.put(timer("a"))
    shard, _ = live(truth)
    pages = list(truth.snapshot("i", "second", page_timers=1))
    gone = truth.delete("a")

    shard.change(gone, truth.change(gone))
    give(shard, *pages)

    assert held(shard) == {}


def test_what_is_forgotten_makes_older_snapshots_worthless() -> None:
    truth = Truth()
    names = [f"t{number}" for number in range(2 * shard_module.TOMBSTONES + 1)]
    for name in names:
        truth.put(timer(name))
    shard, _ = live(truth)
    old = list(truth.snapshot("i", "old", page_timers=1_000))
    for name in names:
        version = truth.delete(name)
        shard.change(version, truth.change(version))

    assert set(give(shard, *old)) == {PageVerdict.IGNORED}
    assert held(shard) == {}
    assert len(shard._gone) < len(names)


def test_changes_before_the_first_page_are_kept() -> None:
    truth = Truth()
    truth.put(timer("a"))
    agenda = Agenda()
    shard = Shard(0, "i", agenda)
    pages = list(truth.snapshot("i", "first", page_timers=1))
    later = truth.put(timer("b"))

    shard.change(later, truth.change(later))
    give(shard, *pages)

    assert held(shard) == {"a": 1, "b": 2}
    assert shard.through == 2
    assert agenda.next_due() is None, "nothing rings before the shard is live"


def test_changes_between_the_last_page_and_the_first_ring_leave_no_gap() -> None:
    """A takeover wait, say: the shard is known and does not ring yet."""
    truth = Truth()
    shard = Shard(0, "i", Agenda())
    give(shard, *truth.snapshot("i", "first", page_timers=1))
    version = truth.put(timer("a"))

    shard.change(version, truth.change(version))
    ring(shard)

    assert (shard.through, shard.has_gap) == (1, False)


def test_gaps_are_noticed_and_a_snapshot_closes_them() -> None:
    truth = Truth()
    shard, _ = live(truth)
    truth.put(timer("a"))
    second = truth.put(timer("b"))

    shard.change(second, truth.change(second))
    assert shard.has_gap

    give(shard, *truth.snapshot("i", "second", page_timers=5))
    assert not shard.has_gap
    assert held(shard) == {"a": 1, "b": 2}


def test_a_lost_last_message_shows_in_the_digest() -> None:
    truth = Truth()
    shard, _ = live(truth)
    truth.put(timer("a"))
    assert not shard.has_gap

    shard.differs(truth.digest())

    assert shard.has_gap


@pytest.mark.parametrize("seed", range(40))
def test_a_digest_differs_exactly_when_the_timers_do(seed: int) -> None:
    chance = random.Random(seed)
    truth = Truth()
    for name in "abcdef":
        truth.put(timer(name, end=EPOCH + chance.choice([10, 1_000])))
    shard, _ = live(truth)
    assert not shard.differs(truth.digest())
    assert not shard.differs(truth.digest(ends_after=EPOCH + 500))

    victim = chance.choice(list(shard.timers))
    if chance.random() < 0.5:
        del shard.timers[victim]
    else:
        shard.timers[victim].timer.version += 100

    assert shard.differs(truth.digest())


def test_two_answers_at_once_do_not_undo_each_other() -> None:
    """A request was repeated, and both replicas answer it, page by page."""
    truth = Truth()
    for name in "abc":
        truth.put(timer(name))
    shard = Shard(0, "i", Agenda())
    one, two = (list(truth.snapshot("i", answer, page_timers=1)) for answer in ("one", "two"))

    verdicts = [give(shard, page)[0] for pair in zip(one, two, strict=True) for page in pair]

    assert verdicts.count(PageVerdict.COMPLETE) == 1
    assert held(shard) == {"a": 1, "b": 2, "c": 3}


def test_an_overtaken_owner_asks_once_for_all_pages_of_the_other() -> None:
    truth = Truth()
    for name in "abcd":
        truth.put(timer(name))
    shard, _ = live(truth)

    verdicts = give(shard, *truth.snapshot("a dead owner", "late", page_timers=1))

    assert verdicts == [PageVerdict.OVERTAKEN, *[PageVerdict.IGNORED] * 3]
    assert shard.has_gap, "until the epoch is ours again"
    give(shard, *truth.snapshot("i", "again", page_timers=4))
    assert (shard.epoch, shard.has_gap) == (truth.epoch, False)


def test_pages_of_an_earlier_epoch_are_ignored() -> None:
    truth = Truth()
    truth.put(timer("a"))
    early = list(truth.snapshot("i", "early", page_timers=1))
    truth.snapshot("j", "other", page_timers=1).__next__()
    shard = Shard(0, "i", Agenda())
    give(shard, *truth.snapshot("i", "late", page_timers=1))

    assert give(shard, *early) == [PageVerdict.IGNORED]


def test_a_snapshot_sweeps_what_was_deleted_unheard() -> None:
    truth = Truth()
    truth.put(timer("a"))
    truth.put(timer("b"))
    shard, agenda = live(truth)
    truth.delete("a")

    give(shard, *truth.snapshot("i", "second", page_timers=5))

    assert held(shard) == {"b": 2}
    decisions = [agenda.take(EPOCH + 1_000), agenda.take(EPOCH + 1_000)]
    assert decisions[1] is None, "the deleted one is due no more"


def test_a_firing_by_hand_rings_once_however_often_it_is_told() -> None:
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)
    version = truth.trigger("a", EPOCH + 5)

    rung: list[Waiting] = []
    for _ in range(3):
        shard.change(version, truth.change(version))
        rung += begun_again(shard, agenda)
        give(shard, *truth.snapshot("i", f"answer-{version}", page_timers=5))
        rung += begun_again(shard, agenda)

    assert [(firing.held.timer.id, firing.nominal) for firing in rung] == [("a", EPOCH + 5)]


def test_a_firing_by_hand_that_overtakes_its_timer_waits_for_it() -> None:
    truth = Truth()
    shard, agenda = live(truth)
    created = truth.put(timer("a"))
    triggered = truth.trigger("a", EPOCH + 5)

    shard.change(triggered, truth.change(triggered))
    assert begun_again(shard, agenda) == []
    shard.change(created, truth.change(created))

    assert [firing.held.timer.id for firing in begun_again(shard, agenda)] == ["a"]


def test_a_finished_timer_does_not_come_back_with_a_late_snapshot_and_does_with_a_new_end() -> None:
    truth = Truth()
    truth.put(timer("a", end=EPOCH + 1_500))
    shard, agenda = live(truth)
    pages = list(truth.snapshot("i", "second", page_timers=5))
    decisions = agenda.take(EPOCH + 2_000)
    assert decisions is not None
    assert isinstance(decisions[-1], Finish)
    shard.finish(decisions[-1].held)

    give(shard, *pages)
    assert held(shard) == {}

    version = truth.put(timer("a", end=EPOCH + 9_000))
    shard.change(version, truth.change(version))
    assert held(shard) == {"a": version}


def test_a_change_does_not_hand_out_again_what_was_taken() -> None:
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)
    agenda.take(EPOCH + 1_000)
    version = truth.put(timer("a", url="http://elsewhere.test/"))

    shard.change(version, truth.change(version))

    assert agenda.next_due() == EPOCH + 2_000
    assert shard.timers["a"].settled_through == EPOCH + 999


def test_a_second_answer_before_the_first_ring_knows_what_else_is_settled() -> None:
    """The first may have come before the last reports of an owner that died."""
    truth = Truth()
    truth.put(timer("a"))
    agenda = Agenda()
    shard = Shard(0, "i", agenda)
    give(shard, *truth.snapshot("i", "first", page_timers=5))
    truth.timers["a"].anchor = EPOCH + 3_000
    truth.timers["a"].settled = (EPOCH + 5_000,)
    give(shard, *truth.snapshot("i", "second", page_timers=5))
    ring(shard)

    rung = [
        decision.nominal
        for _ in range(3)
        for decision in agenda.take(EPOCH + 6_000) or []
        if isinstance(decision, Ring)
    ]

    assert rung == [EPOCH + 4_000, EPOCH + 6_000]

    truth.timers["a"].anchor = EPOCH + 8_000
    give(shard, *truth.snapshot("i", "third", page_timers=5))
    assert agenda.next_due() == EPOCH + 9_000, "a live shard learns it too"


def test_an_old_answer_that_comes_late_moves_nothing_back() -> None:
    truth = Truth()
    truth.put(timer("a"))
    old = list(truth.snapshot("i", "old", page_timers=5))
    shard, agenda = live(truth)
    agenda.take(EPOCH + 1_000)

    give(shard, *old)

    assert shard.timers["a"].timer.anchor == EPOCH + 1_000
    assert agenda.next_due() == EPOCH + 2_000


def test_a_rule_that_cannot_be_read_stops_the_timer_and_is_not_a_difference() -> None:
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)
    version = truth.put(timer("a", rule="of a later release"))

    shard.change(version, truth.change(version))

    assert list(shard.unintelligible) == ["a"]
    assert agenda.next_due() is None, "ringing the old rule would be wrong"
    assert not shard.differs(truth.digest())
    version = truth.put(timer("a"))
    shard.change(version, truth.change(version))
    assert (held(shard), shard.unintelligible) == ({"a": version}, {})


def test_a_lost_shard_rings_nothing_even_when_messages_still_come() -> None:
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)

    shard.leave(Stage.LOST)
    version = truth.put(timer("b"))
    shard.change(version, truth.change(version))
    give(shard, *truth.snapshot("i", "late", page_timers=5))
    ring(shard)

    assert agenda.next_due() is None


def test_a_shard_lost_while_it_goes_live_rings_nothing() -> None:
    truth = Truth()
    for number in range(3 * shard_module.SLICE):
        truth.put(timer(f"t{number}"))
    agenda = Agenda()
    shard = Shard(0, "i", agenda)
    give(shard, *truth.snapshot("i", "first", page_timers=1_000))

    slices = shard.go_live()
    next(slices)
    shard.leave(Stage.LOST)
    for _ in slices:
        pass

    assert agenda.next_due() is None


def test_what_is_deleted_or_changed_while_it_goes_live_does_not_ring_as_it_was() -> None:
    """Timers that have not had their turn. Shown to fail where those found at the beginning are armed."""
    truth = Truth()
    for number in range(3 * shard_module.SLICE):
        truth.put(timer(f"t{number}", anchor=EPOCH + 60_000))
    truth.put(timer("the deleted"))
    truth.put(timer("the changed"))
    agenda = Agenda()
    shard = Shard(0, "i", agenda)
    give(shard, *truth.snapshot("i", "first", page_timers=1_000))

    slices = shard.go_live()
    next(slices)
    gone, changed = truth.delete("the deleted"), truth.put(timer("the changed", anchor=EPOCH + 30_000))
    shard.change(gone, truth.change(gone))
    shard.change(changed, truth.change(changed))
    for _ in slices:
        pass

    assert agenda.next_due() == EPOCH + 31_000


def test_while_it_goes_live_what_is_unfinished_is_known_before_anything_rings() -> None:
    """A shard of more timers than a slice rings in between; an earlier firing must overlap with none of it."""
    truth = Truth()
    truth.put(timer("a", delivery=Delivery(overlap_policy=OverlapPolicy.SKIP)))
    for number in range(2 * shard_module.SLICE):
        truth.put(timer(f"b{number}", anchor=EPOCH + 60_000))
    truth.pending["a", EPOCH] = PendingFiring(timer_id="a", nominal=EPOCH, manual=False, attempts=1, due=EPOCH + 30_000)
    agenda = Agenda()
    shard = Shard(truth.shard, "i", agenda)
    give(shard, *truth.snapshot("i", "first", page_timers=3))

    next(shard.go_live())

    (decision,) = agenda.take(EPOCH + 1_000) or []
    assert isinstance(decision, Skip)
    assert decision.reason is SkipReason.OVERLAPPED
