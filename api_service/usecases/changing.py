"""Change, pause, resume, delete and trigger: a move of the domain, written and announced in one transaction.

The event's row is locked first and the shard's last; the shard's version is taken once everything else is held.
Versions that the caller expects are compared under the row's lock: of two who expect the same one, one comes too late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from api_service.store import events, ledger, notifications, outbox, stretches
from api_service.store.database import Connection
from api_service.store.ledger import ExecutionRow
from api_service.store.recording import Gone as GoneReceiver
from api_service.store.stretches import Stretch
from api_service.store.terms import terms_of_event
from api_service.usecases.announcing import announce
from api_service.usecases.means import Means
from api_service.usecases.noting import note, note_move, note_pause
from api_service.usecases.skipping import skipped_by_change, skipped_in_pause
from shared.domain.changelog import Action
from shared.domain.errors import (
    EventHasChanged,
    EventIsFinished,
    EventIsPaused,
    EventIsSubscription,
    EventNotFound,
    InvalidInput,
)
from shared.domain.event import (
    Changes,
    Event,
    PauseReason,
    Status,
    begins_anew,
    body_of,
    changed,
    is_over,
    paused,
    resumed,
)
from shared.domain.firing import Execution, PendingFiring, SkipReason
from shared.messages.catalogue import Gone, Triggered, What
from shared.messages.codec import encode
from shared.timing.instants import Instant

# The versions the event may have; None: whichever it has.
Versions: TypeAlias = frozenset[int] | None


async def change(means: Means, event_id: str, changes: Changes, *, expected: Versions = None) -> Event:
    """The event with these changes. Raises EventNotFound, EventHasChanged, EventIsFinished, InvalidInput.

    A subscription is changed with its schedule: EventIsSubscription.
    """

    def move(event: Event, now: Instant) -> Event:
        _check_kind(event)
        after = changed(event, changes, now)
        _check(after)
        return after if _differs(after, event) else event

    return await _moved(means, event_id, expected, Action.CHANGED, move)


async def pause(means: Means, event_id: str, *, expected: Versions = None) -> Event:
    """The event, paused. Raises EventNotFound, EventHasChanged, EventIsFinished."""
    return await _moved(means, event_id, expected, Action.PAUSED, paused)


async def resume(means: Means, event_id: str, *, expected: Versions = None) -> Event:
    """The event, running; what fell into its pause is written off.

    Raises EventNotFound, EventHasChanged, EventIsFinished.
    """
    return await _moved(means, event_id, expected, Action.RESUMED, resumed)


async def pause_gone(c: Connection, gone: GoneReceiver, now: Instant, *, notify: bool) -> None:
    """Pause the event whose receiver wants no more of it, unless it has changed since; in the caller's transaction."""
    try:
        before = await events.get(c, gone.application_id, gone.event_id, for_update=True)
        after = paused(before, now, PauseReason.GONE)
    except (EventNotFound, EventIsFinished):
        return
    if before.version != gone.version or after is before:
        return
    if notify:
        await notifications.note_paused(c, before.event_id, PauseReason.GONE, now)
    await note_pause(c, before, after)
    await write_change(c, before, after, now)


async def delete(means: Means, event_id: str, *, expected: Versions = None) -> Event:
    """The event as it was before it went. Raises EventNotFound, EventHasChanged, EventIsSubscription."""
    async with means.database.transaction() as c:
        event = await _held(c, means, event_id, expected)
        _check_kind(event)
        await remove(c, means, event)
    means.wake_relay()
    return event


async def remove(c: Connection, means: Means, event: Event) -> None:
    """The event, which is held, goes; in the caller's transaction."""
    await ledger.end_unfinished(c, event.event_id, SkipReason.DELETED, now=means.now)
    await note(c, means, Action.DELETED, event_id=event.event_id)
    version = await outbox.next_version(c, event.shard)  # before its number of events changes
    await events.delete(c, event, terms=terms_of_event(event))
    await outbox.put(c, shard=event.shard, version=version, what=encode(Gone(event.event_id)))


