"""Events that are due every second for a minute: three hundred of them, then two thousand. How late is each?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

from tests.acceptance.client import now
from tests.bench.bare_client import bare_clients, body
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.place import Place
from tests.bench.receiver import Arrival

FEW, MANY = 300, 2_000
SECONDS: Final = 60
WORKERS: Final = 50  # requests under way, as RINGS_PER_HOST has it
FEW_GOAL_MS: Final = 60
SETTLING_MS: Final = 2_000  # from the start of a dispatcher to the first second that is looked at
LAST_ARRIVE_WITHIN: Final = 2.0


async def measure(place: Place) -> AsyncIterator[Figure]:
    for events in (FEW, MANY):
        with bare_clients(f"{place.receiver.url}/floor", workers=WORKERS, clients=1) as bare:
            arrivals = await _minute(place, events)
            floor = (await bare.post(5 * MANY)).rate
        late = sorted(one.late for one in arrivals)
        limit = FEW_GOAL_MS if events == FEW else None
        yield Figure(
            row="steady",
            what=f"{events:,} events every second for {SECONDS} s, p99 late",
            value=quantile(late, 0.99),
            unit="ms",
            floor=events / floor * 1000,
            floor_of=f"what a bare aiohttp client needs for {events:,} requests",
            goal=Goal(of="ratio", sense="<=", bound=1.3)
            if limit is None
            else Goal(of="value", sense="<=", bound=limit),
            note=f"p50 {quantile(late, 0.5)}, most {late[-1]}; {_accounted(arrivals, events)}",
        )


async def _minute(place: Place, events: int) -> list[Arrival]:
    """What arrived of every whole second that is looked at."""
    path = f"/steady/{events}"
    async with place.installation() as installation:
        await installation.fill(
            Wanted("* * * * * *", place.receiver.url + path, body(number)) for number in range(events)
        )
        mark = place.receiver.mark()
        await installation.start_dispatchers(1)
        first = (now() + SETTLING_MS) // 1000 * 1000 + 1000
        last = first + (SECONDS - 1) * 1000
        await asyncio.sleep((last - now()) / 1000 + LAST_ARRIVE_WITHIN)
        await place.receiver.settled(mark)
        return [one for one in place.receiver.arrivals(mark, path) if first <= one.nominal <= last]


def _accounted(arrivals: Sequence[Arrival], events: int) -> str:
    """What is missing or later than that, and what came twice, which is to be nothing."""
    times = Counter((one.event_id, one.nominal) for one in arrivals)
    missing, twice = events * SECONDS - len(times), len(arrivals) - len(times)
    return f"{missing} had not arrived {LAST_ARRIVE_WITHIN:g} s after the end, {twice} twice"


def quantile(ordered: Sequence[int], share: float) -> int:
    """What so great a share of these, in order, does not exceed."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
