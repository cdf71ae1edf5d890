"""A shard in a test's hands: fed with pages, made to ring, and looked into."""

from __future__ import annotations

from dispatcher_service.core.agenda import Again, Agenda
from dispatcher_service.core.held import Waiting
from dispatcher_service.core.shard import PageVerdict, Shard
from shared.messages.catalogue import SnapshotPage
from shared.timing.instants import Instant
from tests.fakes.clock import EPOCH
from tests.fakes.truth import Truth


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


def begun_again(shard: Shard, agenda: Agenda, now: Instant = EPOCH + 999) -> list[Waiting]:
    """The firings that wait for an attempt and whose turn has come."""
    shard.await_pending()
    found: list[Waiting] = []
    while (decisions := agenda.take(now)) is not None:
        found += [decision.waiting for decision in decisions if isinstance(decision, Again)]
    return found
