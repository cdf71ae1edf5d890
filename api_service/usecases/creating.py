"""Create an event; with an Idempotency-Key once, however often and however simultaneously that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from api_service.schemas.events import NewEvent
from api_service.store import events, idempotency, outbox, quotas
from api_service.store.database import Connection
from api_service.store.idempotency import Remembered
from api_service.store.oncall import schedules
from api_service.store.terms import terms_of_event
from api_service.usecases.announcing import announce
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from shared.domain.changelog import Action
from shared.domain.errors import InvalidInput, KeyReused, QuotaExceeded, ScheduleNotFound, Unavailable
from shared.domain.event import Event, Status
from shared.domain.ids import shard_of, ulid
from shared.domain.owner import schedule_of

_ULID_ENTROPY = 10
_TWINS_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A promise to do something once: the client's key for it, and a hash of what was asked."""

    key: str
    request_hash: bytes


async def earlier_answer(means: Means, once: Once) -> str | None:
    """What was answered to this very request before, if it was made. Raises KeyReused.

    It comes before the request is judged: what was right then may be wrong now, and the answer still stands.
    """
    async with means.database.connection() as c:
        earlier = await idempotency.find(c, means.application_id, once.key)
    return None if earlier is None else repeated(earlier, once)


async def create(means: Means, wanted: NewEvent, *, once: Once | None, answer: Callable[[Event], str]) -> str:
    """The answer to whoever wants this event: it is created, unless `once` was kept before.

    `answer` puts an event into words; under one key the words never change. Raises KeyReused,
    QuotaExceeded.
    """
    event = _begun(means, wanted)

    if once is None:
        async with means.database.transaction() as c:
            _check_room(await quotas.hold(c, means.application_id, means.quota_events))
            said = answer(await write_new(c, means, event))
    else:
        said = await _create_once(means, event, once, answer)
    means.wake_relay()
    return said


async def _create_once(means: Means, event: Event, once: Once, answer: Callable[[Event], str]) -> str:
    for _ in range(_TWINS_MOST):
        try:
            async with means.database.transaction() as c:
                has_room = await quotas.hold(c, means.application_id, means.quota_events)
                earlier = await idempotency.find(c, means.application_id, once.key)
                if earlier is not None:  # be it that it took the last place itself
                    return repeated(earlier, once)
                _check_room(has_room)
                said = answer(await write_new(c, means, event))
                await _remember(c, means, event, once, said)
                return said
        except _TwinWasFasterError:  # and has committed: the next round finds its answer
            continue
    raise Unavailable


def _check_room(has_room: bool) -> None:
    if not has_room:
        raise QuotaExceeded


async def _check_owner(c: Connection, event: Event) -> None:
    """Raise InvalidInput where the event is to belong to a schedule that is none of the application's."""
    if (name := schedule_of(event.event_owner)) is None:
        return
    try:
        await schedules.get(c, event.application_id, name)
    except ScheduleNotFound:
        raise InvalidInput([f"eventOwner {name} is no schedule; GET /api/v4/schedules lists what there are"]) from None


class _TwinWasFasterError(Exception):
    """A simultaneous request with the same key has created its event; ours must not be."""


async def _remember(c: Connection, means: Means, event: Event, once: Once, said: str) -> None:
    """Waits for a twin that is not yet committed, and leaves the transaction where there was one."""
    kept = Remembered(request_hash=once.request_hash, event_id=event.event_id, answer=said)
    if not await idempotency.remember(c, means.application_id, once.key, kept, now=means.now):
        raise _TwinWasFasterError


def repeated(earlier: Remembered, once: Once) -> str:
    """What was answered, if it was to this very request. Raises KeyReused."""
    if earlier.request_hash != once.request_hash:
        raise KeyReused
    return earlier.answer


def _begun(means: Means, wanted: NewEvent) -> Event:
    now = means.now
    event_id = ulid(now, means.entropy(_ULID_ENTROPY))
    return Event(
        event_id=event_id,
        application_id=means.application_id,
        shard=shard_of(event_id, means.shards),
        version=0,
        status=Status.INACTIVE,
        event_owner=wanted.event_owner,
        interval=wanted.interval,
        timezone=wanted.timezone,
        start_date=wanted.start_date,
        end_date=wanted.end_date,
        callback_url=wanted.callback_url,
        context=wanted.context,
        tags=wanted.tags,
        created_date=now,
        updated_date=now,
        anchor=max(now, wanted.start_date or now),
        delivery=wanted.delivery,
    )


async def write_new(c: Connection, means: Means, event: Event) -> Event:
    """The event as it is written; nobody else can hold a lock on it, so the shard may be taken before it."""
    await _check_owner(c, event)
    await note(c, means, Action.CREATED, event_id=event.event_id)
    written = replace(event, version=await outbox.next_version(c, event.shard))
    await events.insert(c, written, terms_of_event(written))
    await announce(c, written)
    return written
