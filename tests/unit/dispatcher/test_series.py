"""A rule that reaches its owner late begins where it begins: nothing of it is lost, and nothing rings twice.

Until it hears of a change an owner rings by the old rule, and past the moment at which the new one began.
"""

from __future__ import annotations

from typing import Any

from dispatcher_service.core import held as held_module
from dispatcher_service.core.agenda import Agenda, Finish, Ring, Skip
from dispatcher_service.core.firing import Firing, Verdict, given_up
from dispatcher_service.core.shard import Shard
from shared.domain.firing import SkipReason
from shared.timing.instants import Instant
from tests.fakes.clock import EPOCH
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import timer
from tests.unit.dispatcher.shards import give, live

SECOND = 1_000


def rung(agenda: Agenda, through: int) -> list[int]:
    """The seconds that ring, up to this one."""
    decisions = taken(agenda, EPOCH + through * SECOND)
    assert not [one for one in decisions if not isinstance(one, Ring)]
    return [seconds(one.nominal) for one in decisions if isinstance(one, Ring)]


def taken(agenda: Agenda, now: Instant) -> list[Any]:
    found: list[Any] = []
    while (decisions := agenda.take(now)) is not None:
        found += decisions
    return found


def seconds(instant: Instant) -> int:
    return (instant - EPOCH) // SECOND


def put(truth: Truth, shard: Shard, **facts: Any) -> None:
    """The timer is changed, and its owner hears of it now."""
    version = truth.put(timer("a", **facts))
    shard.change(version, truth.change(version))


def test_a_new_rule_that_is_heard_of_late_rings_from_where_it_began() -> None:
    truth = Truth()
    truth.put(timer("a", rule="*/2 * * * * *"))
    shard, agenda = live(truth)
    assert rung(agenda, 20) == list(range(2, 21, 2))

    put(truth, shard, rule="*/3 * * * * *", anchor=EPOCH + 9 * SECOND)

    assert rung(agenda, 24) == [15, 21, 24], "12 and 18 rang as the old rule's, and 9 is before it began"


def test_a_new_zone_is_a_new_rule() -> None:
    truth = Truth()
    truth.put(timer("a", rule="0 0 * * * *"))
    shard, agenda = live(truth)
    taken(agenda, EPOCH + 3_600 * SECOND)

    put(truth, shard, rule="0 0 * * * *", zone="Asia/Kolkata", anchor=EPOCH + 60 * SECOND)

    known = shard.timers["a"].timer
    assert (known.anchor, known.settled) == (EPOCH + 60 * SECOND, (EPOCH + 3_600 * SECOND,)), "half past is to come"


def test_the_same_rule_begun_anew_goes_on_where_it_had_come() -> None:
    """Paused and resumed, and the owner heard of neither in time."""
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)
    rung(agenda, 20)

    put(truth, shard, anchor=EPOCH + 9 * SECOND)

    assert rung(agenda, 22) == [21, 22]


def test_a_start_that_is_brought_forward_takes_nothing_for_rung() -> None:
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)
    assert rung(agenda, 3) == [1, 2, 3]
    put(truth, shard, anchor=EPOCH + 3_600 * SECOND)
    assert rung(agenda, 10) == []

    put(truth, shard, anchor=EPOCH + 10 * SECOND)

    assert rung(agenda, 12) == [11, 12]


def test_what_is_settled_out_of_order_stays_so_when_the_timer_changes() -> None:
    truth = Truth()
    truth.put(timer("a", settled=(EPOCH + 2 * SECOND,)))
    shard, agenda = live(truth)

    put(truth, shard, url="http://receiver.test/other")

    assert rung(agenda, 3) == [1, 3]


def test_of_a_rule_that_is_heard_of_very_late_only_the_latest_are_remembered() -> None:
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)
    many = held_module.TAKEN_MOST + 500
    for second in range(1, many + 1):
        taken(agenda, EPOCH + second * SECOND)

    put(truth, shard, rule="*/2 * * * * *", anchor=EPOCH)

    assert len(shard.timers["a"].timer.settled) == held_module.TAKEN_MOST
    skipped = taken(agenda, EPOCH + many * SECOND)
    assert [(type(one), seconds(one.first), seconds(one.last)) for one in skipped] == [(Skip, 2, 500)]


def test_a_rule_that_is_heard_of_after_the_end_skips_nothing_that_rang() -> None:
    truth = Truth()
    truth.put(timer("a", rule="*/2 * * * * *", end=EPOCH + 10 * SECOND))
    shard, agenda = live(truth)
    rung(agenda, 9)
    held = shard.timers["a"]
    held.unreported = None
    assert taken(agenda, EPOCH + 11 * SECOND) == [Finish(held=held)]
    shard.finish(held)

    put(truth, shard, rule="*/3 * * * * *", anchor=EPOCH + 4 * SECOND, end=EPOCH + 10 * SECOND)

    *skipped, finish = taken(agenda, EPOCH + 12 * SECOND)
    assert [(seconds(one.first), one.count, one.reason) for one in skipped] == [(9, 1, SkipReason.ENDED)], "6 rang"
    assert finish == Finish(held=shard.timers["a"])


def test_a_finished_timer_that_an_old_snapshot_brings_back_skips_nothing_that_rang() -> None:
    truth = Truth()
    truth.put(timer("a", end=EPOCH + 10 * SECOND))
    shard, agenda = live(truth)
    rung(agenda, 9)
    held = shard.timers["a"]
    held.unreported = None
    taken(agenda, EPOCH + 11 * SECOND)
    shard.finish(held)
    shard._gone.clear()  # as a horizon does

    give(shard, *truth.snapshot("i", "second", page_timers=3))

    assert taken(agenda, EPOCH + 12 * SECOND) == [Finish(held=shard.timers["a"])]


def test_who_gives_a_firing_up_says_of_which_version_it_speaks() -> None:
    truth = Truth()
    truth.put(timer("a"))
    shard, agenda = live(truth)
    firings = [
        Firing(shard=shard, held=one.held, nominal=one.nominal, manual=False) for one in taken(agenda, EPOCH + SECOND)
    ]
    put(truth, shard, url="http://receiver.test/other")

    told = [given_up(firing, Verdict.PAUSED) for firing in firings]

    assert [one.version for one in told] == [truth.version]
