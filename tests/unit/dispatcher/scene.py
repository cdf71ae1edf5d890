"""One dispatcher that owns everything and rings, in virtual time, over a fake network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.bus.local import LocalBroker, LocalBus
from shared.domain.timer import Timer
from shared.timing.instants import Instant
from tests.fakes.clock import VirtualClock
from tests.fakes.sender import FakeSender, Sent
from tests.fakes.town import Running, Town, town
from tests.unit.dispatcher.rules import timer

URL = "http://receiver.test/ring"


class Scene:
    """One dispatcher that owns everything and rings."""

    def __init__(self, place: Town, broker: LocalBroker, clock: VirtualClock, one: Running) -> None:
        self.town = place
        self.broker = broker
        self.clock = clock
        self.one = one

    @property
    def sender(self) -> FakeSender:
        return self.one.sender

    @property
    def sent(self) -> list[Sent]:
        return self.town.sent

    async def second(self, milliseconds: int = 500) -> Instant:
        """So long after the next full second; which second that is."""
        full = self.clock.now() // 1_000 * 1_000 + 1_000
        await self.clock.until(full + milliseconds)
        return full

    async def put(self, name: str = "t", **facts: Any) -> Timer:
        """Create or change a timer of every second from now on."""
        one = timer(name, **{"anchor": self.clock.now(), **facts})
        await self.town.api.put(one)
        return one

    def of(self, name: str) -> list[Sent]:
        return [one for one in self.sent if one.event == name]


@asynccontextmanager
async def ringing(*, rate_per_host: float = 0) -> AsyncIterator[Scene]:
    broker, clock = LocalBroker(), VirtualClock()
    async with town(LocalBus(broker), clock, shards=4, rate_per_host=rate_per_host) as place:
        one = place.start("d")
        await place.fair()
        scene = Scene(place, broker, clock, one)
        await scene.second()
        yield scene
