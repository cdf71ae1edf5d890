"""One of two dispatchers is killed: for how long is an event silent beyond its period?

Twenty thousand events, each once a minute, a sixtieth of them in every second. It is killed shortly before a full
second, and some events of each of its shards are due in it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from tests.acceptance.client import now
from tests.bench.bare_client import body
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.place import Installation, Place
from tests.bench.receiver import Arrival, NginxReceiver

EVENTS: Final = 20_000
SECONDS: Final = 60
KILLS: Final = 2
BEFORE_MS: Final = 30  # the kill, before a full second
WATCHED: Final = 2  # full seconds
SETTLES_MS: Final = 2_500  # after the last of them


async def measure(place: Place) -> AsyncIterator[Figure]:
    async with place.installation() as installation:
        url = f"{place.receiver.url}/takeover"
        ids = await installation.fill(
            Wanted(f"{number % SECONDS} * * * * *", url, body(number)) for number in range(EVENTS)
        )
        due = [{event for number, event in enumerate(ids) if number % SECONDS == second} for second in range(SECONDS)]
        await installation.start_dispatchers(2)
        silences, doubled = [], 0
        for kill in range(KILLS):
            if kill:
                await installation.start_dispatchers(1)
                await asyncio.sleep(1.0)
            silence, twice = await _taken_over(installation, place.receiver, due)
            silences.append(silence)
            doubled += twice
    yield Figure(
        row="takeover",
        what=f"one of two killed, {EVENTS:,} timers: longest silence beyond the period",
        value=max(silences),
        unit="ms",
        goal=Goal(of="value", sense="<=", bound=1_000),
        note=f"kills: {', '.join(map(str, silences))} ms; {doubled} rung twice",
    )


async def _taken_over(installation: Installation, receiver: NginxReceiver, due: list[set[str]]) -> tuple[int, int]:
    """Milliseconds from the kill to the latest of what was due in it, and how many came twice; all must come."""
    victim = next(one for one in installation.dispatchers if one.runs)
    first = (now() // 1000 + 2) * 1000
    await asyncio.sleep((first - BEFORE_MS - 1000 - now()) / 1000)
    mark = receiver.mark()
    await asyncio.sleep((first - BEFORE_MS - now()) / 1000)
    victim.kill()
    killed = now()
    await victim.gone()
    await asyncio.sleep((first + (WATCHED - 1) * 1000 + SETTLES_MS - now()) / 1000)
    await receiver.settled(mark)
    watched = range(first, first + WATCHED * 1000, 1000)
    arrivals = [one for one in receiver.arrivals(mark, "/takeover") if one.nominal in watched]
    for nominal in watched:
        missing = due[nominal // 1000 % SECONDS] - {one.event_id for one in arrivals if one.nominal == nominal}
        assert not missing, f"{len(missing)} events did not ring"
    return max(one.arrived - max(one.nominal, killed) for one in arrivals), _twice(arrivals)


def _twice(arrivals: list[Arrival]) -> int:
    return sum(times > 1 for times in Counter((one.event_id, one.nominal) for one in arrivals).values())
