"""After a leap every number is one that nobody has heard of, and nothing else has changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api_service.store import applications, events, outbox, setback, signing, snapshots
from api_service.store.database import Database
from shared.domain.errors import SchemaBehind
from shared.timing.instants import Instant
from tests.integration.store.scene import DAY, NOW, event, event_id, waiting_for_locks, write

LATER = NOW + DAY
COUNTERS = """
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'public' and column_name ~ '(version|epoch|series|generation)$' and table_name !~ '^attempt_'
    order by 1
"""


async def facts(database: Database) -> dict[str, Any]:
    async with database.connection() as c:
        return {
            "shard": [
                tuple(row) for row in await c.fetch("select version, epoch, incarnation from shard order by shard")
            ],
            "event": await c.fetch("select event_id, version from event order by 1"),
            "series": await c.fetchval("select min(series) from event_state"),
            "generation": await c.fetchval("select min(key_generation) from application"),
        }


async def leapt(database: Database, now: Instant = LATER) -> int:
    async with database.transaction() as c:
        return await setback.leap(c, now)


async def changed(database: Database, shard: int, times: int) -> None:
    async with database.transaction() as c:
        for _ in range(times):
            await outbox.next_version(c, shard)


async def test_everything_that_counts_is_where_the_clock_is(database: Database, ours: int) -> None:
    await write(database, *(event(number, ours, shard=1, version=number) for number in (1, 2, 9)))
    await changed(database, 1, times=9)
    async with database.transaction() as c:
        await signing.add(c, ours, b"s" * 32, now=NOW)
        await snapshots.claim(c, 1, "incarnation", "owner")
    before = await facts(database)

    assert await leapt(database) == 3
    after = await facts(database)

    clock = LATER - setback.EPOCH
    assert after["shard"] == [(clock, clock // 1000, name) for _, _, name in before["shard"]]
    assert after["event"] == [(name, clock) for name, _ in before["event"]]
    assert after["series"] == clock
    assert after["generation"] == clock


async def test_a_shard_adds_up_and_goes_on(database: Database, ours: int) -> None:
    await write(database, event(1, ours, version=1), event(9, ours, version=2))
    await changed(database, 1, times=2)

    await leapt(database)

    clock = LATER - setback.EPOCH
    async with database.transaction() as c:
        digest = await snapshots.digest(c, 1, NOW)
        claim = await snapshots.claim(c, 1, "another", "owner")
        assert (digest.count, digest.version, digest.versions_sum) == (2, clock, 2 * clock)
        assert claim.epoch == clock // 1000 + 1
        assert await outbox.next_version(c, 1) == clock + 1
    async for page in snapshots.read(database, 1, now=NOW):
        assert [(timer.id, timer.version) for timer in page.timers] == [(event_id(1), clock), (event_id(9), clock)]


async def test_a_second_restore_of_a_backup_from_before_the_first_leaps_further(database: Database, ours: int) -> None:
    """What matters is an event that was not changed for long, and then since the first one."""
    await write(database, event(1, ours, version=1))
    async with database.transaction() as c:
        await c.execute("update shard set version = 10_000_000")
    await leapt(database)
    await changed(database, 1, times=20)
    heard = await facts(database)
    async with database.transaction() as c:  # what the backup has
        await c.execute("update shard set version = 10_000_000, epoch = 1")
        await c.execute("update event set version = 1")
        await c.execute("update application set key_generation = 1")

    await leapt(database, LATER + 60_000)

    again = await facts(database)
    for one, other in zip(again["shard"], heard["shard"], strict=True):
        assert one[0] > other[0]
        assert one[1] > other[1]
    assert again["event"][0]["version"] > max(version for version, _, _ in heard["shard"])
    assert again["generation"] > heard["generation"]


async def test_it_leaps_though_the_clock_stands_still(database: Database, ours: int) -> None:
    await write(database, event(1, ours, version=1))
    versions = []
    for _ in range(3):
        await leapt(database)
        async with database.connection() as c:
            versions.append((await events.get(c, ours, event_id(1))).version)

    assert versions == sorted(set(versions))


async def test_a_new_application_has_a_number_that_no_forgotten_one_had(database: Database, ours: int) -> None:
    await leapt(database)

    async with database.transaction() as c:
        new = await applications.register(c, app_name="new", key_hash=b"n" * 32, now=NOW)
    assert new > (LATER - setback.EPOCH) // 1000 > ours


@pytest.mark.parametrize(
    ("table", "key", "first", "second"),
    [
        ("event", "event_id", event_id(1), event_id(9)),
        ("event_state", "event_id", event_id(1), event_id(9)),
        ("shard", "shard", 0, 1),
    ],
    ids=["events", "states", "shards"],
)
async def test_who_locks_in_order_meanwhile_is_waited_for(
    database: Database, ours: int, table: str, key: str, first: Any, second: Any
) -> None:
    """APIs and their recorders may be running: with another order they and we would wait for each other."""
    hold = f"update {table} set {key} = {key} where {key} = $1"  # noqa: S608 - the three above
    await write(database, event(9, ours), event(1, ours))
    async with database.connection() as c:
        await c.execute("update shard set owner = 'o' where shard = 0")  # its row lies behind the others from now on
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        async with database.connection() as watching, database.transaction() as c:
            await c.execute(hold, first)
            leaping = tasks.create_task(leapt(database))
            await waiting_for_locks(watching, 1)
            await c.execute(hold, second)
        assert await leaping == 2
    after, clock = await facts(database), LATER - setback.EPOCH
    assert (
        {row["version"] for row in after["event"]} == {after["series"]} == {version for version, _, _ in after["shard"]}
    )
    assert after["series"] == clock


async def test_a_backup_of_a_release_before_ours_is_migrated_first(dsn: str) -> None:
    with pytest.raises(SchemaBehind, match="api_service migrate"):
        await setback.restored(dsn, now=NOW)


async def test_no_number_that_counts_is_forgotten(database: Database) -> None:
    """`outbox` holds old news, an attempt its own epoch; the history of rules goes on from any number."""
    async with database.connection() as c:
        counters = [row["name"] for row in await c.fetch(COUNTERS)]

    assert counters == [
        "application.key_generation",
        "attempt.epoch",
        "event.version",
        "event_rule.version",
        "event_state.series",
        "outbox.version",
        "shard.epoch",
        "shard.version",
    ]
