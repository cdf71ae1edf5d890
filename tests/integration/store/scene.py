"""What the store's tests write: events with names that sort, with what matters about them said by the test."""

from __future__ import annotations

from typing import Any

from api_service.store import events
from api_service.store.database import Connection, Database
from api_service.store.terms import terms_of
from shared.domain.event import Event, Status
from shared.domain.ids import ulid
from shared.timing.instants import Instant

NOW: Instant = 1_800_000_000_123
DAY = 86_400_000
SHARDS = 8


def event_id(number: int) -> str:
    return ulid(NOW + number, b"\0" * 10)


def event(number: int, application_id: int, **given: Any) -> Event:
    facts: dict[str, Any] = {
        "event_id": event_id(number),
        "application_id": application_id,
        "shard": number % SHARDS,
        "version": number,
        "status": Status.INACTIVE,
        "event_owner": "owner@example.com",
        "interval": "*/5 * * * *",
        "timezone": "UTC",
        "start_date": None,
        "end_date": NOW + DAY,
        "callback_url": "https://example.com/hook",
        "context": {},
        "tags": (),
        "created_date": NOW,
        "updated_date": NOW,
        "anchor": NOW,
    }
    return Event(**facts | given)


def terms(of: Event) -> set[Any]:
    return terms_of(of.event_owner, of.tags, of.context)


async def insert(c: Connection, *new: Event) -> None:
    words = [events.words_of(one, terms(one)) for one in new]
    await events.insert_terms(c, words)
    await events.insert(c, list(zip(words, (one.version for one in new), strict=True)))


async def write(database: Database, *written: Event) -> None:
    async with database.transaction() as c:
        for one in written:
            await insert(c, one)


async def waiting_for_locks(c: Connection, count: int) -> None:
    """Return when so many statements in our database wait for a lock."""
    asking = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while await c.fetchval(asking) < count:
        pass


async def waiting_for_a_lock(c: Connection, kind: str) -> None:
    """Return when somebody waits for a lock of this kind in our database."""
    asking = """
        select true from pg_locks
        where not granted and locktype = $1
            and database = (select oid from pg_database where datname = current_database())
    """
    while not await c.fetchval(asking, kind):
        pass
