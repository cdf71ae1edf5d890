"""RabbitMQ restarts under load: the API goes on accepting, nothing accepted is lost, and ringing catches up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from tests.acceptance.client import Client, moment, new_event, now
from tests.acceptance.judging import SECOND, account
from tests.acceptance.world import World

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

EVENTS = 30
BEFORE = 1 * SECOND
AFTER = 2 * SECOND
ASK_EVERY = 150
OUTAGE_MOST = 25 * SECOND  # of the broker, and of ringing after it; the catch-up rule allows a minute


@dataclass(slots=True, kw_only=True)
class Newcomers:
    """Events that are created while the broker is away."""

    client: Client
    url: str
    accepted: dict[str, int] = field(default_factory=dict)  # event to moment of creation
    refused: int = 0

    async def keep_coming(self, over: asyncio.Event, world: World) -> None:
        """Create event after event until it is over; each is accepted, or refused as it should be."""
        while not over.is_set():
            said = await self.client.ask("POST", "/v1/events", new_event(self.url))
            if said.status == 201:
                self.accepted[said.data["eventId"]] = moment(said.data["createdDate"])
            else:
                assert said.is_refusal(503), said
                self.refused += 1
            await world.receiver.past(now() + ASK_EVERY)


@pytest_asyncio.fixture(loop_scope="session")
async def load(world: World, client: Client) -> AsyncIterator[tuple[str, list[str]]]:
    path = f"/restart/{now()}"
    events = await client.crowd(world.receiver.url + path, EVENTS)
    await world.receiver.past(now() + BEFORE + SECOND)
    yield path, events
    await world.whole()
    await client.each("DELETE", events)


async def test_a_restart_of_the_broker_loses_nothing(world: World, client: Client, load: tuple[str, list[str]]) -> None:
    """Shown to fail where snapshots begin now, and not where the ledger ends: what fell into the outage never rang."""
    path, events = load
    newcomers = Newcomers(client=client, url=world.receiver.url + path)
    over = asyncio.Event()

    begin = now()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(newcomers.keep_coming(over, world))
        await asyncio.to_thread(world.rabbit.stop)
        await asyncio.to_thread(world.rabbit.start)
        back = now()
        await world.converged()
        over.set()
    settled = now()
    await world.receiver.past(settled + AFTER)

    arrivals = await world.receiver.arrivals(path, since=begin - BEFORE)
    await client.each("DELETE", sorted(newcomers.accepted))
    old = account(arrivals, events=events, since=begin - BEFORE, until=settled)
    fresh = [
        account(arrivals, events=[event], since=created + 1, until=settled)
        for event, created in newcomers.accepted.items()
    ]
    print(f"broker away for {back - begin} ms, shares settled {settled - back} ms after it was back; {old}")
    print(
        f"{len(fresh)} accepted and {newcomers.refused} refused meanwhile, latest {max(one.latest for one in fresh)} ms"
    )

    assert old.missing == []
    assert old.renamed == []
    assert old.latest <= OUTAGE_MOST
    assert len(fresh) > 0
    assert [one.missing for one in fresh if one.missing] == []
    assert [one.renamed for one in fresh if one.renamed] == []
