"""A million events in a database, in half a minute: what a load of them takes is the question, and not what they took.

They are what shards hold and snapshots say: event and state. What nobody reads there (terms of lists, the history of
rules) is left out. None of them rings while it is looked at, but for those that `filling` has written.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from api_service.store.database import connect

RULES: Final = 5_000
ZONES: Final = (
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Paris", "Europe/Moscow", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Tokyo", "Asia/Kolkata", "Asia/Shanghai",
    "Asia/Dubai", "Asia/Singapore", "Australia/Sydney", "Pacific/Auckland", "Africa/Cairo", "Africa/Lagos",
    "America/Toronto",
)  # fmt: skip
URLS: Final = 1_000

# As COPY would be, without its way through this process. Ids are ULIDs of this moment, and lie in the shard that their
# hash says; versions go on from where the shard is. Whoever checks references would check them a million times.
_UNCHECKED: Final = "set session_replication_role = replica"
_EVENTS: Final = """
    with made as (
        select n, '01' || to_char($2::timestamptz, 'YYMMDDHH24MISS') || lpad(upper(to_hex(n)), 12, '0') as event_id
        from generate_series(1, $1::integer) as n
    ), placed as (
        select n, event_id, (crc32(event_id::bytea) % $3::bigint)::smallint as shard from made
    )
    insert into event (event_id, application_id, shard, version, event_owner, interval, timezone, end_date,
        callback_url, context, tags, created_date, updated_date, anchor)
    select event_id, $4::integer, shard,
        (select version from shard where shard.shard = placed.shard)
            + row_number() over (partition by shard order by n),
        'bench@example.com', ($5::text[])[n % $7::integer + 1], ($6::text[])[n % cardinality($6::text[]) + 1],
        $2::timestamptz + n % 700 * interval '1 day' + interval '400 days',
        $8::text || '/hook/' || n % $9::integer,
        format('{"user":%s,"plan":"pro","shop":{"region":"eu-%s"}}', n, n % 7)::json,
        array['bench'], $2::timestamptz, $2::timestamptz, $2::timestamptz - n % 3600000 * interval '1 millisecond'
    from placed order by n
"""
_STATES: Final = """
    insert into event_state (event_id, application_id, shard, status)
    select event_id, application_id, shard, 'INACTIVE' from event
    where not exists (select from event_state where event_state.event_id = event.event_id)
"""
_VERSIONS: Final = """
    update shard set version = known.version
    from (select shard, max(version) as version from event group by shard) as known where known.shard = shard.shard
"""
_INDEXES: Final = """
    select indexname, indexdef from pg_indexes
    where tablename in ('event', 'event_state') and indexname !~ '_pkey$'
"""


async def fill(dsn: str, application: str, shards: int, events: int, url: str) -> None:
    """Write so many events of 5,000 rules, each in one of 20 zones; whoever owns shards already hears nothing."""
    now = datetime.now(UTC)
    async with connect(dsn) as c:
        application_id = await c.fetchval("select application_id from application where app_name = $1", application)
        await c.execute(_UNCHECKED)
        await c.execute("set maintenance_work_mem = '256MB'")
        await c.execute("set work_mem = '256MB'")
        indexes = await c.fetch(_INDEXES)
        for index in indexes:
            await c.execute(f"drop index {index['indexname']}")
        await c.execute(
            _EVENTS, events, now, shards, application_id, _rules(now), list(ZONES), RULES, url, URLS, timeout=300
        )
        await c.execute(_STATES, timeout=300)
        for index in indexes:
            await c.execute(index["indexdef"], timeout=300)
        await c.execute(_VERSIONS, timeout=60)
        for table in ("event", "event_state"):
            await c.execute(f"vacuum analyze {table}", timeout=300)


def _rules(now: datetime) -> list[str]:
    """Once a month, at a moment that is some days away in whatever zone."""
    days = [(now + timedelta(days=3 + ahead)).day for ahead in range(20)]
    return [f"{n % 60} {n // 60 % 60} {n * 7 % 24} {days[n % 20]} * *" for n in range(RULES)]
