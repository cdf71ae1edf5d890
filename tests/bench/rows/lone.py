"""An event that is due when nothing else is: how late is it when nothing is in its way?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from shared.domain.delivery import spread_offset
from tests.acceptance.client import now
from tests.bench.figure import Figure, Goal
from tests.bench.place import Place
from tests.bench.rows.steady import quantile

EVENTS: Final = 25
SECONDS: Final = 5
SPREAD_SECONDS: Final = 1  # each rings in every second, at a moment of its own: so each is alone
SETTLING_MS: Final = 1_000  # from the start of a dispatcher to the first second that is looked at
GOAL_MS: Final = 5


async def measure(place: Place) -> AsyncIterator[Figure]:
    async with place.installation() as installation:
        ids = await installation.client().crowd(f"{place.receiver.url}/lone", EVENTS, spreadSeconds=SPREAD_SECONDS)
        offsets = {event_id: spread_offset(event_id, SPREAD_SECONDS * 1000) for event_id in ids}
        mark = place.receiver.mark()
        await installation.start_dispatchers(1)
        first = (now() + SETTLING_MS) // 1000 * 1000 + 1000
        await asyncio.sleep((first - now()) / 1000 + SECONDS + SPREAD_SECONDS)
        await place.receiver.settled(mark)
        arrivals = place.receiver.arrivals(mark, "/lone")
    late = sorted(one.late - offsets[one.event_id] for one in arrivals if first <= one.nominal < first + SECONDS * 1000)
    yield Figure(
        row="lone",
        what=f"an event alone, p99 late of {EVENTS * SECONDS}",
        value=quantile(late, 0.99),
        unit="ms",
        goal=Goal(of="value", sense="<=", bound=GOAL_MS),
        note=f"p50 {quantile(late, 0.5)}, most {late[-1]}; {EVENTS * SECONDS - len(late)} missing",
    )
