"""What does a shard look like? Its epoch, its timers, what is pending, and what all that adds up to.

A snapshot is one moment of the database: `horizon` is the shard's version at that moment. Versions are in commit order,
so what is at or below it is in the pages and what is above it is not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from api_service.store import partitions, signing
from api_service.store.database import Connection, Database
from api_service.store.delivery import delivery_of
from api_service.store.queries import load
from shared.domain.delivery import SigningKeys
from shared.domain.firing import PendingFiring
from shared.domain.roster_series import series_of
from shared.domain.timer import BESIDE_ROSTER, Timer
from shared.messages.catalogue import ShardDigest
from shared.timing import cron
from shared.timing.instants import Instant, from_datetime, to_datetime

SQL = load(__file__)

PAGE_TIMERS = 500
PAGE_BYTES = 1 << 20
# A stretch that was skipped beside an older firing that nobody has reported yet leaves with its latest instants only:
# those before them are so late that they are skipped again if that firing is lost.
SETTLED_MOST = 1_000
_SETTLED_BYTES = 9  # an instant in a message


class Unanswerable(LookupError):
    """The request names a shard that this installation does not have, or what no name can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an owner of a shard is told. `handed_over`: whoever owned it before said goodbye, or nobody did."""

    epoch: int
    handed_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a snapshot."""

    horizon: int
    timers: list[Timer]
    pending: list[PendingFiring]
    last: bool
    keys: list[SigningKeys] = field(default_factory=list)  # of applications that no earlier page was about


async def claim(c: Connection, shard: int, incarnation: str, owner: str) -> Claim:
    """Write down who owns the shard. The epoch rises with a new incarnation only. Raises Unanswerable."""
    row = await _row(c, "claim", shard, incarnation, owner)
    return Claim(epoch=row["epoch"], handed_over=row["handed_over"])


async def read(
    database: Database, shard: int, *, now: Instant, page_timers: int = PAGE_TIMERS, page_bytes: int = PAGE_BYTES
) -> AsyncGenerator[Page, None]:
    """All timers of the shard that have not ended and all its pending firings, at one moment; at least one page.

    Raises Unanswerable and Unavailable. Close it when done early: it holds a transaction.
    """
    async with database.connection() as c, c.transaction(isolation="repeatable_read", readonly=True):
        await partitions.stay(c)
        horizon: int = (await _row(c, "horizon", shard))["version"]
        await c.execute(SQL["gather"])
        cursor = await c.cursor(SQL["timers"], shard)
        await c.execute(SQL["walk"])
        before = await _nothing_settled_from(c)
        ready: list[Timer] = []
        told: set[int] = set()
        while rows := await cursor.fetch(page_timers):
            settled = await _settled(c, rows, before)
            read = [_timer(row, settled.get(row["event_id"])) for row in rows]
            *full, rest = _portions([*ready, *read], page_timers, page_bytes)
            for timers in full:
                keys = await _keys(c, timers, told, now)
                yield Page(horizon=horizon, timers=timers, pending=[], last=False, keys=keys)
            ready = rest
        keys = await _keys(c, ready, told, now)
        pending = [_pending(row) for row in await c.fetch(SQL["pending"], shard)]
    yield Page(horizon=horizon, timers=ready, pending=pending, last=True, keys=keys)


async def digest(c: Connection, shard: int, ends_after: Instant) -> ShardDigest:
    """What the timers that end after this moment add up to, and as of which version. Raises Unanswerable."""
    row = await _row(c, "digest", shard, to_datetime(ends_after))
    return ShardDigest(
        shard=shard,
        version=row["version"],
        ends_after=ends_after,
        count=row["count"],
        versions_sum=row["versions_sum"],
        versions_xor=row["versions_xor"],
        rosters=row["rosters"],
    )


async def _keys(c: Connection, timers: Sequence[Timer], told: set[int], now: Instant) -> list[SigningKeys]:
    """What the applications of these timers sign with, but for those that were told; they are told from now on."""
    news = {timer.application_id for timer in timers} - told
    told |= news
    return await signing.keys_of(c, sorted(news), now) if news else []


async def _row(c: Connection, statement: str, shard: int, *arguments: Any) -> asyncpg.Record:
    try:
        row = await c.fetchrow(SQL[statement], shard, *arguments)
    except asyncpg.DataError as error:
        raise Unanswerable(str(error)) from error
    if row is None:
        raise Unanswerable(f"there is no shard {shard}")
    return row


def _portions(timers: Sequence[Timer], most_timers: int, most_bytes: int) -> Iterator[list[Timer]]:
    portion: list[Timer] = []
    size = 0
    for timer in timers:
        its_size = len(timer.body) + len(timer.roster) + _SETTLED_BYTES * len(timer.settled)
        if portion and (len(portion) == most_timers or size + its_size > most_bytes):
            yield portion
            portion, size = [], 0
        portion.append(timer)
        size += its_size
    yield portion


async def _nothing_settled_from(c: Connection) -> datetime | None:
    """From which moment on the ledger has nothing; None where there is no such moment."""
    row = await c.fetchrow(SQL["last_week"])
    if row is None or row["has_strays"]:
        return None
    return to_datetime(0 if row["week"] is None else partitions.Week.named(row["week"]).ends)


async def _settled(
    c: Connection, rows: Sequence[asyncpg.Record], before: datetime | None
) -> dict[str, list[asyncpg.Record]]:
    """What is settled out of order of the timers in these rows; nearly all of them have nothing."""
    found: dict[str, list[asyncpg.Record]] = {}
    ids, anchors = [row["event_id"] for row in rows], [row["anchor"] for row in rows]
    for row in await c.fetch(SQL["settled"], ids, anchors, before):
        found.setdefault(row["event_id"], []).append(row)
    return found


def _timer(row: asyncpg.Record, settled: Sequence[asyncpg.Record] | None) -> Timer:
    """The timer of `shared.domain.event.timer_of`, straight from the row: its context is text already."""
    roster = row["roster"] or b""
    return Timer(
        id=row["event_id"],
        version=row["version"],
        rule=BESIDE_ROSTER if roster else cron.parse(row["interval"], seed=row["event_id"]).expression,
        zone=row["timezone"],
        anchor=row["anchor"],
        end=row["end_date"],
        url=row["callback_url"],
        body=row["context"].encode(),
        paused=row["paused"],
        delivery=delivery_of(row["delivery"]),
        settled=tuple(sorted(set(_instants(row, settled)))) if settled else (),
        application_id=row["application_id"],
        roster=roster,
    )


def _instants(timer: asyncpg.Record, settled: Sequence[asyncpg.Record]) -> Iterator[Instant]:
    """Every occurrence that is settled out of order; a skipped stretch has one row, and here all its instants."""
    for row in settled:
        first, through = from_datetime(row["nominal"]), from_datetime(row["last"])
        if row["count"] == 1:
            yield first
        else:  # perhaps of an earlier rule: what settles is the extent of the stretch, not its number
            series = series_of(timer["interval"], timer["timezone"], timer["roster"] or b"", seed=timer["event_id"])
            after = series.before_the_latest(first - 1, through, SETTLED_MOST)
            yield from series.upcoming(after, series.count_between(after, through))


def _pending(row: Any) -> PendingFiring:
    nominal = from_datetime(row["nominal"])
    return PendingFiring(
        timer_id=row["event_id"],
        nominal=nominal,
        manual=row["manual"],
        attempts=row["attempts"],
        due=nominal if row["due"] is None else from_datetime(row["due"]),
        attempts_before=row["attempts_before"],
    )
