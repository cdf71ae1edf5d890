"""May it be attempted? Every reason not to, and in which order they count."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.firing import Firing, Heard, Verdict, attempted, given_up, verdict
from dispatcher_service.core.held import begin
from dispatcher_service.core.misfire import MISFIRE_AFTER_MS
from dispatcher_service.core.shard import Shard, Stage
from dispatcher_service.core.under_way import UnderWay
from shared.domain.delivery import CATCH_UP_MOST, DEFAULT, Delivery, MisfirePolicy
from shared.domain.firing import Attempted, AttemptError, Skipped, SkipReason
from shared.domain.timer import Timer
from tests.fakes.clock import EPOCH
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import timer

MISFIRE_GRACE_MS = DEFAULT.misfire_grace_ms
NOW = EPOCH + 1_010
END = EPOCH + 10_000


def firing(*, manual: bool = False, **facts: Any) -> Firing:
    """An occurrence of a second ago, taken from a live shard."""
    truth = Truth()
    truth.put(timer("a", end=END, **facts))
    shard = Shard(0, "i", Agenda())
    for page in truth.snapshot("i", "first", page_timers=5):
        list(shard.page(page))
    for _ in shard.go_live():
        pass
    held = shard.timers["a"]
    held.timer.anchor = EPOCH + 1_000
    begin(held, EPOCH + 1_000)
    return Firing(shard=shard, held=held, nominal=EPOCH + 1_000, manual=manual)


def delivered(one: Firing) -> Attempted:
    heard = Heard(started=NOW, duration_ms=5, status_code=200, error=AttemptError.NONE)
    return attempted(one, heard, version=1, now=NOW + 5, draw=0.5)


def timer_of(one: Firing) -> Timer:
    return one.held.timer


def asked(one: Firing, *, leased: bool = True, now: int = NOW, begun: bool = False) -> Verdict:
    return verdict(one, leased=leased, now=now, begun=begun)


def test_go() -> None:
    assert asked(firing()) is Verdict.GO


@pytest.mark.parametrize("begun", [True, False])
def test_nothing_of_a_lost_shard(begun: bool) -> None:
    one = firing()
    one.shard.leave(Stage.LOST)

    assert asked(one, begun=begun) is Verdict.DROP


def test_of_a_shard_that_is_given_up_only_what_has_begun() -> None:
    one = firing()
    one.shard.leave(Stage.LEAVING)

    assert asked(one, begun=True) is Verdict.GO
    assert asked(one, begun=False) is Verdict.DROP


def test_no_lease_no_ring() -> None:
    assert asked(firing(), leased=False) is Verdict.WAIT


def test_never_at_or_past_the_end() -> None:
    assert asked(firing(), now=END - 1) is Verdict.GO
    assert asked(firing(), now=END) is Verdict.ENDED


def test_never_while_paused() -> None:
    assert asked(firing(paused=True)) is Verdict.PAUSED


def test_not_when_the_timer_is_gone() -> None:
    one = firing()
    del one.shard.timers["a"]

    assert asked(one) is Verdict.DROP
    assert asked(one, now=END) is Verdict.ENDED


def test_what_waited_too_long_is_a_misfire_when_a_later_one_was_taken() -> None:
    one = firing()
    timer_of(one).end = EPOCH + 2 * MISFIRE_GRACE_MS
    late = one.nominal + MISFIRE_AFTER_MS + 1

    assert asked(one, now=late) is Verdict.GO, "it is the latest"
    timer_of(one).anchor = one.nominal + 1_000
    assert asked(one, now=late - 1) is Verdict.GO
    assert asked(one, now=late) is Verdict.MISFIRED


def test_of_all_that_waited_too_long_the_latest_hundred_ring() -> None:
    one = firing(delivery=Delivery(misfire_policy=MisfirePolicy.ALL))
    timer_of(one).end = EPOCH + 2 * MISFIRE_GRACE_MS
    late = one.nominal + MISFIRE_AFTER_MS + 1

    timer_of(one).anchor = one.nominal + (CATCH_UP_MOST - 1) * 1_000
    assert asked(one, now=late) is Verdict.GO
    timer_of(one).anchor = one.nominal + CATCH_UP_MOST * 1_000
    assert asked(one, now=late - 1) is Verdict.GO
    assert asked(one, now=late) is Verdict.MISFIRED


def test_what_waited_a_day_is_a_misfire() -> None:
    one, by_hand = firing(), firing(manual=True)
    for each in (one, by_hand):
        timer_of(each).end = EPOCH + 2 * MISFIRE_GRACE_MS

    assert asked(one, now=one.nominal + MISFIRE_GRACE_MS + 1) is Verdict.MISFIRED
    assert asked(by_hand, now=one.nominal + MISFIRE_GRACE_MS + 1) is Verdict.GO


def test_outcomes_settle_the_occurrence() -> None:
    one = firing()
    assert one.held.settled_through == EPOCH + 999

    outcome = delivered(one)

    assert (outcome.settled_through, one.held.unreported) == (EPOCH + 1_000, None)


def test_a_skip_settles_the_occurrence() -> None:
    outcome = given_up(firing(), Verdict.PAUSED)

    assert isinstance(outcome, Skipped)
    assert outcome.reason is SkipReason.PAUSED

    assert (outcome.first, outcome.last, outcome.count, outcome.settled_through) == (
        EPOCH + 1_000,
        EPOCH + 1_000,
        1,
        EPOCH + 1_000,
    )


def test_a_firing_by_hand_settles_nothing_of_the_series() -> None:
    outcome = delivered(firing(manual=True))

    assert outcome.settled_through == EPOCH + 999


def test_names_outlive_sessions() -> None:
    under_way, one, again = UnderWay(), firing(), firing()
    assert not under_way.stand_behind(again)
    under_way.begin(one)
    assert under_way.stand_behind(again)
    assert (len(under_way), under_way.of(one.shard), under_way.of(again.shard)) == (1, 1, 0)

    assert under_way.end(one) is again, "it was not attempted, so the other one takes its place"
    assert not under_way.stand_behind(again)

    under_way.begin(one)
    assert under_way.stand_behind(again)
    under_way.orphaned(one, None)
    assert under_way.end(one) is None
    assert under_way.was_orphaned(again)


def test_nobody_stands_behind_his_own_session() -> None:
    under_way, one = UnderWay(), firing()
    under_way.begin(one)

    assert under_way.stand_behind(one)
    assert under_way.end(one) is None
