"""A town with a hundred timers that ring every second, on the bus in one process, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.bus.local import LocalBroker, LocalBus
from shared.domain.timer import Timer
from tests.fakes.clock import EPOCH, VirtualClock
from tests.fakes.town import Town, town
from tests.unit.dispatcher.rules import timer

TIMERS = 100


class Place:
    """A town with a hundred timers that ring every second."""

    def __init__(self, people: Town, broker: LocalBroker, clock: VirtualClock) -> None:
        self.town = people
        self.broker = broker
        self.clock = clock
        self.timers: list[Timer] = []

    async def populate(self, count: int = TIMERS) -> None:
        self.timers = [timer(f"timer-{number}", anchor=self.clock.now()) for number in range(count)]
        for one in self.timers:
            await self.town.api.put(one)

    async def ring_for(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def settle(self) -> int:
        """Half a second into a second; the last second that has rung completely."""
        await self.clock.until(self.clock.now() // 1_000 * 1_000 + 1_500)
        return self.clock.now() // 1_000 * 1_000

    def complete(self, last: int) -> None:
        """Nothing is missing from the first second to this one."""
        assert self.town.missing(self.timers, EPOCH + 1_000, last) == []


@asynccontextmanager
async def a_place(*, takeover_wait: float = 0, timers: int = TIMERS, shards: int = 64) -> AsyncIterator[Place]:
    broker, clock = LocalBroker(), VirtualClock()
    async with town(LocalBus(broker), clock, takeover_wait=takeover_wait, shards=shards) as people:
        place = Place(people, broker, clock)
        await place.populate(timers)
        yield place
