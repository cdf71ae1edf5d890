"""One dispatcher and two against a receiver that takes 100 ms: limits of concurrency bound them, and not processors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Final

from tests.acceptance.client import now
from tests.bench.bare_client import body
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.place import Place
from tests.bench.slow_receiver import SlowReceiver, slow_receiver

EVENTS: Final = 3_600  # one dispatcher has work for seven seconds
PERIOD: Final = 12  # seconds: a share of the minute, and longer than a burst takes one dispatcher
TAKES: Final = 0.1
COUNTED: Final = (500, 3_000)  # milliseconds after they were due: both are at it, and neither runs out of work


async def measure(place: Place) -> AsyncIterator[Figure]:
    with slow_receiver(TAKES) as receiver:
        async with place.installation() as installation:
            await installation.fill(
                Wanted(f"*/{PERIOD} * * * * *", f"{receiver.url}/slow", body(number)) for number in range(EVENTS)
            )
            rates = []
            for _ in range(2):
                await installation.start_dispatchers(1)
                rates.append(await _rate(receiver))
    for (dispatchers, rate), floor in zip(enumerate(rates, start=1), (None, rates[0]), strict=True):
        yield Figure(
            row="scaleout",
            what=f"receiver takes {TAKES * 1000:.0f} ms, {dispatchers} dispatcher{'s' * (dispatchers > 1)}",
            value=rate,
            unit="rings/s",
            floor=floor,
            floor_of="one dispatcher",
            goal=None if floor is None else Goal(of="ratio", sense=">=", bound=1.9),
            note="RINGS_PER_HOST, 50, bounds it to 500" if floor is None else "",
        )


async def _rate(receiver: SlowReceiver) -> float:
    """Rings a second while everybody has enough to do, in the next burst of which nothing is late when it begins."""
    while True:
        due = (now() // 1000 // PERIOD + 1) * PERIOD * 1000
        await asyncio.sleep((due - now() - 300) / 1000)
        before = receiver.arrivals()
        if not before or before[-1] < now() - 500:  # else the last burst is not over: catching up after a start
            break
        await asyncio.sleep(1.0)
    await asyncio.sleep((due + COUNTED[1] - now()) / 1000 + 0.3)
    arrivals = receiver.arrivals()
    assert all(one <= other for one, other in pairwise(arrivals))
    begin, end = due + COUNTED[0], due + COUNTED[1]
    return sum(begin <= one < end for one in arrivals) / (end - begin) * 1000
