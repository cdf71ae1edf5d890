"""Change, pause, resume, delete and trigger: a move of the domain, written and announced in one transaction.

The event's row is locked first and the shard's last; the shard's version is taken once everything else is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from api_service.store import events, ledger, outbox
from api_service.store.database import Connection
from api_service.store.ledger import ExecutionRow
from api_service.store.terms import terms_of
from api_service.usecases.means import Means
from api_service.usecases.skipping import skipped_in_pause
from shared.domain.errors import EventIsFinished, EventIsPaused, InvalidInput
from shared.domain.event import Changes, Event, Status, body_of, changed, is_over, paused, resumed, timer_of
from shared.domain.firing import Execution, PendingFiring, SkipReason
from shared.messages.catalogue import Gone, Triggered, Upserted, What
from shared.messages.codec import encode
from shared.timing.instants import Instant


async def change(means: Means, event_id: str, changes: Changes) -> Event:
    """The event with these changes. Raises EventNotFound, EventIsFinished, InvalidInput."""

    def move(event: Event, now: Instant) -> Event:
        after = changed(event, changes, now)
        _check_dates(after)
        return after if _differs(after, event) else event

    return await _moved(means, event_id, move)


async def pause(means: Means, event_id: str) -> Event:
    """The event, paused. Raises EventNotFound, EventIsFinished."""
    return await _moved(means, event_id, paused)


async def resume(means: Means, event_id: str) -> Event:
    """The event, running; what fell into its pause is written off. Raises EventNotFound, EventIsFinished."""
    return await _moved(means, event_id, resumed)


async def delete(means: Means, event_id: str) -> Event:
    """The event as it was before it went. Raises EventNotFound."""
    async with means.database.transaction() as c:
        event = await events.get(c, means.application_id, event_id, for_update=True)
        await events.delete(c, event, terms=_terms(event))
        await _announce(c, event.shard, Gone(event.event_id))
    means.wake_relay()
    return event


async def trigger(means: Means, event_id: str) -> ExecutionRow:
    """A firing outside the series, now. Raises EventNotFound, EventIsFinished, EventIsPaused."""
    async with means.database.transaction() as c:
        event = await events.get(c, means.application_id, event_id, for_update=True)
        if is_over(event, means.now):
            raise EventIsFinished
        if event.status is Status.PAUSED:
            raise EventIsPaused
        nominal = await ledger.add_pending(c, event_id, means.now)
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
    )


def _check_dates(event: Event) -> None:
    """Raise InvalidInput where the event would end before it starts."""
    if event.start_date is not None and event.start_date >= event.end_date:
        raise InvalidInput(["startDate should be before endDate"])


async def _moved(means: Means, event_id: str, move: Callable[[Event, Instant], Event]) -> Event:
    """The event after the move; a move that changes nothing writes nothing."""
    async with means.database.transaction() as c:
        before = await events.get(c, means.application_id, event_id, for_update=True)
        after = move(before, means.now)
        if after is before:
            return before
        await _write_off(c, before, after, means.now)
        after = replace(after, version=await outbox.next_version(c, after.shard))
        await events.update(c, after, old_terms=_terms(before), new_terms=_terms(after))
        await outbox.put(c, shard=after.shard, version=after.version, what=encode(Upserted(timer_of(after))))
    means.wake_relay()
    return after


async def _write_off(c: Connection, before: Event, after: Event, now: Instant) -> None:
    """Account for the occurrences that a pause has swallowed, where the move ends it or starts the series anew."""
    if before.status is not Status.PAUSED or after.anchor == before.anchor:
        return
    for stretch in skipped_in_pause(before, now):
        await ledger.add_skipped(
            c,
            before.event_id,
            first=stretch.first,
            last=stretch.last,
            count=stretch.count,
            reason=SkipReason.PAUSED,
            now=now,
        )


async def _announce(c: Connection, shard: int, what: What) -> None:
    await outbox.put(c, shard=shard, version=await outbox.next_version(c, shard), what=encode(what))


def _differs(after: Event, before: Event) -> bool:
    """Would anybody see a difference, other than the date of the change? To Python, 1, 1.0 and True are equal."""
    as_before = replace(after, updated_date=before.updated_date, context=before.context)
    return as_before != before or body_of(after.context) != body_of(before.context)


def _terms(event: Event) -> set[UUID]:
    return terms_of(event.event_owner, event.tags, event.context)
