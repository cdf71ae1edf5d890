"""Attempt again what has failed or was skipped: the same firing under the same name, written and announced at once.

Locks are taken as the recorder takes them, the event, its state, its executions in their order, and the shard last.
A firing is replayed where a trigger would ring: whoever owns the shard could not attempt it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from api_service import limits
from api_service.schemas.executions_wanted import ReplayWanted
from api_service.store import ledger, outbox
from api_service.store.ledger import ATTEMPTS_MOST, ExecutionRow, Place
from api_service.usecases.changing import Versions, held_to_ring
from api_service.usecases.means import Means
from api_service.usecases.noting import note_replay
from shared.domain.errors import ExecutionIsDelivered, ExecutionIsStretch, ExecutionIsUnderWay, ExecutionIsWornOut
from shared.domain.firing import Execution, PendingFiring
from shared.messages.catalogue import Triggered
from shared.messages.codec import encode
from shared.timing.instants import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many matched, how many of them are attempted again, and how many are left."""

    matched: int
    replayed: int
    remaining: int


async def replay(means: Means, event_id: str, place: Place, *, expected: Versions = None) -> ExecutionRow:
    """The execution, PENDING. Raises what `held_to_ring` does, ExecutionNotFound, and what is said in errors of each.

    ExecutionIsDelivered, ExecutionIsUnderWay, ExecutionIsStretch, ExecutionIsWornOut: it cannot be replayed.
    """
    async with means.database.transaction() as c:
        event = await held_to_ring(c, means, event_id, expected)
        execution = await ledger.hold(c, event_id, place)
        _check(execution)
        await ledger.replay(c, event_id, place, now=means.now)
        await note_replay(c, means, event_id, [place])
        what = encode(_asked_again(event_id, place, execution.made, means.now))
        await outbox.put_all(c, shard=event.shard, whats=[what])
    means.wake_relay()
    return replace(execution, status=Execution.PENDING, reason="", due=means.now, recorded=means.now)


async def replay_failed(means: Means, event_id: str, wanted: ReplayWanted, *, expected: Versions = None) -> Replayed:
    """The oldest that failed in the range, attempted again; or only their number. Raises what `held_to_ring` does."""
    async with means.database.transaction() as c:
        event = await held_to_ring(c, means, event_id, expected)
        again: list[tuple[Place, int]] = []
        if not wanted.dry_run:
            again = await ledger.replay_failed(
                c, event_id, wanted.since, wanted.until, limit=limits.REPLAYS, now=means.now
            )
        remaining = await ledger.count_failed(c, event_id, wanted.since, wanted.until)
        if again:
            await note_replay(c, means, event_id, [place for place, _ in again])
            whats = [encode(_asked_again(event_id, place, made, means.now)) for place, made in again]
            await outbox.put_all(c, shard=event.shard, whats=whats)
    if again:
        means.wake_relay()
    return Replayed(matched=len(again) + remaining, replayed=len(again), remaining=remaining)


def _check(execution: ExecutionRow) -> None:
    """Raise what keeps it from being replayed."""
    match execution.status:
        case Execution.DELIVERED:
            raise ExecutionIsDelivered
        case Execution.PENDING | Execution.RETRYING:
            raise ExecutionIsUnderWay
        case Execution.SKIPPED if execution.count > 1:
            raise ExecutionIsStretch
    if execution.made > ATTEMPTS_MOST:
        raise ExecutionIsWornOut


def _asked_again(event_id: str, place: Place, made: int, now: Instant) -> Triggered:
    nominal, manual = place
    return Triggered(
        PendingFiring(timer_id=event_id, nominal=nominal, manual=manual, attempts=made, due=now, attempts_before=made)
    )
