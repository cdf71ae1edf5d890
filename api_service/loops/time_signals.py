"""What time is it? The dispatchers are told every five seconds; whether our own clock is right, Postgres is asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from api_service.loops.metrics import CLOCK_SKEW
from api_service.loops.trouble import Trouble
from api_service.store import clock as postgres
from api_service.store.database import Database
from shared.bus.port import BusUnavailable
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.messages.catalogue import TimeSignal
from shared.messages.codec import encode
from shared.observability.logs import get_logger

EVERY_SECONDS = 5.0
WINDOW = 6  # comparisons, of half a minute; after a step of a clock the old ones are gone by then

log = get_logger(__name__)


class Announcer(Protocol):
    """What telling needs of a publisher. One that has much else to send would tell the time late."""

    async def tell_time(self, body: bytes) -> None:
        """Confirmed, or BusUnavailable."""
        ...


class TimeSignals:
    """Tells every dispatcher what time it is on this machine, which is called `by`."""

    def __init__(self, *, publisher: Announcer, clock: Clock, by: str, every: float = EVERY_SECONDS) -> None:
        self._publisher = publisher
        self._clock = clock
        self._by = by
        self._every = every
        self._trouble = Trouble(name="time_signal", clock=clock, log=log)

    async def run(self) -> None:
        """Tell at once and then ever again; ends only by cancellation."""
        while True:
            try:
                await self._publisher.tell_time(encode(TimeSignal(now=self._clock.now(), by=self._by)))
            except BusUnavailable as error:
                await self._trouble.wait(error)
            else:
                self._trouble.over()
                await self._clock.sleep(self._every)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our clock against another, wrong by half the round trip at the most."""

    round_trip: float
    ahead: float


class Comparisons:
    """Our clock against that of Postgres, for the metric alone: events are dated by ours."""

    def __init__(self, *, database: Database, clock: Clock, every: float = EVERY_SECONDS) -> None:
        self._database = database
        self._clock = clock
        self._every = every
        self._latest: deque[Comparison] = deque(maxlen=WINDOW)
        self._trouble = Trouble(name="clock_comparison", clock=clock, log=log)

    async def run(self) -> None:
        """Compare at once and then ever again; ends only by cancellation."""
        while True:
            try:
                await self.compare()
            except Unavailable as error:
                await self._trouble.wait(error)
            else:
                self._trouble.over()
                await self._clock.sleep(self._every)

    async def compare(self) -> None:
        """Once. Raises Unavailable, and then nothing is known any more: by its end another machine may answer."""
        try:
            async with self._database.connection() as c:
                sent, asked = self._clock.now(), self._clock.steady()
                there = await postgres.now(c)
                round_trip = self._clock.steady() - asked
        except Unavailable:
            self._latest.clear()
            CLOCK_SKEW.unknown()
            raise
        self._latest.append(Comparison(round_trip=round_trip, ahead=(sent - there) / 1_000 + round_trip / 2))
        CLOCK_SKEW.all_known({"postgres": best(self._latest).ahead})


def best(comparisons: Iterable[Comparison]) -> Comparison:
    """The one with the shortest way there and back."""
    return min(comparisons, key=lambda one: one.round_trip)