async def trigger(means: Means, event_id: str, *, expected: Versions = None) -> ExecutionRow:
    """A firing outside the series, now. Raises EventNotFound, EventHasChanged, EventIsFinished, EventIsPaused."""
    async with means.database.transaction() as c:
        event = await held_to_ring(c, means, event_id, expected)
        nominal = await ledger.add_pending(c, event_id, means.now)
        await note(c, means, Action.TRIGGERED, event_id=event_id)
        firing = PendingFiring(timer_id=event_id, nominal=nominal, manual=True, due=nominal)
        await _announce(c, event.shard, Triggered(firing))
    means.wake_relay()
    return ExecutionRow(
        event_id=event_id,
        nominal=nominal,
        manual=True,
        status=Execution.PENDING,
        reason="",
        last=nominal,
        count=1,
        recorded=means.now,
        due=nominal,
    )


async def held_to_ring(c: Connection, means: Means, event_id: str, expected: Versions) -> Event:
    """The event, kept as it is until the transaction ends: it may be rung by hand.

    Raises EventNotFound, EventHasChanged, EventIsFinished, EventIsPaused.
    """
    event = await _held(c, means, event_id, expected)
    if is_over(event, means.now):
        raise EventIsFinished
    if event.status is Status.PAUSED:
        raise EventIsPaused
    return event


def _check_kind(event: Event) -> None:
    if event.schedule_id is not None:
        raise EventIsSubscription(event.schedule_id, event.event_id)


def _check(event: Event) -> None:
    """Raise InvalidInput where what was changed does not go with what was not."""
    problems, retry = [], event.delivery.retry
    if event.start_date is not None and event.start_date >= event.end_date:
        problems.append("startDate should be before endDate")
    if retry.initial_interval_ms > retry.max_interval_ms:
        most = retry.max_interval_ms // 1000
        problems.append(f"retryPolicy.initialIntervalSeconds should be at most maxIntervalSeconds, which is {most}")
    if problems:
        raise InvalidInput(problems)


async def _held(c: Connection, means: Means, event_id: str, expected: Versions) -> Event:
    """The event, kept as it is until the transaction ends. Raises EventNotFound, EventHasChanged."""
    event = await events.get(c, means.application_id, event_id, for_update=True)
    if expected is not None and event.version not in expected:
        raise EventHasChanged
    return event


async def _moved(
    means: Means, event_id: str, expected: Versions, action: Action, move: Callable[[Event, Instant], Event]
) -> Event:
    """The event after the move; a move that changes nothing writes nothing."""
    async with means.database.transaction() as c:
        before = await _held(c, means, event_id, expected)
        after = move(before, means.now)
        if after is before:
            return before
        await note_move(c, means, action, before, after)
        after = await write_change(c, before, after, means.now)
    means.wake_relay()
    return after


async def write_change(c: Connection, before: Event, after: Event, now: Instant) -> Event:
    """The event, which is held, after its move, as it is written and announced; in the caller's transaction."""
    await _write_off(c, before, after, now)
    after = replace(after, version=await outbox.next_version(c, after.shard))
    await events.update(c, after, old_terms=terms_of_event(before), new_terms=terms_of_event(after))
    if begins_anew(after, before):
        await events.begin_series(c, after)
    await announce(c, after)
    return after


async def _write_off(c: Connection, before: Event, after: Event, now: Instant) -> None:
    """Account for what nobody attempts any more: of an event that was over, and where the series begins anew."""
    if is_over(before, now):  # its owner has let go of it, and says so too late to be heard
        await ledger.end_unfinished(c, before.event_id, SkipReason.ENDED, now=now)
    if before.status is Status.FINISHED or after.anchor == before.anchor:
        return
    through = min(now, after.anchor)
    if before.status is Status.PAUSED:
        skipped, reason = skipped_in_pause(before, through), SkipReason.PAUSED
    else:
        skipped, reason = skipped_by_change(before, now, through), SkipReason.CHANGED
    told = [
        Stretch(event_id=before.event_id, first=one.first, last=one.last, count=one.count, reason=reason)
        for one in skipped
    ]
    await stretches.put(c, told, now)


async def _announce(c: Connection, shard: int, what: What) -> None:
    await outbox.put(c, shard=shard, version=await outbox.next_version(c, shard), what=encode(what))


def _differs(after: Event, before: Event) -> bool:
    """Would anybody see a difference, other than the date of the change? To Python, 1, 1.0 and True are equal."""
    as_before = replace(after, updated_date=before.updated_date, context=before.context)
    return as_before != before or body_of(after.context) != body_of(before.context)
