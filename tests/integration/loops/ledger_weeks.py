"""What the tests of the ledger's weeks look at: in which partition a row lies, and whether its attempts do."""

from __future__ import annotations

import asyncpg

from api_service.store import partitions, recording
from api_service.store.database import Connection, Database
from api_service.store.digest import Digest
from api_service.store.retention import DAY_MS, Retention, forget_week
from shared.domain.event import Event
from shared.domain.firing import AttemptError, FailReason
from shared.messages.catalogue import Outcomes
from shared.timing.instants import Instant, from_datetime
from tests.integration.loops.scene import NOW, SECOND, Scene, attempted, outcomes

KEPT = Retention(success_days=30, failure_days=90)
WEEK, NEXT = "2027w02", "2027w03"  # NOW is in the first of them, a Friday
NEXT_SECONDS = 7 * 24 * 3600  # after NOW, a moment of the next week
THINNED = NOW + 38 * DAY_MS  # the week of NOW has ended 30 days ago, and no other
DROPPED = NOW + 98 * DAY_MS
PATIENT_MS = 20_000

Where = dict[tuple[str, int], str]


async def lasting(scene: Scene) -> Event:
    return await scene.create(end_date=NOW + 400 * DAY_MS)


async def record(database: Database, *told: Outcomes, now: Instant = NOW) -> None:
    for message in told:
        async with database.transaction() as c:
            await recording.record(c, Digest.of([message]), now)


def rung(of: Event, seconds: int, *, failed: bool = False, attempt: int = 1, retry: bool = False) -> Outcomes:
    """A ring that was delivered, or failed, or is to be tried again."""
    if not failed and not retry:
        return outcomes(attempted(of, seconds, attempt=attempt))
    at = NOW + seconds * SECOND
    return outcomes(
        attempted(
            of,
            seconds,
            attempt=attempt,
            error=AttemptError.TIMEOUT,
            retry_at=at + SECOND if retry else 0,
            reason=None if retry else FailReason.EXHAUSTED,
        )
    )


async def prepare(database: Database, now: Instant = NOW) -> list[str]:
    async with database.connection() as c:
        return [week.name for week in await partitions.prepare(c, now, patience_ms=PATIENT_MS)]


async def forget(database: Database, now: Instant, kept: Retention = KEPT) -> list[str]:
    """Forget weeks until none is due; their names."""
    names = []
    async with database.connection() as c:
        while (name := await forget_week(c, kept, now, patience_ms=PATIENT_MS)) is not None:
            names.append(name)
    return names


async def where(c: Connection) -> Where:
    """The partition of every execution, by its event and its second after NOW."""
    return _where(await c.fetch("select event_id, nominal, tableoid::regclass::text as part from execution"))


async def where_attempts(c: Connection) -> Where:
    """The partition of the attempts of every execution that has one."""
    return _where(await c.fetch("select event_id, nominal, tableoid::regclass::text as part from attempt"))


def _where(rows: list[asyncpg.Record]) -> Where:
    places = {
        (row["event_id"], (from_datetime(row["nominal"]) - NOW) // SECOND): row["part"].partition("_")[2]
        for row in rows
    }
    return dict(sorted(places.items()))


async def tables(c: Connection) -> list[str]:
    """Every table of the ledger, whether it is a part of it or lies beside."""
    rows = await c.fetch("select relname from pg_class where relkind = 'r' and relname ~ '^(execution|attempt)'")
    return sorted(row[0] for row in rows)
