"""Events by the thousand, written as the API writes them but faster: for rows that need them there and not made."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from api_service.store.database import connect
from shared.domain.ids import shard_of, ulid
from tests.acceptance.client import now

if TYPE_CHECKING:
    from api_service.store.database import Connection

CHUNK: Final = 20_000
LIVES: Final = timedelta(days=30)

_EVENT: Final = (
    "event_id", "application_id", "shard", "version", "event_owner", "interval", "timezone", "end_date",
    "callback_url", "context", "tags", "created_date", "updated_date", "anchor",
)  # fmt: skip
_STATE: Final = ("event_id", "application_id", "shard", "status")
_RULE: Final = ("event_id", "version", "valid_from", "interval", "timezone", "end_date", "anchor", "paused")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event: when it rings, where, and with what body."""

    interval: str
    url: str
    body: str
    timezone: str = "UTC"


async def fill(dsn: str, application: str, shards: int, wanted: Iterable[Wanted]) -> list[str]:
    """Write these events for an application that is registered; their ids, in order.

    Dispatchers that own shards already hear nothing of it: start them afterwards.
    """
    written = now()
    versions: Counter[int] = Counter()
    ids: list[str] = []
    rest = iter(wanted)
    async with connect(dsn) as c:
        application_id = await c.fetchval(
            "select application_id from application where app_name = $1", application, timeout=60
        )
        assert application_id is not None, f"nobody is called {application}"
        for row in await c.fetch("select shard, version from shard"):
            versions[row["shard"]] = row["version"]
        while chunk := list(islice(rest, CHUNK)):
            fresh = [ulid(written, os.urandom(10)) for _ in chunk]
            await _copy(c, application_id, shards, written, versions, list(zip(fresh, chunk, strict=True)))
            ids += fresh
        await c.executemany("update shard set version = $2 where shard = $1", list(versions.items()), timeout=60)
        for table in ("event", "event_state"):
            await c.execute(f"vacuum analyze {table}", timeout=300)
    return ids


async def _copy(
    c: Connection,
    application_id: int,
    shards: int,
    written: int,
    versions: Counter[int],
    chunk: list[tuple[str, Wanted]],
) -> None:
    moment = datetime.fromtimestamp(written / 1000, UTC)
    end = moment + LIVES
    events, states, rules = [], [], []
    for event_id, one in chunk:
        shard = shard_of(event_id, shards)
        versions[shard] += 1
        events.append((
            event_id, application_id, shard, versions[shard], "bench@example.com", one.interval, one.timezone, end,
            one.url, one.body, ["bench"], moment, moment, moment,
        ))  # fmt: skip
        states.append((event_id, application_id, shard, "INACTIVE"))
        rules.append((event_id, versions[shard], moment, one.interval, one.timezone, end, moment, False))
    await c.copy_records_to_table("event", columns=_EVENT, records=events, timeout=300)
    await c.copy_records_to_table("event_state", columns=_STATE, records=states, timeout=300)
    await c.copy_records_to_table("event_rule", columns=_RULE, records=rules, timeout=300)
