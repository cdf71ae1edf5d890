"""After a leap every number is one that nobody has heard of, and nothing else has changed."""

from __future__ import annotations

from typing import Any

from api_service.store import applications, events, outbox, setback, signing, snapshots
from api_service.store.database import Database
from tests.integration.store.scene import DAY, NOW, event, event_id, write


async def facts(database: Database) -> dict[str, Any]:
    async with database.connection() as c:
        return {
            "shards": [
                tuple(row) for row in await c.fetch("select version, epoch, incarnation from shard order by shard")
            ],
            "events": await c.fetch("select event_id, version from event order by 1"),
            "rules": await c.fetch("select event_id, version from event_rule order by 1, 2"),
            "series": await c.fetchval("select min(series) from event_state"),
            "generation": await c.fetchval("select min(key_generation) from application"),
        }


async def leapt(database: Database) -> int:
    async with database.transaction() as c:
        return await setback.leap(c)


async def test_everything_that_counts_has_leapt(database: Database, ours: int) -> None:
    await write(database, *(event(number, ours, version=number) for number in (1, 2, 9)))
    async with database.transaction() as c:
        await signing.add(c, ours, b"s" * 32, now=NOW)
        await snapshots.claim(c, 1, "incarnation", "owner")
        for _ in range(9):
            await outbox.next_version(c, 1)
    before = await facts(database)

    assert await leapt(database) == 3
    after = await facts(database)

    far = setback.VERSIONS
    assert after["shards"] == [(v + far, e + setback.EPOCHS, name) for v, e, name in before["shards"]]
    for table in ("events", "rules"):
        assert before[table]
        assert after[table] == [(name, version + far) for name, version in before[table]]
    assert after["series"] == before["series"] + far
    assert after["generation"] == before["generation"] + far


async def test_a_shard_adds_up_and_goes_on(database: Database, ours: int) -> None:
    await write(database, event(1, ours, version=1), event(9, ours, version=2))

    await leapt(database)

    async with database.transaction() as c:
        digest = await snapshots.digest(c, 1, NOW)
        claim = await snapshots.claim(c, 1, "another", "owner")
        assert (digest.count, digest.versions_sum) == (2, 3 + 2 * setback.VERSIONS)
        assert claim.epoch == setback.EPOCHS + 1
        assert await outbox.next_version(c, 1) == digest.version + 1
    async for page in snapshots.read(database, 1, now=NOW):
        assert [timer.id for timer in page.timers] == [event_id(1), event_id(9)]
        assert all(timer.version > setback.VERSIONS for timer in page.timers)


async def test_a_new_application_has_a_number_that_no_forgotten_one_had(database: Database, ours: int) -> None:
    await leapt(database)

    async with database.transaction() as c:
        new = await applications.register(c, app_name="new", key_hash=b"n" * 32, now=NOW)
    assert new > ours + setback.APPLICATIONS


async def test_it_can_leap_often(database: Database, ours: int) -> None:
    await write(database, event(1, ours, end_date=NOW + DAY))
    for _ in range(3):
        await leapt(database)

    async with database.connection() as c:
        assert (await events.get(c, ours, event_id(1))).version == 1 + 3 * setback.VERSIONS
