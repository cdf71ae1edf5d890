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

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.shard import PageVerdict, Shard, Stage
from shared.messages.catalogue import Gone, SnapshotPage
from tests.fakes.clock import EPOCH
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import EVERY_MINUTE, timer
from tests.unit.dispatcher.shards import begun_again, give, held, ring

ROUNDS = 80
STEPS = 120


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
        for firing in begun_again(self.shard, self.agenda):
            timer_id = firing.held.timer.id
            self.by_hand[timer_id, firing.nominal] += 1
            self.truth.pending.pop((timer_id, firing.nominal), None)
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
