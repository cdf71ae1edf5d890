"""Dispatchers come and go under load: each nominal instant of each event rings, nearly on time, under one name.

Three hundred events ring every second over three dispatchers. One is killed, one is added, one is told to leave.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.acceptance.client import Client, now
from tests.acceptance.judging import SECOND, Account, account
from tests.acceptance.world import World

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

EVENTS = 300
BEFORE = 2 * SECOND
AFTER = 3 * SECOND
KILLED_BEFORE = 50  # milliseconds before a full second: what is due then must wait for the takeover
TOLD_BEFORE = 500  # the hand-over of the shards begins a moment after the signal
LATE_MOST_KILLED = 2_000
LATE_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Events that ring every second, at one path."""

    world: World
    path: str
    events: frozenset[str]

    async def shortly_before_a_second(self, lead: int) -> int:
        """That moment, once it has come."""
        begin = (now() // SECOND + 2) * SECOND - lead
        await self.world.receiver.past(begin)
        return now()

    async def around(self, fault: int) -> Account:
        """The account of what rang from a little before the fault until everything has had its time."""
        until = fault + AFTER
        await self.world.receiver.past(until + LATE_MOST_KILLED)
        told = await self.world.receiver.told(self.path, since=fault - BEFORE)
        found = account(told.arrivals, events=self.events, since=fault - BEFORE, until=until)
        print(f"{found}; the receiver itself was kept waiting for {told.stall} ms at most")
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(world: World) -> AsyncIterator[Crowd]:
    """The crowd, ringing, for as long as a test lasts."""
    client: Client = await world.client()
    path = f"/crowd/{now()}"
    events = await client.crowd(world.receiver.url + path, EVENTS)
    await world.receiver.past(now() + BEFORE + SECOND)
    yield Crowd(world=world, path=path, events=frozenset(events))
    await client.each("DELETE", events)


async def test_every_instant_rings_through_a_kill_a_newcomer_and_a_farewell(crowd: Crowd) -> None:
    """One story, since each part begins where the one before it ends: three dispatchers, two, three, two.

    Shown to fail where snapshots begin now, and not where the ledger ends: what fell into the takeover never rang.
    """
    world = crowd.world
    victim, leaver = [one for one in world.dispatchers if one.runs][:2]

    fault = await crowd.shortly_before_a_second(KILLED_BEFORE)
    victim.kill()
    killed = await crowd.around(fault)
    await victim.gone()
    await world.converged()

    newcomer = world.new_dispatcher()
    fault = now()
    added = await crowd.around(fault)
    await world.converged()
    assert await newcomer.figure("carillon_owned_shards") > 0

    fault = await crowd.shortly_before_a_second(TOLD_BEFORE)
    leaver.terminate()
    left = await crowd.around(fault)
    await leaver.gone()
    await world.converged()

    for what, found in (("killed", killed), ("added", added), ("left", left)):
        assert found.missing == [], what
        assert found.renamed == [], what
        assert found.earliest >= 0, what
    assert killed.latest <= LATE_MOST_KILLED
    assert added.latest <= LATE_MOST
    assert left.latest <= LATE_MOST
    assert added.repeated == []
    assert left.repeated == []
