"""What these tests set the stage with: events written as clients write them, and reports as dispatchers make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from api_service.store import applications, events, outbox
from api_service.store.database import Connection, Database
from api_service.store.terms import terms_of
from shared.domain.event import Event, Status, timer_of
from shared.domain.firing import Attempted, AttemptError, Finished, Outcome, Skipped, SkipReason
from shared.domain.ids import ulid
from shared.messages.catalogue import Gone, Outcomes, Report, Upserted
from shared.messages.codec import encode
from shared.timing.instants import Instant

NOW: Instant = 1_800_000_000_000
SECOND = 1_000
HOUR = 3_600_000
SHARDS = 8


def event(number: int, *, application_id: int = 1, shard: int = 3, **given: Any) -> Event:
    """An event that rings every second for an hour."""
    facts: dict[str, Any] = {
        "event_id": ulid(NOW, number.to_bytes(10, "big")),
        "application_id": application_id,
        "shard": shard,
        "version": 0,
        "status": Status.INACTIVE,
        "event_owner": "owner@example.com",
        "interval": "* * * * * *",
        "timezone": "UTC",
        "start_date": None,
        "end_date": NOW + HOUR,
        "callback_url": "http://127.0.0.1:9/bell",
        "context": {"number": number, "grüße": [1.5, None, "ünïcödé"]},
        "tags": ("prod",),
        "created_date": NOW,
        "updated_date": NOW,
        "anchor": NOW,
    }
    return Event(**facts | given)


@dataclass(kw_only=True)
class Scene:
    """A database with an application in it, and a client who writes to it."""

    database: Database
    application_id: int = 0
    made: int = field(default=0)

    @classmethod
    async def open(cls, database: Database) -> Scene:
        async with database.transaction() as c:
            application_id = await applications.register(c, app_name="app", key_hash=b"k" * 32, now=NOW)
        return cls(database=database, application_id=application_id)

    async def create(self, **given: Any) -> Event:
        self.made += 1
        new = event(self.made, application_id=self.application_id, **given)
        async with self.database.transaction() as c:
            new = replace(new, version=await outbox.next_version(c, new.shard))
            words = events.words_of(new, terms_of(new.event_owner, new.tags, new.context))
            await events.insert_terms(c, [words])
            await events.insert(c, [(words, new.version)])
            await announce(c, new)
        return new

    async def change(self, was: Event, **given: Any) -> Event:
        async with self.database.transaction() as c:
            return await self.change_within(c, was, **given)

    async def change_within(self, c: Connection, was: Event, **given: Any) -> Event:
        now = await events.get(c, was.application_id, was.event_id, for_update=True)
        after = replace(now, **given, version=await outbox.next_version(c, now.shard))
        old, new = (terms_of(one.event_owner, one.tags, one.context) for one in (now, after))
        await events.update(c, after, old_terms=old, new_terms=new)
        await announce(c, after)
        return after

    async def delete(self, was: Event) -> int:
        async with self.database.transaction() as c:
            version = await outbox.next_version(c, was.shard)
            await events.delete(c, was, terms=terms_of(was.event_owner, was.tags, was.context))
            await outbox.put(c, shard=was.shard, version=version, what=encode(Gone(was.event_id)))
            return version

    async def get(self, known: Event) -> Event:
        async with self.database.connection() as c:
            return await events.get(c, known.application_id, known.event_id)


async def announce(c: Connection, written: Event) -> None:
    what = encode(Upserted(timer_of(written)))
    await outbox.put(c, shard=written.shard, version=written.version, what=what)


def attempted(of: Event, seconds: int, *, error: AttemptError = AttemptError.NONE, **given: Any) -> Attempted:
    """The ring of an event so many seconds after NOW; delivered, unless it is said why not."""
    nominal = NOW + seconds * SECOND
    facts: dict[str, Any] = {
        "timer_id": of.event_id,
        "nominal": nominal,
        "manual": False,
        "attempt": 1,
        "started": nominal + 3,
        "duration_ms": 17,
        "status_code": 200 if error is AttemptError.NONE else 0,
        "error": error,
        "settled_through": nominal,
    }
    return Attempted(**facts | given)


def skipped(of: Event, since: int, until: int, **given: Any) -> Skipped:
    """Nothing rang from so many seconds after NOW to so many."""
    facts: dict[str, Any] = {
        "timer_id": of.event_id,
        "first": NOW + since * SECOND,
        "last": NOW + until * SECOND,
        "count": until - since + 1,
        "manual": False,
        "reason": SkipReason.MISFIRED,
        "settled_through": NOW + until * SECOND,
    }
    return Skipped(**facts | given)


def finished(of: Event, end: Instant | None = None, *, version: int = 0) -> Finished:
    return Finished(timer_id=of.event_id, end=of.end_date if end is None else end, version=version)


def outcomes(
    *told: Outcome, shard: int = 3, incarnation: str = "i-1", epoch: int = 1, dispatcher: str = "d-1"
) -> Outcomes:
    return Outcomes(dispatcher, [Report(shard, incarnation, epoch, list[Outcome](told))])


def merged(parts: Sequence[Outcomes]) -> Outcomes:
    """Several messages as one."""
    return Outcomes(parts[0].dispatcher, [report for part in parts for report in part.reports])
