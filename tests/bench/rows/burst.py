"""Ten thousand events that are due in the same second, with one dispatcher and with two."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator
from typing import Final

from tests.acceptance.client import now
from tests.bench.bare_client import BareClients, bare_clients, body
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.place import Installation, Place, cpu_seconds
from tests.bench.receiver import NginxReceiver

EVENTS: Final = 10_000
ROUNDS: Final = 3
PERIOD: Final = 10  # seconds from burst to burst; the floor is measured in the middle between two
WORKERS: Final = 50  # requests under way, as RINGS_PER_HOST has it


async def measure(place: Place) -> AsyncIterator[Figure]:
    with bare_clients(f"{place.receiver.url}/floor", workers=WORKERS) as floor:
        async with place.installation() as installation:
            async for figure in _with(installation, place.receiver, floor):
                yield figure


async def _with(installation: Installation, receiver: NginxReceiver, floor: BareClients) -> AsyncIterator[Figure]:
    url = f"{receiver.url}/burst"
    await installation.fill(Wanted(f"*/{PERIOD} * * * * *", url, body(number)) for number in range(EVENTS))
    for dispatchers in (1, 2):
        await installation.start_dispatchers(1)
        async for figure in _bursts(installation, receiver, floor, dispatchers):
            yield figure


async def _bursts(
    installation: Installation, receiver: NginxReceiver, floor: BareClients, dispatchers: int
) -> AsyncIterator[Figure]:
    rates, floors, cpus, floor_cpus, ratios = [], [], [], [], []
    await _next_burst(ahead=PERIOD - 2)
    for _ in range(ROUNDS):
        await _next_burst(ahead=1)
        mark, cpu = receiver.mark(), cpu_seconds(*installation.dispatchers)
        rate = await _burst(receiver, mark)
        await asyncio.sleep(1.0)  # for the reports of the last ones, which are part of what a ring costs
        cpus.append((cpu_seconds(*installation.dispatchers) - cpu) / EVENTS * 1000)
        await installation.recorded(within=PERIOD)
        bare = await floor.post(EVENTS, clients=dispatchers)
        rates.append(rate)
        floors.append(bare.rate)
        floor_cpus.append(bare.cpu_seconds / EVENTS * 1000)
        ratios.append(rate / bare.rate)
    many = "1 dispatcher" if dispatchers == 1 else f"{dispatchers} dispatchers"
    middle = statistics.median(ratios)
    yield Figure(
        row="burst",
        what=f"{EVENTS:,} due at once, {many}",
        value=statistics.median(floors) * middle,
        unit="rings/s",
        floor=statistics.median(floors),
        floor_of=f"{dispatchers} bare aiohttp clients on uvloop, {WORKERS} requests under way each",
        goal=Goal(of="ratio", sense=">=", bound=0.80 if dispatchers == 1 else 0.85),
        note="ratios " + ", ".join(f"{ratio:.2f}" for ratio in ratios),
    )
    if dispatchers == 1:
        yield Figure(
            row="burst",
            what=f"processor time, {many}",
            value=statistics.median(cpus),
            unit="s per 1,000 rings",
            floor=statistics.median(floor_cpus),
            floor_of="the bare client's",
            goal=Goal(of="ratio", sense="<=", bound=1.3),
        )


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
