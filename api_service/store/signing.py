"""What is signed with, and until when? Secrets as they are, since an HMAC needs them; shown to nobody a second time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.delivery import SigningKeys, SigningSecret
from shared.timing.instants import Instant, from_datetime, to_datetime

SQL = load(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretDates:
    """When a secret began to sign and when it ends; None is when it is replaced."""

    created_date: Instant
    until: Instant | None


async def keys_of(c: Connection, application_ids: Sequence[int], now: Instant) -> list[SigningKeys]:
    """What dispatchers must know of these applications; of one that signs with nothing, nothing."""
    return [
        SigningKeys(
            application_id=row["application_id"],
            generation=row["generation"],
            secrets=tuple(
                SigningSecret(secret, 0 if until is None else from_datetime(until))
                for secret, until in zip(row["secrets"], row["untils"], strict=True)
            ),
        )
        for row in await c.fetch(SQL["keys_of"], application_ids, to_datetime(now))
    ]


async def find(c: Connection, application_id: int, now: Instant) -> tuple[int, list[SecretDates]]:
    """The application's generation and its secrets that sign at this moment, newest first."""
    rows = await c.fetch(SQL["find"], application_id, to_datetime(now))
    secrets = [
        SecretDates(
            created_date=from_datetime(row["created_date"]),
            until=None if row["until"] is None else from_datetime(row["until"]),
        )
        for row in rows
        if row["created_date"] is not None
    ]
    return rows[0]["generation"], secrets


async def raise_generation(c: Connection, application_id: int) -> None:
    """The keys are new ones once the transaction ends, and until then nobody else changes them."""
    await c.execute(SQL["raise_generation"], application_id)


async def expire(c: Connection, application_id: int, moment: Instant) -> None:
    """All secrets the application has so far sign until this moment at the most."""
    await c.execute(SQL["expire"], application_id, to_datetime(moment))


async def add(c: Connection, application_id: int, secret: bytes, *, now: Instant) -> None:
    """One more secret, which signs until it is replaced."""
    await c.execute(SQL["add"], application_id, secret, to_datetime(now))


async def forget_ended(c: Connection, moment: Instant, *, limit: int = 1_000) -> int:
    """Forget secrets that ended at or before the moment, at most `limit`; how many those were."""
    status = await c.execute(SQL["forget_ended"], to_datetime(moment), limit)
    return int(status.rpartition(" ")[2])
