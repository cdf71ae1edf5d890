"""What are owners of events to be told? Turns, never single failures: the first one, and the delivery that ends them.

A turn is decided where the ledger is written, in the same transaction, under the lock of the event's state. A result
that ended before the latest turn is old news, so a report that comes again turns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec

from api_service.store.database import Connection
from api_service.store.digest import Digest
from api_service.store.queries import load
from shared.domain.event import PauseReason
from shared.domain.firing import AttemptError
from shared.timing.instants import Instant, from_datetime, to_datetime

SQL = load(__file__)

SMTP_LINGER_MS = 10_000  # what happens together is told together


class Kind(StrEnum):
    """What has happened to an event."""

    FAILING = "failing"
    RECOVERED = "recovered"
    PAUSED = "paused"


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a mail may say: the host of the URL alone, and nothing of what is sent to it."""

    host: str
    nominal: Instant | None = None
    status_code: int = 0
    error: str = ""
    failing_since: Instant | None = None  # of a recovery
    reason: str = ""  # of a pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A firing that has ended: delivered or failed."""

    event_id: str
    nominal: Instant
    ended: Instant
    delivered: bool
    status_code: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """How an event stands: failing since then, or not, since then."""

    failing_since: Instant | None = None
    recovered_at: Instant | None = None

    @property
    def turned(self) -> Instant:
        """The latest turn."""
        return self.failing_since or self.recovered_at or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A result with which an event has begun to fail, or has ceased to."""

    result: Result
    kind: Kind
    happened: Instant
    failing_since: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What an owner is still to be told."""

    id: int
    event_id: str
    application_id: int
    event_owner: str
    kind: Kind
    facts: Facts
    happened: Instant
    tries: int


def results(told: Digest) -> list[Result]:
    """The firings that ended with an attempt told here; one that is tried again has not ended."""
    return [
        Result(
            event_id=outcome.timer_id,
            nominal=outcome.nominal,
            ended=outcome.started + outcome.duration_ms,
            delivered=outcome.error is AttemptError.NONE,
            status_code=outcome.status_code,
            error=outcome.error,
        )
        for _, outcome in told.attempts.values()
        if not outcome.retry_at
    ]


def turns(told: Sequence[Result], streaks: Mapping[str, Streak], now: Instant) -> tuple[list[Turn], dict[str, Streak]]:
    """The turns among these results, in the order in which they ended, and how the events that turned stand then.

    `streaks` knows every event that is failing. An end that lies ahead of us, by another machine's clock, is now.
    """
    found: list[Turn] = []
    after: dict[str, Streak] = {}
    for result in sorted(told, key=lambda one: (one.ended, one.nominal)):
        was = after.get(result.event_id) or streaks.get(result.event_id)
        ended = min(result.ended, now)
        if was is None or ended <= was.turned or result.delivered is (was.failing_since is None):
            continue
        if result.delivered:
            after[result.event_id] = Streak(recovered_at=ended)
        else:
            after[result.event_id] = Streak(failing_since=ended)
        kind = Kind.RECOVERED if result.delivered else Kind.FAILING
        found.append(Turn(result=result, kind=kind, happened=ended, failing_since=was.failing_since))
    return found, after


async def note_results(c: Connection, told: Sequence[Result], now: Instant) -> None:
    """Let owners be told of the turns among these results. The caller's transaction records the results."""
    if not told:
        return
    failed = sorted({result.event_id for result in told if not result.delivered})
    rows = await c.fetch(SQL["streaks"], sorted({result.event_id for result in told}), failed)
    found, after = turns(told, {row["event_id"]: _streak(row) for row in rows}, now)
    if not found:
        return

    ids = sorted(after)
    failing = [_moment(after[one].failing_since) for one in ids]
    await c.execute(SQL["turn"], ids, failing, [_moment(after[one].recovered_at) for one in ids])
    subjects = {row["event_id"]: row for row in await c.fetch(SQL["subjects"], ids)}
    # An event may be deleted between its state and itself.
    notes = [_note_of(subjects[turn.result.event_id], turn) for turn in found if turn.result.event_id in subjects]
    await _insert(c, notes, now)


async def note_paused(c: Connection, event_id: str, reason: PauseReason, now: Instant) -> None:
    """Let the owner be told that we have paused the event. The caller's transaction pauses it."""
    subjects = await c.fetch(SQL["subjects"], [event_id])
    notes = [_note(row, Kind.PAUSED, Facts(host=_host(row), reason=reason), now) for row in subjects]
    await _insert(c, notes, now)


async def take(c: Connection, now: Instant, limit: int) -> list[Notification]:
    """All that waits for one owner of one application who may be told by now, oldest first.

    Nobody else takes it in this transaction.
    """
    return [_notification(row) for row in await c.fetch(SQL["take"], to_datetime(now), limit)]


async def delete(c: Connection, ids: Sequence[int]) -> None:
    """These are told, or never will be."""
    await c.execute(SQL["delete"], ids)


async def postpone(c: Connection, ids: Sequence[int], until: Instant) -> None:
    """These could not be told this time; try again, not before then."""
    await c.execute(SQL["postpone"], ids, to_datetime(until))


async def waiting(c: Connection) -> int:
    """How many notifications are not yet told."""
    count: int = await c.fetchval(SQL["waiting"])
    return count


async def _insert(c: Connection, notes: Sequence[tuple[Any, ...]], now: Instant) -> None:
    if notes:
        await c.execute(SQL["insert"], *zip(*notes, strict=True), to_datetime(now + SMTP_LINGER_MS))


def _note_of(subject: asyncpg.Record, turn: Turn) -> tuple[Any, ...]:
    facts = Facts(
        host=_host(subject),
        nominal=turn.result.nominal,
        status_code=turn.result.status_code,
        error=turn.result.error,
        failing_since=turn.failing_since,
    )
    return _note(subject, turn.kind, facts, turn.happened)


def _note(subject: asyncpg.Record, kind: Kind, facts: Facts, happened: Instant) -> tuple[Any, ...]:
    return (
        subject["event_id"],
        subject["application_id"],
        subject["event_owner"],
        kind,
        msgspec.json.encode(facts).decode(),
        to_datetime(happened),
    )


def _host(subject: asyncpg.Record) -> str:
    return urlsplit(subject["callback_url"]).hostname or ""


def _streak(row: asyncpg.Record) -> Streak:
    return Streak(failing_since=_instant(row["failing_since"]), recovered_at=_instant(row["recovered_at"]))


def _notification(row: asyncpg.Record) -> Notification:
    return Notification(
        id=row["id"],
        event_id=row["event_id"],
        application_id=row["application_id"],
        event_owner=row["event_owner"],
        kind=Kind(row["kind"]),
        facts=msgspec.json.decode(row["facts"], type=Facts),
        happened=from_datetime(row["happened"]),
        tries=row["tries"],
    )


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
