"""What became of every occurrence? The ledger as an event's owner reads it, and what his wishes write into it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import asyncpg

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.firing import AttemptError, Execution, SkipReason
from shared.timing.instants import Instant, from_datetime, to_datetime

SQL = load(__file__)

PENDING_TRIES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One HTTP request of a firing; `stale` where it was reported by somebody who no longer owned the shard."""

    attempt: int
    epoch: int
    started: Instant
    duration_ms: int
    status_code: int
    error: AttemptError
    dispatcher: str
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """A firing with its attempts, or a stretch of `count` skipped occurrences from `nominal` to `last`."""

    event_id: str
    nominal: Instant
    manual: bool
    status: Execution
    reason: str
    last: Instant
    count: int
    recorded: Instant
    attempts: tuple[AttemptRow, ...] = ()


async def executions(c: Connection, event_id: str, *, limit: int, offset: int) -> tuple[list[ExecutionRow], int]:
    """A page of the event's executions, newest first, and how many there are in all."""
    total: int = await c.fetchval(SQL["count_executions"], event_id)
    rows = await c.fetch(SQL["executions"], event_id, limit, offset)
    if not rows:
        return [], total

    attempts: defaultdict[tuple[object, bool], list[AttemptRow]] = defaultdict(list)
    keys = [row["nominal"] for row in rows], [row["manual"] for row in rows]
    for row in await c.fetch(SQL["attempts"], event_id, *keys):
        attempts[row["nominal"], row["manual"]].append(_attempt(row))
    return [_execution(row, attempts[row["nominal"], row["manual"]]) for row in rows], total


async def add_pending(c: Connection, event_id: str, nominal: Instant) -> Instant:
    """Write down that the event is to ring once by hand; its nominal instant is the first free one from `nominal`."""
    for moment in range(nominal, nominal + PENDING_TRIES):
        if await c.fetchval(SQL["add_pending"], event_id, to_datetime(moment)):
            return moment
    raise LookupError(f"{PENDING_TRIES} firings by hand within {PENDING_TRIES} ms: none is free")


async def add_skipped(
    c: Connection, event_id: str, *, first: Instant, last: Instant, count: int, reason: SkipReason, now: Instant
) -> None:
    """Write down that the `count` occurrences from `first` to `last` are not attempted; harmless when repeated."""
    await c.execute(
        SQL["add_skipped"], event_id, to_datetime(first), to_datetime(last), count, reason, to_datetime(now)
    )


async def end_unfinished(c: Connection, event_id: str, reason: SkipReason, *, now: Instant) -> None:
    """Nobody goes on with what is unfinished of the event: it is skipped, or has failed where it was attempted."""
    await c.execute(SQL["end_unfinished"], event_id, reason, to_datetime(now))


def _execution(row: asyncpg.Record, attempts: list[AttemptRow]) -> ExecutionRow:
    return ExecutionRow(
        event_id=row["event_id"],
        nominal=from_datetime(row["nominal"]),
        manual=row["manual"],
        status=Execution(row["status"]),
        reason=row["reason"],
        last=from_datetime(row["last"]),
        count=row["count"],
        recorded=from_datetime(row["recorded"]),
        attempts=tuple(attempts),
    )


def _attempt(row: asyncpg.Record) -> AttemptRow:
    return AttemptRow(
        attempt=row["attempt"],
        epoch=row["epoch"],
        started=from_datetime(row["started"]),
        duration_ms=row["duration_ms"],
        status_code=row["status_code"],
        error=AttemptError(row["error"]),
        dispatcher=row["dispatcher"],
        stale=row["stale"],
    )
