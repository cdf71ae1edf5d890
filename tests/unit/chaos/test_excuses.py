"""Each fault excuses what its mechanism allows, for as long as that lasts, and nothing more."""

from __future__ import annotations

import pytest

from tests.chaos.excuses import HEARD_MS, LEASE_MS, RELAY_TRIES_AGAIN_MS, REPORT_MS, TAKEN_OVER_MS, TRAVEL_MS
from tests.chaos.journal import Cause, Fault, Move
from tests.servers.receiver import Arrival
from tests.unit.chaos.scene import RINGS, T, arrival, entry, fault, found, turn, verdict

BEGUN, HEALED, WHOLE = 20_000, 40_000, 50_000
LAST = RINGS[-1]
TAKEOVERS = [
    Cause.KILL_DISPATCHER,
    Cause.FREEZE_DISPATCHER,
    Cause.FREEZE_API,
    Cause.BROKER,
    Cause.CUT,
    Cause.ONE_WAY,
    Cause.HALF_OPEN,
]
BLAMELESS = [Cause.KILL_API, Cause.POSTGRES]


def twice(first: int, again: int, *, epoch: int = 2) -> list[Arrival]:
    """The last instant arrives at these two moments, counted from T."""
    return [
        *map(arrival, RINGS[:-1]),
        arrival(LAST, arrived=T + first),
        arrival(LAST, arrived=T + again, epoch=epoch),
    ]


def repeated(
    *faults: Fault, first: int, again: int, epoch: int = 2, whole: int = WHOLE, path: str = "/ok"
) -> list[str]:
    """Is the repetition condemned? The end is not the matter here."""
    judged = verdict(arrivals=twice(first, again, epoch=epoch), faults=faults, whole=(whole,), path=path)
    return found("for no reason", judged)


@pytest.mark.parametrize("cause", TAKEOVERS)
def test_a_ring_that_was_not_told_of_before_a_takeover_comes_again(cause: Cause) -> None:
    broken = fault(cause, BEGUN, HEALED)

    assert not repeated(broken, first=BEGUN - REPORT_MS, again=HEALED)
    assert not repeated(broken, first=BEGUN + TRAVEL_MS, again=WHOLE + TAKEN_OVER_MS)
    assert repeated(broken, first=BEGUN - REPORT_MS - 1, again=HEALED), "it could have been told"
    assert repeated(broken, first=BEGUN, again=WHOLE + TAKEN_OVER_MS + 1), "all was well long ago"
    assert repeated(broken, first=BEGUN, again=HEALED, epoch=1), "no owner rings twice"
    assert repeated(broken, first=BEGUN, again=HEALED, epoch=0), "nor one that has lost the shard"


@pytest.mark.parametrize("cause", BLAMELESS)
def test_what_moves_no_shard_excuses_no_repetition(cause: Cause) -> None:
    assert repeated(fault(cause, BEGUN, HEALED), first=BEGUN, again=BEGUN + 500)


@pytest.mark.parametrize("cause", [Cause.CUT, Cause.ONE_WAY, Cause.HALF_OPEN])
def test_an_owner_that_is_cut_off_rings_for_a_lease(cause: Cause) -> None:
    broken = fault(cause, BEGUN, HEALED)

    assert not repeated(broken, first=BEGUN + LEASE_MS + TRAVEL_MS, again=HEALED)
    assert repeated(broken, first=BEGUN + LEASE_MS + TRAVEL_MS + 1, again=HEALED)


def test_only_where_the_broker_alone_hung_up_may_the_old_owner_be_the_second() -> None:
    again = BEGUN + LEASE_MS + TRAVEL_MS

    assert not repeated(fault(Cause.HALF_OPEN, BEGUN, HEALED), first=BEGUN, again=again, epoch=0)
    assert repeated(fault(Cause.HALF_OPEN, BEGUN, HEALED), first=BEGUN, again=again + 1, epoch=0)
    assert repeated(fault(Cause.CUT, BEGUN, HEALED), first=BEGUN, again=again, epoch=0)


