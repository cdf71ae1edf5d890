"""What became of every occurrence? The ledger as an event's owner reads it, and what his wishes write into it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.errors import ExecutionNotFound
from shared.domain.firing import AttemptError, Execution, SkipReason
from shared.timing.instants import Instant, from_datetime, to_datetime

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

SQL = load(__file__)

PENDING_TRIES = 1_000
ATTEMPTS_MOST: Final = 30_000  # of what is replayed: they are counted in 16 bits, and there are to be more

Place: TypeAlias = tuple[Instant, bool]  # in the order of an event's executions: nominal, then by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One HTTP request of a firing; `stale` where it was reported by somebody who no longer owned the shard.

    `headers` are of the answer, and None where none came; so is `body`, which is None too where it was not asked for.
    """

    attempt: int
    epoch: int
    started: Instant
    duration_ms: int
    status_code: int
    error: AttemptError
    dispatcher: str
    stale: bool
    body: bytes | None = None
    truncated: bool = False
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """A firing with its attempts, or a stretch of `count` skipped occurrences from `nominal` to `last`.

    `made` attempts are counted, whatever of them is still listed; another is due at `due` while it is unfinished.
    """

    event_id: str
    nominal: Instant
    manual: bool
    status: Execution
    reason: str
    last: Instant
    count: int
    recorded: Instant
    effective: Instant | None = None
    made: int = 0
    due: Instant | None = None
    attempts: tuple[AttemptRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Which executions of an event: nominal from `since` on and before `until`; what is None lets all through."""

    since: Instant | None = None
    until: Instant | None = None
    statuses: frozenset[Execution] | None = None
    manual: bool | None = None


EVERYTHING = Matching()


async def executions(
    c: Connection, event_id: str, matching: Matching = EVERYTHING, *, limit: int, before: Place | None = None
) -> tuple[list[ExecutionRow], int]:
    """At most `limit` of the executions that match, newest first from `before` on, and how many match in all.

    The two are of one moment only where the caller's transaction sees one.
    """
    filters = (
        event_id,
        _moment(matching.since),
        _moment(matching.until),
        None if matching.statuses is None else sorted(matching.statuses),
        matching.manual,
    )
    place = (None, None) if before is None else (to_datetime(before[0]), before[1])
    total: int = await c.fetchval(SQL["count_executions"], *filters)
    rows = await c.fetch(SQL["executions"], *filters, *place, limit)
    return await _with_attempts(c, event_id, rows, bodies=False), total


async def execution(c: Connection, event_id: str, place: Place) -> ExecutionRow:
    """One execution with all that is known of its attempts. Raises ExecutionNotFound."""
    row = await _row(c, "execution", event_id, place)
    return (await _with_attempts(c, event_id, [row], bodies=True))[0]


async def hold(c: Connection, event_id: str, place: Place) -> ExecutionRow:
    """One execution, kept as it is until the transaction ends. Raises ExecutionNotFound."""
    row = await _row(c, "hold", event_id, place)
    return (await _with_attempts(c, event_id, [row], bodies=False))[0]


async def replay(c: Connection, event_id: str, place: Place, *, now: Instant) -> None:
    """Write down that this execution, which is held, is to be attempted again."""
    await c.execute(SQL["replay"], event_id, to_datetime(place[0]), place[1], to_datetime(now))


async def replay_failed(
    c: Connection, event_id: str, since: Instant, until: Instant, *, limit: int, now: Instant
) -> list[tuple[Place, int]]:
    """Write down that the oldest that failed are to be attempted again: which, and how often each was attempted."""
    rows = await c.fetch(
        SQL["replay_failed"], event_id, to_datetime(since), to_datetime(until), limit, to_datetime(now), ATTEMPTS_MOST
    )
    return [((from_datetime(row["nominal"]), row["manual"]), row["attempts"]) for row in rows]


async def count_failed(c: Connection, event_id: str, since: Instant, until: Instant) -> int:
    """How many have failed and could be attempted again."""
    count: int = await c.fetchval(SQL["count_failed"], event_id, to_datetime(since), to_datetime(until), ATTEMPTS_MOST)
    return count


async def add_pending(c: Connection, event_id: str, nominal: Instant) -> Instant:
    """Write down that the event is to ring once by hand; its nominal instant is the first free one from `nominal`."""
    for moment in range(nominal, nominal + PENDING_TRIES):
        if await c.fetchval(SQL["add_pending"], event_id, to_datetime(moment)):
            return moment
    raise LookupError(f"{PENDING_TRIES} firings by hand within {PENDING_TRIES} ms: none is free")


async def end_unfinished(c: Connection, event_id: str, reason: SkipReason, *, now: Instant) -> None:
    """Nobody goes on with what is unfinished of the event: it is skipped, or has failed where it was attempted."""
    await c.execute(SQL["end_unfinished"], event_id, reason, to_datetime(now))


async def _row(c: Connection, statement: str, event_id: str, place: Place) -> asyncpg.Record:
    row = await c.fetchrow(SQL[statement], event_id, to_datetime(place[0]), place[1])
    if row is None:
        raise ExecutionNotFound
    return row


async def _with_attempts(
    c: Connection, event_id: str, rows: Sequence[asyncpg.Record], *, bodies: bool
) -> list[ExecutionRow]:
    if not rows:
        return []
    attempts: defaultdict[tuple[object, bool], list[AttemptRow]] = defaultdict(list)
    keys = [row["nominal"] for row in rows], [row["manual"] for row in rows]
    for row in await c.fetch(SQL["attempts"], event_id, *keys, bodies):
        attempts[row["nominal"], row["manual"]].append(_attempt(row))
    return [_execution(row, attempts[row["nominal"], row["manual"]]) for row in rows]


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
        effective=_instant(row["effective"]),
        made=row["attempts"],
        due=_instant(row["due"]),
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
        body=row["body"],
        truncated=row["truncated"],
        headers=None if row["headers"] is None else json.loads(row["headers"]),
    )


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)
