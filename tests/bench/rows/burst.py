"""Ten thousand events that are due in the same second, with one dispatcher and with two."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from tests.acceptance.client import now
from tests.bench.bare_client import BareClients, Posted, bare_clients, body
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.place import Installation, Place, Spent, spent
from tests.bench.receiver import NginxReceiver

EVENTS: Final = 10_000
ROUNDS: Final = 2
PERIOD: Final = 12  # seconds from burst to burst, a share of the minute; the floor is measured between two
WORKERS: Final = 50  # requests under way, as RINGS_PER_HOST has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A burst, and the same number of bare requests right after it."""

    rate: float
    cost: Spent
    floor: Posted

    @property
    def ratio(self) -> float:
        """How near to the floor."""
        return self.rate / self.floor.rate


async def measure(place: Place) -> AsyncIterator[Figure]:
    with bare_clients(f"{place.receiver.url}/floor", workers=WORKERS) as floor:
        async with place.installation() as installation:
            url = f"{place.receiver.url}/burst"
            await installation.fill(Wanted(f"*/{PERIOD} * * * * *", url, body(number)) for number in range(EVENTS))
            for dispatchers in (1, 2):
                await installation.start_dispatchers(1)
                await _next_burst(ahead=PERIOD - 2)  # what those did that came up in mid-burst is not measured
                rounds = [await _round(place, installation, floor) for _ in range(ROUNDS)]
                for figure in _figures(dispatchers, rounds):
                    yield figure


def _figures(dispatchers: int, rounds: list[Round]) -> Iterator[Figure]:
    many = "1 dispatcher" if dispatchers == 1 else f"{dispatchers} dispatchers"
    middle = sorted(rounds, key=lambda one: one.ratio)[len(rounds) // 2]
    yield Figure(
        row="burst",
        what=f"{EVENTS:,} due at once, {many}",
        value=middle.rate,
        unit="rings/s",
        floor=middle.floor.rate,
        floor_of=f"{dispatchers} bare aiohttp clients on uvloop, {WORKERS} requests under way each",
        goal=Goal(of="ratio", sense=">=", bound=0.80 if dispatchers == 1 else 0.85),
        note="rounds " + ", ".join(f"{one.ratio:.2f}" for one in rounds),
    )
    yield Figure(
        row="burst",
        what=f"processor time of {many}",
        value=statistics.median(one.cost.dispatchers for one in rounds) / EVENTS * 1000,
        unit="s per 1,000",
        floor=statistics.median(one.floor.cpu_seconds for one in rounds) / EVENTS * 1000,
        floor_of="the bare clients'",
        goal=Goal(of="ratio", sense="<=", bound=1.3),
        note=f"for all: {middle.cost}",
    )


async def _round(place: Place, installation: Installation, floor: BareClients) -> Round:
    await _next_burst(ahead=1)
    mark, before = place.receiver.mark(), spent(place, installation)
    rate = await _burst(place.receiver, mark)
    await installation.recorded(within=60)
    cost = spent(place, installation).since(before)
    await asyncio.sleep(0.2)
    return Round(rate=rate, cost=cost, floor=await floor.post(EVENTS, clients=len(installation.dispatchers)))


async def _next_burst(*, ahead: float) -> None:
    """Return so many seconds before the next burst is due."""
    left = PERIOD - now() / 1000 % PERIOD - ahead
    await asyncio.sleep(left if left >= 0 else left + PERIOD)


async def _burst(receiver: NginxReceiver, mark: int) -> float:
    """Rings a second, from the moment they are due to the last one's arrival; all must come, and none twice."""
    await receiver.counted(mark, EVENTS, within=60)
    arrivals = receiver.arrivals(mark, "/burst")
    assert len({one.event_id for one in arrivals}) == len(arrivals) == EVENTS, "one is missing, or came twice"
    return EVENTS / max(one.late for one in arrivals) * 1000
