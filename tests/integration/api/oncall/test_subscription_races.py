"""A subscription is an event too: who pauses it while its schedule changes takes nothing of the change back."""

from __future__ import annotations

import asyncio

from api_service.store.database import Database
from tests.integration.api.oncall.stage import V4
from tests.integration.api.oncall.test_subscriptions import roster_of, shift, subscribe, told
from tests.integration.store.scene import waiting_for_locks


async def test_a_pause_that_waited_for_a_change_of_the_schedule_leaves_the_new_roster(
    v4: V4, database: Database
) -> None:
    schedule, ada = await v4.schedule(), await v4.person()
    subscription = await subscribe(v4, schedule)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        async with database.connection() as watching, database.transaction() as c:
            await c.execute("select from shard for update")  # whoever writes has locked all else by then
            change = tasks.create_task(shift(v4, schedule, ada))
            await waiting_for_locks(watching, 1)
            pause = tasks.create_task(v4.api.ask("POST", f"/v1/events/{subscription['id']}/pause"))
            await waiting_for_locks(watching, 2)
        await change
        assert (await pause).status == 200

    roster = await roster_of(database, subscription)
    assert roster.people == ((ada["id"], "Ada"),)
    last = (await told(database, subscription))[-1].timer
    async with database.connection() as c:
        assert last.roster == await c.fetchval("select roster from subscription where event_id = $1", last.id)
    assert last.paused
