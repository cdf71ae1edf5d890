"""Events as rows: written and read in the caller's transaction, always within one application.

An event is a row of `event`, one of `event_state`, its terms and the history of its rule; whoever writes one of them
writes all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from api_service.store import listing, rules
from api_service.store.database import Connection
from api_service.store.delivery import delivery_of, text_of
from api_service.store.listing import ContextFilter, Filters
from api_service.store.queries import load
from shared.domain.errors import EventNotFound
from shared.domain.event import Event, PauseReason, Status, body_of
from shared.domain.timer import BESIDE_ROSTER
from shared.timing.instants import Instant, from_datetime, iso, to_datetime

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

__all__ = [
    "ContextFilter",
    "Filters",
    "delete",
    "event_of",
    "get",
    "insert",
    "insert_terms",
    "page",
    "update",
    "words_of",
]

SQL = load(__file__)


@dataclass(slots=True)
class Words:
    """A new event in words: JSON of all but its version, and of what it can be found by."""

    event: bytes
    terms: bytes


def words_of(event: Event, terms: Collection[UUID]) -> Words:
    """A new event as it is written, findable by its terms."""
    found = _Findable(application_id=event.application_id, event_id=event.event_id, terms=terms)
    return Words(event=_WORDS.encode(_row(event))[:-1], terms=_WORDS.encode(found))


async def insert_terms(c: Connection, new: Sequence[Words]) -> None:
    """Let new events be found, which must be written too. It needs no shard, and takes no lock that others wait for."""
    await c.execute(SQL["insert_terms"], b"[" + b",".join([one.terms for one in new]) + b"]")


async def insert(c: Connection, new: Sequence[tuple[Words, int]]) -> None:
    """Write new events with their versions, but for their terms. Needs their shards held, by `outbox.next_versions`."""
    await c.execute(
        SQL["insert"], b"[" + b",".join([b'%b,"version":%d}' % (one.event, version) for one, version in new]) + b"]"
    )


async def get(c: Connection, application_id: int, event_id: str, *, for_update: bool = False) -> Event:
    """The event; `for_update` keeps others from changing it until the transaction ends. Raises EventNotFound."""
    row = await c.fetchrow(SQL["get_for_update" if for_update else "get"], application_id, event_id)
    if row is not None and row["roster"] is not None and for_update:
        # Of what is not locked, a statement that waited for a lock sees what was there before it waited.
        row = await c.fetchrow(SQL["get"], application_id, event_id)
    if row is None:
        raise EventNotFound
    return event_of(row)


async def update(c: Connection, event: Event, *, old_terms: set[UUID], new_terms: set[UUID]) -> None:
    """Write what a client may change of an event, and its status; the terms are those before and after."""
    await rules.note(c, event)
    written = await c.fetchval(
        SQL["update"],
        event.application_id,
        event.event_id,
        event.version,
        event.interval or BESIDE_ROSTER,
        event.timezone,
        _moment(event.start_date),
        to_datetime(event.end_date),
        event.callback_url,
        _text(event),
        event.tags,
        to_datetime(event.updated_date),
        to_datetime(event.anchor),
        text_of(event.delivery),
        event.roster or None,
    )
    if written is None:
        raise EventNotFound
    await c.execute(SQL["update_status"], event.application_id, event.event_id, event.status, event.paused_reason)
    if dropped := old_terms - new_terms:
        await c.execute(SQL["drop_terms"], event.application_id, event.event_id, list(dropped))
    if added := new_terms - old_terms:
        await c.execute(SQL["add_terms"], event.application_id, event.event_id, list(added))


async def begin_series(c: Connection, event: Event) -> None:
    """Nothing is settled of the event's new series, and what is reported of earlier versions settles nothing of it."""
    await c.execute(SQL["begin_series"], event.application_id, event.event_id, event.version)


