"""Who waits for whom before it is recorded? Outcomes for each other, and nothing else for anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_service.loops.gathering import TOGETHER, Arrived, Gathering
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import OUTCOMES_HELD, Work
from shared.messages.catalogue import Outcomes, Released, Report, SnapshotRequest
from shared.messages.codec import ContractError, encode
from tests.integration.api.stage import StandingClock
from tests.integration.loops.scene import attempted, event

FOR_EVER = 3_600.0  # a rest whose end no test lives to see
RUNG = event(1)

Said = Outcomes | Released | SnapshotRequest | bytes

ALONE: list[Said] = [Released(3, "i-1", 1), SnapshotRequest(3, "i-2", "d-2", "r-1"), b"gibberish"]


def told(count: int) -> Outcomes:
    return Outcomes("d-1", [Report(3, "i-1", 1, [attempted(RUNG, second) for second in range(count)])])


class Desk:
    """A queue, and what is gathered from it."""

    def __init__(self, bus: LocalBus, gathering: Gathering, clock: StandingClock) -> None:
        self.clock = clock
        self._bus = bus
        self._gathering = gathering

    async def say(self, *messages: Said) -> None:
        for message in messages:
            body = message if isinstance(message, bytes) else encode(message)
            await self._bus.publisher().to_work(Work.OUTCOMES, body)

    async def next(self) -> list[int]:
        """How many outcomes each of the messages has that are dealt with together now."""
        return [one.outcomes for one in await self.arrived()]

    async def arrived(self) -> list[Arrived]:
        async with asyncio.timeout(20):
            together = await self._gathering.next()
        for one in together:
            await one.delivery.ack()
        self._gathering.dealt_with()
        return together


@asynccontextmanager
async def desk(*, rest: float, each: float = FOR_EVER) -> AsyncIterator[Desk]:
    bus, clock = LocalBus(LocalBroker()), StandingClock()
    async with bus.consume(Work.OUTCOMES) as deliveries:
        yield Desk(bus, Gathering(deliveries, rest=rest, each=each, clock=clock), clock)


async def test_what_comes_alone_is_recorded_at_once() -> None:
    async with desk(rest=FOR_EVER) as one:
        await one.say(told(1))

        assert await one.next() == [1]


async def test_while_the_recorder_rests_outcomes_gather() -> None:
    """Shown to fail where it does not rest."""
    async with desk(rest=FOR_EVER) as one:
        await one.say(told(1))
        await one.next()

        async with asyncio.TaskGroup() as group:
            gathering = group.create_task(one.next())
            for _ in range(OUTCOMES_HELD):  # none of them ends the rest but the last
                await asyncio.sleep(0)
                await one.say(told(2))

        assert gathering.result() == [2] * OUTCOMES_HELD


async def test_after_few_outcomes_it_hardly_rests_and_after_many_for_as_long_as_it_may() -> None:
    """Shown to fail where every rest is as long."""
    async with desk(rest=FOR_EVER, each=1.0) as one:
        await one.say(told(1))
        await one.next()
        one.clock.moment += 1_000
        await one.say(told(2))
        assert await one.next() == [2]

        one.clock.moment += 1_000
        await one.say(told(3))
        async with asyncio.TaskGroup() as group:
            gathering = group.create_task(one.next())
            await asyncio.sleep(0)
            assert not gathering.done()
            await one.say(ALONE[0])
        assert gathering.result() == [3]


async def test_who_has_rested_waits_no_more() -> None:
    """Shown to fail where the rest begins anew with whatever comes."""
    async with desk(rest=FOR_EVER) as one:
        await one.say(told(1))
        await one.next()
        one.clock.moment += round(FOR_EVER * 1000)

        await one.say(told(2))

        assert await one.next() == [2]


@pytest.mark.parametrize("marker", ALONE, ids=lambda one: type(one).__name__)
async def test_a_message_of_another_kind_waits_for_nobody_but_those_before_it(marker: Said) -> None:
    """Shown to fail where any message may gather: the new owner of a shard would wait out the rest."""
    async with desk(rest=FOR_EVER) as one:
        await one.say(told(1))
        await one.next()

        await one.say(told(2), told(3), marker, marker)

        assert [await one.next() for _ in range(3)] == [[2, 3], [-1], [-1]]
        await one.say(marker)
        assert await one.next() == [-1]


async def test_so_many_are_recorded_together_and_a_message_is_not_cut() -> None:
    async with desk(rest=0) as one:
        await one.say(*[told(500)] * 5, told(TOGETHER + 1), told(1))

        assert [await one.next() for _ in range(4)] == [[500] * 4, [500], [TOGETHER + 1], [1]]


async def test_what_nobody_understands_keeps_the_reason() -> None:
    async with desk(rest=0) as one:
        await one.say(b"gibberish")

        assert [type(each.says) for each in await one.arrived()] == [ContractError]


@given(st.lists(st.sampled_from([0, 1, 499, 500, 1_999, -1]), min_size=1, max_size=OUTCOMES_HELD * 2))
@settings(max_examples=50)
async def test_whatever_comes_is_dealt_with_once_and_in_order(coming: list[int]) -> None:
    found: list[list[int]] = []
    async with desk(rest=0) as one:
        await one.say(*(ALONE[0] if size < 0 else told(size) for size in coming))
        while sum(map(len, found)) < len(coming):
            found.append(await one.next())

    assert [size for together in found for size in together] == coming
    for together in found:
        assert len(together) == 1 or (min(together) >= 0 and sum(together) <= TOGETHER)
