"""From creation to the first ring: an event rings at the next full second if at least 200 ms are left to it."""

from __future__ import annotations

import asyncio

import pytest

from tests.acceptance.client import Client, moment, now
from tests.acceptance.judging import SECOND
from tests.acceptance.world import World

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

OFFSETS = (15, 150, 300, 450, 600, 700, 780)  # milliseconds into a second
SECONDS = 4
LEFT_LEAST = 200
LATE_MOST = 500


async def test_an_event_rings_at_the_next_full_second(world: World, client: Client) -> None:
    async def first_ring(begin: int, path: str) -> tuple[int, int]:
        """Milliseconds that were left to the next full second, and by how many its ring was late."""
        await world.receiver.past(begin)
        created = await client.create(world.receiver.url + path)
        born = moment(created["createdDate"])
        following = (born // SECOND + 1) * SECOND

        await world.receiver.counted(path, 1, within=5)
        ring = (await world.receiver.arrivals(path))[0]

        assert (await client.ask("DELETE", f"/v1/events/{created['eventId']}")).status == 200
        assert created["nextRunDate"] is not None
        assert ring.event_id == created["eventId"]
        assert following - born < LEFT_LEAST or ring.nominal == following, f"{following - born} ms were left"
        return following - born, ring.arrived - following

    start = (now() // SECOND + 1) * SECOND
    async with asyncio.TaskGroup() as tasks:
        tries = [
            tasks.create_task(first_ring(start + second * SECOND + offset, f"/first/{second}/{offset}"))
            for second in range(SECONDS)
            for offset in OFFSETS
        ]

    enough = [(left, late) for left, late in sorted(task.result() for task in tries) if left >= LEFT_LEAST]
    latest = max(late for _, late in enough)
    print(f"first rings: {len(enough)} with {enough[0][0]} ms or more to go, late by at most {latest} ms")
    assert len(enough) >= len(tries) // 2
    assert latest <= LATE_MOST, enough