async def delete(c: Connection, event: Event, *, terms: Iterable[UUID]) -> None:
    """Remove the event, its state and its terms, which must be all it has. Raises EventNotFound.

    Needs its shard held, by `outbox.next_version`.
    """
    if await c.fetchval(SQL["delete"], event.application_id, event.event_id) is None:
        raise EventNotFound
    await c.execute(SQL["drop_terms"], event.application_id, event.event_id, list(terms))


async def page(
    c: Connection, application_id: int, filters: Filters, limit: int, offset: int
) -> tuple[list[Event], int]:
    """The events that match, newest first, from `offset` on and at most `limit`, and how many match in all.

    Needs a connection outside any transaction: the page and the number are of one moment.
    """
    async with c.transaction(isolation="repeatable_read", readonly=True):
        event_ids, total = await listing.matching(c, application_id, filters, limit, offset)
        rows = await c.fetch(SQL["page_rows"], application_id, event_ids) if event_ids else []
    return [event_of(row) for row in rows], total


def event_of(row: asyncpg.Record) -> Event:
    """The event of a row of `event` and what is beside it in `event_state`."""
    return Event(
        event_id=row["event_id"],
        application_id=row["application_id"],
        shard=row["shard"],
        version=row["version"],
        status=Status(row["status"]),
        event_owner=row["event_owner"],
        interval="" if row["roster"] else row["interval"],
        timezone=row["timezone"],
        start_date=_instant(row["start_date"]),
        end_date=from_datetime(row["end_date"]),
        callback_url=row["callback_url"],
        context=json.loads(row["context"]),
        tags=tuple(row["tags"]),
        created_date=from_datetime(row["created_date"]),
        updated_date=from_datetime(row["updated_date"]),
        anchor=from_datetime(row["anchor"]),
        settled_through=_instant(row["settled_through"]),
        last_run_date=_instant(row["last_run_date"]),
        delivery=delivery_of(row["delivery"]),
        paused_reason=None if row["paused_reason"] is None else PauseReason(row["paused_reason"]),
        schedule_id=row["schedule_id"],
        roster=row["roster"] or b"",
    )


class _Row(msgspec.Struct, omit_defaults=True):
    """A new event as the statement reads it, of JSON: what is not there is null, and the version is added last.

    All rows are one parameter, since of arrays the driver would ask every element what it is, and encode it by itself.
    """

    event_id: str
    application_id: int
    shard: int
    event_owner: str
    interval: str
    timezone: str
    end_date: str
    callback_url: str
    context: str  # the very text, within a string: nobody reads it on its way
    tags: Sequence[str]
    created_date: str
    updated_date: str
    anchor: str
    status: str
    start_date: str | None = None
    settled_through: str | None = None
    last_run_date: str | None = None
    paused_reason: str | None = None
    delivery: str | None = None
    schedule_id: str | None = None
    roster: bytes | None = None  # JSON has no bytes: base64


class _Findable(msgspec.Struct):
    """What a new event can be found by, as the statement reads it."""

    application_id: int
    event_id: str
    terms: Collection[UUID]


_WORDS: Final = msgspec.json.Encoder()


def _row(event: Event) -> _Row:
    """What is written of a new event."""
    return _Row(
        event_id=event.event_id,
        application_id=event.application_id,
        shard=event.shard,
        event_owner=event.event_owner,
        interval=event.interval or BESIDE_ROSTER,
        timezone=event.timezone,
        start_date=_iso(event.start_date),
        end_date=iso(event.end_date),
        callback_url=event.callback_url,
        context=_text(event),
        tags=event.tags,
        created_date=iso(event.created_date),
        updated_date=iso(event.updated_date),
        anchor=iso(event.anchor),
        status=event.status,
        settled_through=_iso(event.settled_through),
        last_run_date=_iso(event.last_run_date),
        paused_reason=event.paused_reason,
        delivery=text_of(event.delivery),
        schedule_id=event.schedule_id,
        roster=event.roster or None,
    )


def _text(event: Event) -> str:
    """The context as it is stored: the very text that a callback POSTs."""
    return body_of(event.context).decode()


def _iso(instant: Instant | None) -> str | None:
    return None if instant is None else iso(instant)


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)
