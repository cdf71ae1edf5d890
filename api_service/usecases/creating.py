"""Create events; with an Idempotency-Key once, however often and however simultaneously that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from api_service.schemas.events import NewEvent
from api_service.store import changes, events, idempotency, outbox, quotas
from api_service.store.database import Connection
from api_service.store.events import Words
from api_service.store.idempotency import Remembered
from api_service.store.oncall import schedules
from api_service.store.terms import terms_of_event
from api_service.usecases.announcing import announce_new, keys_for
from api_service.usecases.means import Means
from api_service.usecases.noting import creation
from shared.domain.errors import InvalidInput, KeyReused, QuotaExceeded, Unavailable
from shared.domain.event import Event, Status, timer_of
from shared.domain.ids import shard_of, ulid
from shared.domain.owner import schedule_of
from shared.messages.codec import TimerWords, encode_around_version

_ULID_ENTROPY = 10
_STATEMENT_MOST = 500  # events of one statement: more would take milliseconds to put together, and everybody waits
_TWINS_MOST = 3

Piece = TypeVar("Piece")


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A promise to do something once: the client's key for it, and a hash of what was asked."""

    key: str
    request_hash: bytes


# Not frozen, since a frozen one takes three times as long to make; nobody changes it.
@dataclass(slots=True, kw_only=True, eq=False)
class Begun:
    """An event that is about to be written, and on whose behalf.

    `words` and `timer` are what is written of it and told of it, but for its version: put into words before the shards
    are taken, they hold nobody up.
    """

    means: Means
    event: Event
    words: Words
    timer: TimerWords
    rows: int

    @classmethod
    def of(cls, means: Means, event: Event) -> Self:
        """This event, of version 0."""
        terms = terms_of_event(event)
        timer = encode_around_version(timer_of(event))
        return cls(means=means, event=event, words=events.words_of(event, terms), timer=timer, rows=len(terms))


async def earlier_answer(means: Means, once: Once) -> str | None:
    """What was answered to this very request before, if it was made. Raises KeyReused.

    It comes before the request is judged: what was right then may be wrong now, and the answer still stands.
    """
    async with means.database.connection() as c:
        earlier = await idempotency.find(c, means.application_id, once.key)
    return None if earlier is None else repeated(earlier, once)


async def create_alone(begun: Begun, once: Once | None, answer: Callable[[Event], str]) -> str:
    """The answer to whoever wants this event: it is created, unless `once` was kept before.

    `answer` puts an event into words; under one key the words never change. Raises KeyReused, QuotaExceeded,
    InvalidInput.
    """
    means = begun.means
    if once is None:
        async with means.database.transaction() as c:
            _check_room(await quotas.hold(c, means.application_id, means.quota_events))
            said = answer(await _write(c, begun))
    else:
        said = await _create_once(begun, once, answer)
    means.wake_relay()
    return said


def begin(means: Means, wanted: NewEvent, event_id: str | None = None) -> Begun:
    """The event as it will be written, but for its version; without an id it gets one."""
    now = means.now
    event_id = event_id or ulid(now, means.entropy(_ULID_ENTROPY))
    event = Event(
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
    return Begun.of(means, event)


async def unknown_owners(c: Connection, begun: Sequence[Begun]) -> list[int]:
    """Which of the events, by their places, are to belong to a schedule that their application does not have?"""
    named: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, one in enumerate(begun):
        if (name := schedule_of(one.event.event_owner)) is not None:
            named[one.event.application_id][name].append(place)
    unknown = []
    for application_id, places in named.items():
        known = await schedules.resolve(c, application_id, places)
        unknown += [place for name, those in places.items() if name not in known for place in those]
    return sorted(unknown)


def fault_of_owner(event: Event) -> str:
    """What is wrong with an owner that is a schedule of nobody's."""
    name = schedule_of(event.event_owner)
    return f"eventOwner {name} is no schedule; GET /api/v4/schedules lists what there are"


async def write_all(c: Connection, begun: Sequence[Begun]) -> list[Event]:
    """The events as they are written, in this order, with what goes with them; in as few statements as one takes.

    Take every other lock first. Nobody else can hold a lock on the events, so the shards may be taken before them; and
    what needs no version is written before the shards are taken, since others wait for those.
    """
    for some in _pieces(begun):
        await changes.add_all(c, [creation(one.means, one.event.event_id) for one in some])
        await events.insert_terms(c, [one.words for one in some])
    versions = await outbox.next_versions(c, [one.event.shard for one in begun])
    applications = {one.event.application_id for one in begun}
    signed_with = await keys_for(c, applications, min(one.means.now for one in begun))
    written: list[Event] = []
    for those in _pieces(list(zip(begun, versions, strict=True))):
        await events.insert(c, [(one.words, version) for one, version in those])
        await announce_new(c, [(one.event, version, one.timer) for one, version in those], signed_with)
        written += [replace(one.event, version=version) for one, version in those]
    return written


def _pieces(rows: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    """As many at a time as one statement takes."""
    for first in range(0, len(rows), _STATEMENT_MOST):
        yield rows[first : first + _STATEMENT_MOST]


async def _write(c: Connection, begun: Begun) -> Event:
    """The event as it is written. Raises InvalidInput."""
    if await unknown_owners(c, [begun]):
        raise InvalidInput([fault_of_owner(begun.event)])
    (written,) = await write_all(c, [begun])
    return written


async def _create_once(begun: Begun, once: Once, answer: Callable[[Event], str]) -> str:
    means = begun.means
    for _ in range(_TWINS_MOST):
        try:
            async with means.database.transaction() as c:
                has_room = await quotas.hold(c, means.application_id, means.quota_events)
                earlier = await idempotency.find(c, means.application_id, once.key)
                if earlier is not None:  # be it that it took the last place itself
                    return repeated(earlier, once)
                _check_room(has_room)
                event = await _write(c, begun)
                said = answer(event)
                await _remember(c, means, event, once, said)
                return said
        except _TwinWasFasterError:  # and has committed: the next round finds its answer
            continue
    raise Unavailable


def _check_room(has_room: bool) -> None:
    if not has_room:
        raise QuotaExceeded


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
