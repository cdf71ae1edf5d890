"""What does the ledger have of a time? The entries of an event's series in order, a page at a time, for an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.firing import Execution
from shared.timing.instants import Instant, from_datetime, to_datetime

if TYPE_CHECKING:
    import asyncpg

SQL = load(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An occurrence, or a stretch of `count` skipped ones from `nominal` to `last`."""

    nominal: Instant
    last: Instant
    count: int
    status: Execution
    reason: str


async def between(c: Connection, event_id: str, after: Instant, through: Instant, *, limit: int) -> list[Entry]:
    """The first entries that begin after the one moment and not after the other; firings by hand are none."""
    rows = await c.fetch(SQL["between"], event_id, to_datetime(after), to_datetime(through), limit)
    return [_entry(row) for row in rows]


async def reaching(c: Connection, event_id: str, moment: Instant, *, limit: int) -> list[Entry]:
    """The latest stretches that begin at the moment or before it and go on after it."""
    return [_entry(row) for row in await c.fetch(SQL["reaching"], event_id, to_datetime(moment), limit)]


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        nominal=from_datetime(row["nominal"]),
        last=from_datetime(row["last"]),
        count=row["count"],
        status=Execution(row["status"]),
        reason=row["reason"],
    )
