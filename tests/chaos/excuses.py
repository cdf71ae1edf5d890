"""What may a fault excuse, and from when to when? Only what its mechanism allows, and never because it is long ago.

Two things are excused. **An unreported ring**: a request arrived, and its outcome was not told before somebody else
took the shard over; then it arrives again, from another owner. **A late word**: a change that was answered had not
reached the owner of the shard, and it rang on. In both, an owner that the broker cannot reach rings for its lease.

| fault | what arrived then may arrive again | a change may be unheard |
|---|---|---|
| dispatcher killed | until it died | |
| dispatcher frozen | until it froze, and in the moment in which it thaws | in the moment in which it thaws |
| broker restarted | until the broker is back: nobody can report | until it is back |
| cut off, or one direction | for a lease | for a lease, and in the moment in which what was held back flows |
| half open: the broker alone hung up | for a lease, by both owners in any order | for a lease |
| API frozen | until it thaws: it may be the one that records | until it thaws: it may be the one that relays |
| API killed | | |
| Postgres restarted | | until the relay tries again |

When a dispatcher comes back, shards move to it gracefully. What is then still under way after a second rings again: so
an attempt that takes longer may arrive twice until every shard is seen to ring and shares are fair.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.chaos.journal import Cause, Fault, Journal
from tests.servers.receiver import Arrival

LEASE_MS: Final = 4_000
SETTLE_MS: Final = 1_000  # so long a shard that is given up waits for what is under way
RELAY_TRIES_AGAIN_MS: Final = 2_000
# What is only as fast as the machine: to travel, to be reported, to be heard. Three processors' work is done by two.
TRAVEL_MS: Final = 1_000
REPORT_MS: Final = 1_000
HEARD_MS: Final = 3_000
BREAKER_MS: Final = 5_000
PATIENCE_MS: Final = 3_000  # the longest timeoutSeconds of the load
TAKEN_OVER_MS: Final = 5_000  # from the moment that everything is seen to be well until what was due has rung

_ANSWERS: Final = {"hang": PATIENCE_MS}


def answers_after(path: str) -> int:
    """How many milliseconds the receiver, or the sender's patience, takes for a request to this path."""
    kind, _, rest = path.lstrip("/").partition("/")
    return int(rest.partition("/")[0]) if kind == "slow" else _ANSWERS.get(kind, 0)


def repeated(journal: Journal, path: str, first: Arrival, again: Arrival) -> str:
    """The fault that explains that the same attempt arrived twice; empty where none does."""
    for fault in reversed(journal.faults):
        is_later_owner = again.epoch > first.epoch
        if fault.cause is Cause.HALF_OPEN and again.arrived <= fault.begun + LEASE_MS + TRAVEL_MS:
            is_later_owner = again.epoch != first.epoch
        in_time = again.arrived <= journal.recovered(fault) + TAKEN_OVER_MS
        if is_later_owner and in_time and is_unreported(journal, fault, path, first.arrived):
            return str(fault.cause)
    return ""


def unreported(journal: Journal, path: str, arrived: int) -> str:
    """The fault by which what arrived then may never have been told; empty where there is none."""
    return next((str(one.cause) for one in journal.faults if is_unreported(journal, one, path, arrived)), "")


def is_unreported(journal: Journal, fault: Fault, path: str, arrived: int) -> bool:
    """Can this fault have kept the outcome of what arrived then from being told in time?"""
    under_way = answers_after(path)
    spans = list(_unreported(fault))
    if under_way > SETTLE_MS and spans:
        spans.append((fault.begun, journal.recovered(fault)))
    return any(since - under_way - REPORT_MS <= arrived <= until + TRAVEL_MS for since, until in spans)


def _unreported(fault: Fault) -> Iterator[tuple[int, int]]:
    match fault.cause:
        case Cause.KILL_DISPATCHER:
            yield fault.begun, fault.begun
        case Cause.FREEZE_DISPATCHER:
            yield fault.begun, fault.begun
            yield fault.healed, fault.healed
        case Cause.CUT | Cause.ONE_WAY | Cause.HALF_OPEN:
            yield fault.begun, fault.begun + LEASE_MS
        case Cause.BROKER | Cause.FREEZE_API:
            yield fault.begun, fault.healed
        case Cause.KILL_API | Cause.POSTGRES:
            return


def is_unheard(journal: Journal, told: int, arrived: int) -> bool:
    """Can what was answered by the moment `told` have been unknown to whoever rang what arrived then?

    Only a fault that began before the word was surely heard can have held it up, and one after the other several.
    """
    heard = told + HEARD_MS
    for fault in sorted(journal.faults, key=lambda one: one.begun):
        spans = list(_unheard(fault))
        if spans and fault.begun <= heard and fault.healed >= told - HEARD_MS:
            heard = max(heard, *(until + HEARD_MS for _, until in spans))
            if any(since <= arrived < until + HEARD_MS for since, until in spans):
                return True
    return arrived < told + HEARD_MS


def _unheard(fault: Fault) -> Iterator[tuple[int, int]]:
    match fault.cause:
        case Cause.CUT | Cause.ONE_WAY:
            yield fault.begun, fault.begun + LEASE_MS
            yield fault.healed, fault.healed
        case Cause.HALF_OPEN:
            yield fault.begun, fault.begun + LEASE_MS
        case Cause.FREEZE_DISPATCHER:
            yield fault.healed, fault.healed
        case Cause.BROKER | Cause.FREEZE_API:
            yield fault.begun, fault.healed
        case Cause.POSTGRES:
            yield fault.begun, fault.healed + RELAY_TRIES_AGAIN_MS
        case Cause.KILL_API | Cause.KILL_DISPATCHER:
            return


def is_frozen_about(journal: Journal, moment: int, patience: int) -> bool:
    """Can a dispatcher have been frozen while it waited for the answer to what it sent then?

    When it thaws, all that it waited for has timed out at once, and its breaker leaves the host alone for a while.
    """
    return any(
        fault.cause is Cause.FREEZE_DISPATCHER
        and fault.begun - patience - TRAVEL_MS <= moment <= fault.healed + BREAKER_MS + TRAVEL_MS
        for fault in journal.faults
    )


def is_well(journal: Journal, since: int, until: int) -> bool:
    """Was nothing broken, and nothing still recovering, between these moments?"""
    return not any(
        fault.begun - REPORT_MS <= until and since <= journal.recovered(fault) + HEARD_MS for fault in journal.faults
    )
