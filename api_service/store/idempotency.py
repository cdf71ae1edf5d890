"""Was this asked before? Answers to creations that carried an Idempotency-Key, kept for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.timing.instants import Instant, to_datetime

SQL = load(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What was answered, to which request."""

    request_hash: bytes
    event_id: str
    answer: str


async def find(c: Connection, application_id: int, key: str) -> Remembered | None:
    """What was answered to this key, if it was used."""
    row = await c.fetchrow(SQL["find"], application_id, key)
    return None if row is None else Remembered(**row)


async def remember(c: Connection, application_id: int, key: str, remembered: Remembered, *, now: Instant) -> bool:
    """Keep the answer. False where another request with this key is committed: roll back, and `find` what it was told.

    Waits for the transaction of a simultaneous request with the same key.
    """
    return bool(await remember_all(c, [(application_id, key, remembered, now)]))


async def remember_all(c: Connection, kept: Sequence[tuple[int, str, Remembered, Instant]]) -> set[tuple[int, str]]:
    """Keep these answers, each of an application and a key of its own. Which of the keys were still free?"""
    rows = (
        (application_id, key, one.request_hash, one.event_id, one.answer, to_datetime(now))
        for application_id, key, one, now in kept
    )
    free = await c.fetch(SQL["remember"], *zip(*rows, strict=True))
    return {(row["application_id"], row["key"]) for row in free}


async def forget_older(c: Connection, moment: Instant, *, limit: int = 1_000) -> int:
    """Forget answers given before the moment, at most `limit`; how many those were."""
    status = await c.execute(SQL["forget_older"], to_datetime(moment), limit)
    return int(status.rpartition(" ")[2])
