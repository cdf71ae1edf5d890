"""Versions are in commit order, and a change leaves the outbox once, however many relays empty it."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from api_service.store import outbox
from api_service.store.database import Database
from shared.domain.errors import Unavailable
from tests.integration.store.scene import SHARDS, waiting_for_locks


async def put(database: Database, shard: int, what: bytes) -> int:
    async with database.transaction() as c:
        version = await outbox.next_version(c, shard)
        await outbox.put(c, shard=shard, version=version, what=what)
        return version


async def test_simultaneous_writers_get_versions_without_gap_or_repeat(database: Database) -> None:
    async with asyncio.TaskGroup() as group:
        writers = [group.create_task(put(database, 3, b"")) for _ in range(20)]
    assert sorted(writer.result() for writer in writers) == list(range(1, 21))


async def test_who_takes_a_version_first_commits_first(database: Database) -> None:
    order: list[int] = []
    first_has_it = asyncio.Event()
    second_asks = asyncio.Event()

    async def first() -> None:
        async with database.transaction() as c:
            version = await outbox.next_version(c, 3)
            first_has_it.set()
            await second_asks.wait()
            order.append(version)

    async def second() -> None:
        await first_has_it.wait()
        async with database.transaction() as c:
            second_asks.set()
            order.append(await outbox.next_version(c, 3))

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        group.create_task(second())
    assert order == [1, 2]


async def test_a_version_that_is_not_committed_is_given_again(database: Database) -> None:
    async def failing() -> None:
        async with database.transaction() as c:
            await outbox.next_version(c, 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert await put(database, 3, b"") == 1
    assert await put(database, 4, b"") == 1  # shards count for themselves


async def put_several(database: Database, shards: list[int]) -> list[tuple[int, int]]:
    async with database.transaction() as c:
        versions = await outbox.next_versions(c, shards)
        await outbox.put_each(c, [(shard, version, b"") for shard, version in zip(shards, versions, strict=True)])
        return list(zip(shards, versions, strict=True))


async def test_several_versions_of_a_shard_are_given_in_the_order_in_which_they_are_asked_for(
    database: Database,
) -> None:
    await put(database, 3, b"")

    assert await put_several(database, [3, 5, 3, 0, 3]) == [(3, 2), (5, 1), (3, 3), (0, 1), (3, 4)]
    assert await put(database, 3, b"") == 5


async def test_who_takes_several_shards_and_who_takes_one_never_wait_for_each_other_in_a_circle(
    database: Database,
) -> None:
    draw = Random(7)
    asked = [draw.choices(range(SHARDS), k=draw.randint(1, 12)) for _ in range(60)]
    async with asyncio.TaskGroup() as group:
        several = [group.create_task(put_several(database, shards)) for shards in asked]
        for number in range(24):
            group.create_task(put(database, number % SHARDS, b""))
            group.create_task(put_everywhere(database, b""))

    given = [pair for writer in several for pair in writer.result()]
    assert len(set(given)) == sum(map(len, asked))
    async with database.connection() as c:
        gaps = await c.fetch("select shard from outbox group by shard having count(*) <> max(version)")
    assert gaps == []


async def test_a_shard_that_does_not_exist_has_no_version(database: Database) -> None:
    with pytest.raises(LookupError, match=f"no shard {SHARDS} "):
        await put_several(database, [0, SHARDS])


async def put_everywhere(database: Database, what: bytes) -> None:
    async with database.transaction() as c:
        await outbox.put_everywhere(c, what)


async def test_a_change_for_every_shard_is_the_next_version_of_each_whoever_else_writes(database: Database) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(24):
            group.create_task(put_everywhere(database, b"all"))
            group.create_task(put(database, number % SHARDS, b"one"))

    async with database.connection() as c:
        rows = await c.fetch("select shard, array_agg(version order by id) as versions from outbox group by shard")
        kept = {row["version"] for row in await c.fetch("select version from shard")}
    assert {row["shard"]: row["versions"] for row in rows} == {n: list(range(1, 28)) for n in range(SHARDS)}
    assert kept == {27}


async def test_shards_are_held_in_ascending_order(database: Database) -> None:
    async with asyncio.TaskGroup() as group, database.transaction() as gate:
        await outbox.next_version(gate, 5)
        group.create_task(put_everywhere(database, b""))
        async with database.connection() as c:
            await waiting_for_locks(c, 1)
            free = "select shard from shard where shard <> 5 order by shard for update skip locked"
            assert [row["shard"] for row in await c.fetch(free)] == [6, 7]


async def test_an_unknown_shard_is_refused(database: Database) -> None:
    with pytest.raises(LookupError, match="no shard 99"):
        await put(database, 99, b"")


async def test_two_relays_never_take_the_same_change(database: Database) -> None:
    for number in range(4):
        await put(database, number, bytes([number]))

    async with database.transaction() as one:
        taken = await outbox.take(one, 3)
        async with database.transaction() as other:
            rest = await outbox.take(other, 3)
        await outbox.delete(one, [change.id for change in taken[:2]])
    assert [change.what for change in taken] == [b"\0", b"\1", b"\2"]
    assert [(change.shard, change.version, change.what) for change in rest] == [(3, 1, b"\3")]

    async with database.transaction() as c:
        assert [change.what for change in await outbox.take(c, 10)] == [b"\2", b"\3"]
        assert await outbox.waiting(c) == 2


async def test_many_changes_of_a_shard_take_the_next_versions_in_their_order(database: Database) -> None:
    assert await put(database, 3, b"before") == 1

    async with database.transaction() as c:
        await outbox.put_all(c, shard=3, whats=[b"a", b"b", b"c"])
        await outbox.put_all(c, shard=3, whats=[])

    assert await put(database, 3, b"after") == 5
    async with database.transaction() as c:
        taken = await outbox.take(c, 10)
    assert [(one.version, one.what) for one in taken] == list(enumerate([b"before", b"a", b"b", b"c", b"after"], 1))


FILL = "insert into outbox (shard, version, what) select 1, n, '' from generate_series(1, $1::int) as n"


async def test_of_an_empty_outbox_nothing_is_old(database: Database) -> None:
    async with database.connection() as c:
        assert await outbox.backlog(c) == outbox.Backlog(age_seconds=0, changes=0)


async def test_the_oldest_change_says_since_when_changes_wait(database: Database) -> None:
    for _ in range(3):
        await put(database, 3, b"")
    async with database.connection() as c:
        await c.execute(
            "update outbox set written = written - interval '1 hour' where id = (select min(id) from outbox)"
        )
        backlog = await outbox.backlog(c)
        await c.execute("delete from outbox where id = (select min(id) from outbox)")
        later = await outbox.backlog(c)

    assert (backlog.changes, later.changes) == (3, 2)
    assert 3600 <= backlog.age_seconds < 3660
    assert 0 <= later.age_seconds < 60


async def test_few_changes_are_counted_and_many_reckoned_without_reading_the_table(database: Database) -> None:
    async with database.connection() as c:
        await c.execute(FILL, 2 * outbox.COUNTED_MOST)
        await c.execute("delete from outbox where id % 2 = 0")
        exact = await outbox.backlog(c)
        await c.execute(FILL, 1)
        reckoned = await outbox.backlog(c)
        for planner in ("reset enable_seqscan", "analyze outbox"):
            await c.execute(planner)
            plan = await c.fetch(f"explain {outbox.SQL['backlog']}", outbox.COUNTED_MOST)
            assert not [row[0] for row in plan if "Seq Scan" in row[0]]

    assert exact.changes == 2 * outbox.COUNTED_MOST - 1  # from the first number to the last: half of these are gone
    assert reckoned.changes == 2 * outbox.COUNTED_MOST + 1


async def test_a_schema_that_is_older_than_this_release_is_something_that_passes(database: Database) -> None:
    async with database.connection() as c:
        await c.execute("alter table outbox drop column written")
        with pytest.raises(Unavailable):
            await outbox.backlog(c)
