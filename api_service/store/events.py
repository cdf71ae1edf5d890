"""Events as rows: written and read in the caller's transaction, always within one application.

An event is a row of `event`, one of `event_state`, its terms and the history of its rule; whoever writes one of them
writes all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from api_service.store import listing, rules
from api_service.store.database import Connection
from api_service.store.delivery import delivery_of, text_of
from api_service.store.listing import ContextFilter, Filters
from api_service.store.queries import load
from shared.domain.errors import EventNotFound
from shared.domain.event import Event, PauseReason, Status, body_of
from shared.domain.timer import BESIDE_ROSTER
from shared.timing.instants import Instant, from_datetime, to_datetime

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

__all__ = ["ContextFilter", "Filters", "delete", "event_of", "get", "insert", "page", "update"]

SQL = load(__file__)


async def insert(c: Connection, new: Sequence[Event], terms: Sequence[Collection[UUID]]) -> None:
    """Write new events, each of which can be found by its terms. Needs their shards held, by `outbox.next_versions`."""
    columns = zip(*map(_columns, new), strict=True)
    found_by = [
        (one.application_id, term, one.event_id) for one, found in zip(new, terms, strict=True) for term in found
    ]
    await c.execute(SQL["insert"], *columns, *(zip(*found_by, strict=True) if found_by else ((), (), ())))


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


def _columns(event: Event) -> tuple[Any, ...]:
    """What is written of a new event, in the order in which the statement has it."""
    return (
        event.event_id,
        event.application_id,
        event.shard,
        event.version,
        event.event_owner,
        event.interval or BESIDE_ROSTER,
        event.timezone,
        _moment(event.start_date),
        to_datetime(event.end_date),
        event.callback_url,
        _text(event),
        _array(event.tags),
        to_datetime(event.created_date),
        to_datetime(event.updated_date),
        to_datetime(event.anchor),
        event.status,
        _moment(event.settled_through),
        _moment(event.last_run_date),
        event.paused_reason,
        text_of(event.delivery),
        event.schedule_id,
        event.roster or None,
    )


def _array(items: Sequence[str]) -> str:
    """An array of text as Postgres writes one: arrays of several lengths make no column of arrays."""
    escaped = (item.replace("\\", r"\\").replace('"', r"\"") for item in items)
    return "{" + ",".join(f'"{item}"' for item in escaped) + "}"


def _text(event: Event) -> str:
    """The context as it is stored: the very text that a callback POSTs."""
    return body_of(event.context).decode()


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)
