"""Who may come in? Hashes of keys, their names, and until when they open; the keys themselves are nowhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.timing.instants import Instant, from_datetime, to_datetime

if TYPE_CHECKING:
    import asyncpg

SQL = load(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key: its name, whom it opens, and until when; None is for ever."""

    key_hash: bytes = field(repr=False)
    key_id: str
    application_id: int
    created_date: Instant
    expires_date: Instant | None


async def find(c: Connection, key_hashes: Collection[bytes]) -> dict[bytes, ApiKey]:
    """The keys with these hashes, expired or not, as far as there are any."""
    return {row["key_hash"]: _key(row) for row in await c.fetch(SQL["find"], key_hashes)}


async def valid(c: Connection, application_id: int, now: Instant) -> list[ApiKey]:
    """The application's keys that open it at this moment, newest first."""
    return [_key(row) for row in await c.fetch(SQL["valid"], application_id, to_datetime(now))]


async def hold(c: Connection, application_id: int) -> None:
    """Keep others from changing the application's keys until the transaction ends; look at the keys after it."""
    await c.execute(SQL["hold"], application_id)


async def expire(c: Connection, application_id: int, moment: Instant) -> None:
    """All keys the application has so far open it until this moment at the most."""
    await c.execute(SQL["expire"], application_id, to_datetime(moment))


async def add(c: Connection, application_id: int, key_hash: bytes, *, now: Instant) -> ApiKey:
    """One more key, which opens the application until it is told otherwise."""
    row = await c.fetchrow(SQL["add"], application_id, key_hash, to_datetime(now))
    if row is None:
        raise LookupError("an insert that returns its row has one")
    return _key(row)


async def remove(c: Connection, application_id: int, key_id: str) -> None:
    """The key opens nothing any more."""
    await c.execute(SQL["remove"], application_id, key_id)


async def forget_expired(c: Connection, moment: Instant, *, limit: int = 1_000) -> int:
    """Forget keys that ended at or before the moment, at most `limit`; how many those were."""
    status = await c.execute(SQL["forget_expired"], to_datetime(moment), limit)
    return int(status.rpartition(" ")[2])


def _key(row: asyncpg.Record) -> ApiKey:
    ends = row["expires_date"]
    return ApiKey(
        key_hash=row["key_hash"],
        key_id=row["key_id"],
        application_id=row["application_id"],
        created_date=from_datetime(row["created_date"]),
        expires_date=None if ends is None else from_datetime(ends),
    )