def test_an_attempt_that_takes_long_may_be_left_to_the_next_owner_while_shards_come_back() -> None:
    broken = fault(Cause.KILL_DISPATCHER, BEGUN, HEALED)

    assert not repeated(broken, first=WHOLE, again=WHOLE + 500, path="/slow/1500")
    assert repeated(broken, first=WHOLE, again=WHOLE + 500, path="/slow/300")
    assert repeated(broken, first=WHOLE + TRAVEL_MS + 1, again=WHOLE + 1_500, path="/slow/1500")


def late(*faults: Fault, paused: int, arrived: int) -> list[str]:
    """Is an arrival at this moment condemned, the event having been paused at that one?"""
    stopped = turn(Move.PAUSE, paused / 1_000)
    judged = verdict(
        stopped, arrivals=[*map(arrival, RINGS), arrival(LAST, attempt=2, arrived=T + arrived)], faults=faults
    )
    return found("after pause", judged)


@pytest.mark.parametrize(
    ("cause", "spans"),
    [
        (Cause.CUT, [(BEGUN, BEGUN + LEASE_MS), (HEALED, HEALED)]),
        (Cause.ONE_WAY, [(BEGUN, BEGUN + LEASE_MS), (HEALED, HEALED)]),
        (Cause.HALF_OPEN, [(BEGUN, BEGUN + LEASE_MS)]),
        (Cause.FREEZE_DISPATCHER, [(HEALED, HEALED)]),
        (Cause.FREEZE_API, [(BEGUN, HEALED)]),
        (Cause.BROKER, [(BEGUN, HEALED)]),
        (Cause.POSTGRES, [(BEGUN, HEALED + RELAY_TRIES_AGAIN_MS)]),
        (Cause.KILL_API, []),
        (Cause.KILL_DISPATCHER, []),
    ],
)
def test_a_word_is_late_only_while_the_fault_holds_it_up(cause: Cause, spans: list[tuple[int, int]]) -> None:
    broken = fault(cause, BEGUN, HEALED)
    paused = BEGUN - HEARD_MS + 1_000
    moments = range(paused + 2 * HEARD_MS, HEALED + 3 * HEARD_MS, 500)

    for moment in moments:
        is_excused = any(since <= moment < until + HEARD_MS for since, until in spans)
        assert bool(late(broken, paused=paused, arrived=moment)) is not is_excused, moment


def test_a_fault_that_came_after_the_word_was_heard_excuses_nothing() -> None:
    broken = fault(Cause.BROKER, BEGUN, HEALED)

    assert late(broken, paused=BEGUN - HEARD_MS - 100, arrived=BEGUN + 100)
    assert late(broken, paused=HEALED + HEARD_MS + 1, arrived=HEALED + 3 * HEARD_MS)


def test_one_fault_after_the_other_may_hold_the_word_up() -> None:
    first = fault(Cause.BROKER, BEGUN, BEGUN + 5_000)
    second = fault(Cause.CUT, BEGUN + 6_000, HEALED)

    assert not late(first, second, paused=BEGUN, arrived=HEALED + 100)
    assert late(first, second, paused=BEGUN, arrived=HEALED - 100)
    assert late(second, paused=BEGUN + 1_000, arrived=HEALED + 100)


def test_only_a_dispatcher_that_froze_makes_a_receiver_that_is_well_fail() -> None:
    failed = [entry(RINGS[0], "FAILED", reason="exhausted"), *map(entry, RINGS[1:])]
    frozen = fault(Cause.FREEZE_DISPATCHER, 1_000, 5_000)

    assert not found("the receiver is well", verdict(entries=failed, faults=(frozen,)))
    assert found("the receiver is well", verdict(entries=failed, faults=(fault(Cause.CUT, 1_000, 5_000),)))
