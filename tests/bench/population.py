"""A large application's events, the same every time: huge facts, middling ones, rare ones and one that is nowhere.

They go in by COPY, with the indexes made afterwards, so that a million take a minute or two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

from api_service.store.terms import terms_of
from shared.domain.event import body_of
from shared.domain.ids import ulid

if TYPE_CHECKING:
    from api_service.store.database import Connection

APPLICATION = 1
START = datetime(2030, 1, 1, tzinfo=UTC)
MILLISECONDS = 1_893_456_000_000  # START
SHARDS = 8
CHUNK = 20_000

_EVENT = (
    "event_id", "application_id", "shard", "version", "event_owner", "interval", "timezone", "start_date", "end_date",
    "callback_url", "context", "tags", "created_date", "updated_date", "anchor",
)  # fmt: skip
_STATE = ("event_id", "application_id", "shard", "status", "settled_through", "last_run_date")
_TERM = ("application_id", "term", "event_id")


def event_id(number: int) -> str:
    return ulid(MILLISECONDS + number, b"\0" * 10)


def owner(number: int, size: int) -> str:
    if number % (size // 10) == 7:
        return "rare@example.com"
    share = _hash(number, "owner") % 1000
    if share < 500:
        return "ops@example.com"
    return "billing@example.com" if share < 520 else f"user{_hash(number, 'user') % 5000}@example.com"


def tags(number: int, size: int) -> tuple[str, ...]:
    told = {
        "even": number % 2 == 0,
        "odd": number % 2 == 1,
        "prod": _hash(number, "prod") % 2 == 0,
        "eu": _hash(number, "eu") % 2 == 0,
        "nightly": _hash(number, "nightly") % 10 == 0,
        "beta": _hash(number, "beta") % 50 == 0,
        "vip": number % (size // 100) == 3,
    }
    return tuple(tag for tag, told_so in told.items() if told_so)


def context(number: int, size: int) -> dict[str, Any]:
    share = _hash(number, "context")
    made: dict[str, Any] = {
        "user": number,
        "plan": "pro" if share % 2 else "free",
        "shop": {"region": 7 if share // 2 % 50 == 0 else 100 + share % 500},
        "lines": [share % 1000, f"sku-{share % 300}"],
    }
    if number % (size // 10) == 5:
        made["needle"] = "found"
    return made


def status(number: int) -> str:
    share = _hash(number, "status") % 100
    return "ACTIVE" if share < 90 else "INACTIVE" if share < 94 else "FINISHED" if share < 99 else "PAUSED"


async def fill(c: Connection, size: int) -> None:
    """Write the events, as if created one a millisecond."""
    await c.execute("insert into application (app_name, created_date) values ('large', $1)", START)
    indexes = await c.fetch(
        "select indexname, indexdef from pg_indexes "
        "where tablename in ('event', 'event_state') and indexname !~ '_pkey$'"
    )
    for index in indexes:
        await c.execute(f"drop index {index['indexname']}")
    key = await c.fetchval("select pg_get_constraintdef(oid) from pg_constraint where conname = 'event_term_pkey'")
    await c.execute("alter table event_term drop constraint event_term_pkey")
    numbers = iter(range(size))
    while chunk := list(islice(numbers, CHUNK)):
        await _copy(c, chunk, size)
    await c.execute(f"alter table event_term add constraint event_term_pkey {key}")
    for index in indexes:
        await c.execute(index["indexdef"])


async def _copy(c: Connection, numbers: list[int], size: int) -> None:
    await c.copy_records_to_table("event", columns=_EVENT, records=(_event(number, size) for number in numbers))
    await c.copy_records_to_table("event_state", columns=_STATE, records=map(_state, numbers))
    await c.copy_records_to_table("event_term", columns=_TERM, records=_terms(numbers, size))


def _event(number: int, size: int) -> tuple[object, ...]:
    created = START + timedelta(milliseconds=number)
    return (
        event_id(number), APPLICATION, number % SHARDS, number, owner(number, size), "*/5 * * * *", "UTC", None,
        START + timedelta(days=365), f"https://example.com/hooks/{number % 1000}",
        body_of(context(number, size)).decode(), list(tags(number, size)), created, created, created,
    )  # fmt: skip


def _state(number: int) -> tuple[object, ...]:
    return event_id(number), APPLICATION, number % SHARDS, status(number), None, None


def _terms(numbers: list[int], size: int) -> Iterator[tuple[object, ...]]:
    for number in numbers:
        for term in terms_of(owner(number, size), tags(number, size), context(number, size)):
            yield APPLICATION, term, event_id(number)


def _hash(number: int, about: str) -> int:
    return int.from_bytes(blake2b(f"{about}{number}".encode(), digest_size=6).digest(), "big")
