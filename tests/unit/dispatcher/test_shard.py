"""Messages may be lost, repeated and reordered, owners change, answers come late: a shard ends up as the database is.

Proved by breaking it. Without the first two lines of `Shard.change` (a change at or below the horizon is old news)
`test_histories` finds a deleted timer that rings again; so it does when `_assembly_of` accepts a snapshot from before
`_remembered`, and when `_bury` remembers nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from dispatcher_service.core import shard as shard_module
from dispatcher_service.core.agenda import Agenda, Finish, Ring
from dispatcher_service.core.shard import PageVerdict, Shard, Stage
from shared.domain.firing import PendingFiring
from shared.messages.catalogue import Gone, SnapshotPage
from tests.fakes.clock import EPOCH
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import EVERY_MINUTE, timer

ROUNDS = 80
STEPS = 120


def live(truth: Truth, incarnation: str = "i") -> tuple[Shard, Agenda]:
    """A shard that has its first snapshot and rings."""
    agenda = Agenda()
    shard = Shard(truth.shard, incarnation, agenda)
    give(shard, *truth.snapshot(incarnation, "first", page_timers=3))
    ring(shard)
    return shard, agenda


def give(shard: Shard, *pages: SnapshotPage) -> list[PageVerdict]:
    return [list(shard.page(page))[-1] for page in pages]


def ring(shard: Shard) -> None:
    for _ in shard.go_live():
        pass


def held(shard: Shard) -> dict[str, int]:
    return {timer_id: one.timer.version for timer_id, one in shard.timers.items()}


class History:
    """One shard's life: a database, two relays that lose, repeat and reorder, owners that come and go."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.truth = Truth()
        self.agenda = Agenda()
        self.names = count()
        self.answers = count()
        self.by_hand: Counter[tuple[str, int]] = Counter()
        self.sent: list[int] = []  # versions that a relay may send again at any time
        self.changes: list[int] = []  # on their way
        self.answering: list[list[SnapshotPage]] = []  # each in order, several at once
        self.shard = self.new_owner()

    def new_owner(self) -> Shard:
        if self.truth.version or self.truth.incarnation:
            self.shard.leave(Stage.LOST)
        self.changes.clear()  # the inbox is gone; answers to the one before may still come
        self.shard = Shard(0, f"owner-{next(self.names)}", self.agenda)
        self.ask()
        return self.shard

    def ask(self, incarnation: str | None = None) -> None:
        pages = self.truth.snapshot(
            incarnation or self.shard.incarnation,
            f"answer-{next(self.answers)}",
            page_timers=self.random.choice([1, 2, 5]),
        )
        self.answering.append(list(pages))

    def step(self) -> None:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (6, self.write),
            (8, self.deliver),
            (3, self.repeat),
            (6, self.page),
            (1, self.owner_changes),
            (1, self.ask),
            (1, lambda: self.ask("a dead owner's late request")),
        ]
        weights = [weight for weight, _ in deeds]
        self.random.choices([deed for _, deed in deeds], weights)[0]()
        self.look()

    def write(self) -> None:
        known = list(self.truth.timers)
        kind = self.random.random()
        if not known or kind < 0.35:
            name = self.random.choice("abcdefghijkl") + str(self.random.randrange(3))
            version = self.truth.put(timer(name, rule=EVERY_MINUTE.expression, paused=self.random.random() < 0.2))
        elif kind < 0.75:
            version = self.truth.delete(self.random.choice(known))
        elif kind < 0.85:
            version = self.truth.trigger(self.random.choice(known), EPOCH + self.truth.version)
        else:
            name = self.random.choice(known)
            version = self.truth.put(
                timer(name, rule=EVERY_MINUTE.expression, url=f"http://x.test/{self.truth.version}")
            )
        self.sent.append(version)
        if self.random.random() < 0.9:
            self.changes.append(version)

    def deliver(self) -> None:
        if self.changes:
            place = self.random.randrange(min(len(self.changes), 4))
            version = self.changes.pop(place)
            self.shard.change(version, self.truth.change(version))

    def repeat(self) -> None:
        """A relay that died between publishing and forgetting, or that is slower than its twin."""
        if self.sent:
            self.changes.append(self.random.choice(self.sent[-40:]))

    def page(self) -> None:
        if not self.answering:
            return
        pages = self.random.choice(self.answering)
        page = pages.pop(0)
        if not pages:
            self.answering.remove(pages)
        # Were a page for somebody else lost, only the next comparison of epochs could tell; nothing depends on it here.
        if page.incarnation == self.shard.incarnation and self.random.random() < 0.04:
            return
        self.show(page)

    def show(self, page: SnapshotPage) -> None:
        verdict = give(self.shard, page)[-1]
        if verdict is PageVerdict.OVERTAKEN:
            self.ask()
        elif verdict is PageVerdict.COMPLETE:
            ring(self.shard)

    def owner_changes(self) -> None:
        self.new_owner()

    def look(self) -> None:
        """Whatever has arrived so far: nothing that was gone as of `through` is held, nothing is older than then."""
        for firing in self.shard.take_triggered():
            self.by_hand[firing.timer_id, firing.nominal] += 1
            self.truth.pending.pop((firing.timer_id, firing.nominal), None)
        if self.shard.stage is not Stage.LIVE:
            return
        then, now = self.truth.at(self.shard.through), held(self.shard)
        newer = {name for name, version in now.items() if version > self.shard.through}
        gone_since = {what.timer_id for what in self.truth.history[self.shard.through :] if isinstance(what, Gone)}
        assert {name: now[name] for name in now.keys() - newer - gone_since} == {
            name: then[name] for name in then.keys() - newer - gone_since
        }
        assert all(now[name] == then[name] for name in (now.keys() - newer) & gone_since)

    def settle_down(self) -> None:
        """No more writes: comparisons and cures until nothing is missing."""
        for _ in range(20):
            while self.answering or self.changes:
                if self.changes:
                    self.deliver()
                if self.answering:
                    pages = self.answering[0]
                    self.show(pages.pop(0))
                    self.answering = [pages for pages in self.answering if pages]
                self.look()
            differs = self.shard.differs(self.truth.digest())
            if self.shard.stage is Stage.LIVE and not self.shard.has_gap and not differs:
                return
            self.ask()
        raise AssertionError("it never settles")


@pytest.mark.parametrize("batch", range(10))
def test_histories(batch: int) -> None:
    for seed in range(batch * ROUNDS, (batch + 1) * ROUNDS):
        history = History(seed)
        try:
            for _ in range(STEPS):
                history.step()
            history.settle_down()
            assert held(history.shard) == history.truth.at(history.truth.version)
            assert history.shard.epoch == history.truth.epoch
            assert set(history.by_hand.values()) <= {1}
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


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
    shard, _ = live(truth)
    version = truth.trigger("a", EPOCH + 5)

    rung: list[PendingFiring] = []
    for _ in range(3):
        shard.change(version, truth.change(version))
        rung += shard.take_triggered()
        give(shard, *truth.snapshot("i", f"answer-{version}", page_timers=5))
        rung += shard.take_triggered()

    assert [(firing.timer_id, firing.nominal) for firing in rung] == [("a", EPOCH + 5)]


def test_a_firing_by_hand_that_overtakes_its_timer_waits_for_it() -> None:
    truth = Truth()
    shard, _ = live(truth)
    created = truth.put(timer("a"))
    triggered = truth.trigger("a", EPOCH + 5)

    shard.change(triggered, truth.change(triggered))
    assert shard.take_triggered() == []
    shard.change(created, truth.change(created))

    assert [firing.timer_id for firing in shard.take_triggered()] == ["a"]


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
