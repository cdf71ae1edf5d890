"""A quota is exact however many create at once, and far from it nobody waits for anybody."""

from __future__ import annotations

import asyncio

from api_service.store import events, outbox, quotas
from api_service.store.database import Connection, Database
from tests.integration.store.scene import event, insert, terms, waiting_for_a_lock

ROOMY = {"quota": 100, "at_once": 3, "each": 1}


async def create(c: Connection, number: int, application_id: int) -> None:
    new = event(number, application_id)
    await outbox.next_version(c, new.shard)
    await insert(c, new)


async def used(database: Database, application_id: int) -> tuple[int, int]:
    """The number of events as it is kept, and as it is counted."""
    async with database.connection() as c:
        kept = await c.fetchval(
            "select coalesce(sum(events), 0) from event_count where application_id = $1", application_id
        )
        counted = await c.fetchval("select count(*) from event where application_id = $1", application_id)
    return int(kept), counted


async def test_events_are_counted_as_they_come_and_go(database: Database, ours: int, theirs: int) -> None:
    async with database.transaction() as c:
        for number in range(20):
            await create(c, number, ours if number % 3 else theirs)
        for number in (1, 2, 3):
            gone = event(number, ours if number % 3 else theirs)
            await events.delete(c, gone, terms=terms(gone))

    assert await used(database, ours) == (11, 11)
    assert await used(database, theirs) == (6, 6)


async def test_what_is_rolled_back_never_counted(database: Database, ours: int) -> None:
    async with database.connection() as c:
        attempt = c.transaction()
        await attempt.start()
        await create(c, 1, ours)
        await attempt.rollback()

    assert await used(database, ours) == (0, 0)


async def test_no_quota_has_no_end(database: Database, ours: int) -> None:
    async with database.transaction() as c:
        assert await quotas.hold(c, ours, 0)


async def test_far_from_the_quota_nobody_waits(database: Database, ours: int) -> None:
    async with database.transaction() as one, database.transaction() as two:
        assert await quotas.hold(one, ours, **ROOMY)
        await create(one, 1, ours)
        assert await quotas.hold(two, ours, **ROOMY)  # and does not wait for `one`
        await create(two, 2, ours)

    assert await used(database, ours) == (2, 2)


async def test_at_the_quota_nobody_takes_the_place_that_another_is_about_to_take(
    database: Database, ours: int, theirs: int
) -> None:
    async with asyncio.TaskGroup() as tasks, database.connection() as watcher, database.transaction() as one:
        assert await quotas.hold(one, ours, 1)
        two = tasks.create_task(_hold(database, ours, 1))
        async with asyncio.timeout(30):
            await waiting_for_a_lock(watcher, "advisory")
        assert await _hold(database, theirs, 1)  # another application is another matter
        await create(one, 1, ours)
    # `one` was committed before the group ended, or `two` could not have.
    assert two.result() is False


async def test_who_is_close_waits_for_those_who_began_when_it_was_far(database: Database, ours: int) -> None:
    async with database.transaction() as c:
        for number in range(97):
            await create(c, number, ours)
    async with asyncio.TaskGroup() as tasks, database.connection() as watcher, database.transaction() as far:
        assert await quotas.hold(far, ours, **ROOMY)
        async with database.transaction() as faster:
            assert await quotas.hold(faster, ours, **ROOMY)
            await create(faster, 98, ours)
        close = tasks.create_task(_hold(database, ours, **ROOMY))
        async with asyncio.timeout(30):
            await waiting_for_a_lock(watcher, "advisory")
        await create(far, 99, ours)
    assert close.result() is True  # the hundredth
    assert await used(database, ours) == (99, 99)


async def test_of_many_as_many_have_room_as_there_is(database: Database, ours: int, theirs: int) -> None:
    async with database.transaction() as c:
        for number in range(7):
            await create(c, number, ours)
        wanted = {theirs: 11, ours: 5}
        assert await quotas.room(c, wanted, 10, at_once=1, each=1) == {theirs: 10, ours: 3}
    async with database.transaction() as c:
        assert await quotas.room(c, wanted, 0) == wanted


async def test_who_wants_more_than_others_leave_room_for_waits_to_be_alone(database: Database, ours: int) -> None:
    async with asyncio.TaskGroup() as tasks, database.connection() as watcher, database.transaction() as one:
        assert await quotas.hold(one, ours, **ROOMY)
        many = tasks.create_task(_room(database, ours, 100))
        async with asyncio.timeout(30):
            await waiting_for_a_lock(watcher, "advisory")
        await create(one, 1, ours)
    assert many.result() == 99


async def _room(database: Database, application_id: int, count: int) -> int:
    async with database.transaction() as c:
        return (await quotas.room(c, {application_id: count}, **ROOMY))[application_id]


async def _hold(database: Database, application_id: int, quota: int, **margin: int) -> bool:
    async with database.transaction() as c:
        return await quotas.hold(c, application_id, quota, **margin)
