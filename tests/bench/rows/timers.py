"""A million timers in one dispatcher: how long their snapshots take, what they cost, and what is late meanwhile.

A hundred of them ring every second, spread over it, from when their shards ring to the end. Before, the same dispatcher
with a thousand timers rings the same hundred: what a ring costs then is what it is to cost among a million.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from api_service.store.database import connect
from api_service.store.delivery import text_of
from shared.domain.delivery import Delivery, spread_offset
from tests.bench.bare_client import body
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.million import fill
from tests.bench.place import Installation, Place, Spent, cpu_seconds, spent
from tests.bench.receiver import Arrival
from tests.bench.rows.steady import quantile
from tests.servers.processes import Service

BELLS: Final = 100
FEW, MANY = 1_000, 1_000_000
SPREAD_MS: Final = 1_000
SECONDS: Final = 8  # for which rings are counted, among few and among many
SETTLE_SECONDS: Final = 2.0
LOADS_WITHIN: Final = 90.0
BYTES: Final = 550


async def measure(place: Place) -> AsyncIterator[Figure]:
    async with place.installation() as installation:
        bells = await _bells(place, installation)
        await _fill(place, installation, FEW - BELLS)
        await installation.start_dispatchers(1)
        few = await _ringing(place, installation)
        empty = resident(installation.dispatchers[0])
        await _leaves(installation)

        await _fill(place, installation, MANY - FEW)
        mark, before, started = place.receiver.mark(), spent(place, installation), time.monotonic()
        await installation.start_dispatchers(1, within=LOADS_WITHIN)
        seconds = time.monotonic() - started
        cost = spent(place, installation).since(before)
        each = (resident(installation.dispatchers[0]) - empty) / (MANY - FEW)
        await place.receiver.settled(mark)
        late = lateness(place.receiver.arrivals(mark, "/million/bell"), bells)
        many = await _ringing(place, installation)
    for figure in _of_load(seconds, each, late, cost):
        yield figure
    yield Figure(
        row="growth",
        what=f"processor time of a ring among {MANY:,} timers, {BELLS} a second",
        value=many * 1000,
        unit="ms",
        floor=few * 1000,
        floor_of=f"among {FEW:,}",
        goal=Goal(of="ratio", sense="<=", bound=1.3),
        note="all of the dispatcher's, its canaries, lease and comparisons included",
    )


def _of_load(seconds: float, each: float, late: Sequence[int], cost: Spent) -> list[Figure]:
    return [
        Figure(
            row="timers",
            what=f"{MANY:,} timers from a dispatcher's start until all shards ring",
            value=seconds,
            unit="s",
            goal=Goal(of="value", sense="<=", bound=15),
            note=f"processor time: {cost}",
        ),
        Figure(
            row="timers",
            what="resident memory of a timer",
            value=each,
            unit="bytes",
            goal=Goal(of="value", sense="<=", bound=BYTES),
        ),
        Figure(
            row="timers",
            what=f"up to {BELLS} rings a second while they are loaded, p99 late",
            value=quantile(sorted(late), 0.99),
            unit="ms",
            goal=Goal(of="value", sense="<=", bound=20),
            note=f"of {len(late)}: p50 {quantile(sorted(late), 0.5)}, most {max(late)}",
        ),
    ]


async def _bells(place: Place, installation: Installation) -> list[str]:
    """Who rings every second, each at its own moment of it; their ids."""
    url = f"{place.receiver.url}/million/bell"
    bells = await installation.fill(Wanted("* * * * * *", url, body(number)) for number in range(BELLS))
    async with connect(installation.settings["DATABASE_URL"]) as c:
        delivery = text_of(Delivery(spread_ms=SPREAD_MS))
        await c.execute("update event set delivery = $1 where event_id = any($2::text[])", delivery, bells)
    return bells


async def _fill(place: Place, installation: Installation, events: int) -> None:
    url = f"{place.receiver.url}/million"
    await fill(installation.settings["DATABASE_URL"], installation.application, installation.shards, events, url)


async def _ringing(place: Place, installation: Installation) -> float:
    """The dispatcher's processor time for a ring, over some seconds in peace."""
    await asyncio.sleep(SETTLE_SECONDS)
    mark, before = place.receiver.mark(), cpu_seconds(*installation.dispatchers)
    await asyncio.sleep(SECONDS)
    cost = cpu_seconds(*installation.dispatchers) - before
    await place.receiver.settled(mark)
    rings = len(place.receiver.arrivals(mark, "/million/bell"))
    assert rings >= BELLS * SECONDS * 0.9, f"{rings} rings in {SECONDS} s"
    return cost / rings


async def _leaves(installation: Installation) -> None:
    """The dispatcher goes as it is asked to, so that the next one has nobody's shards."""
    leaving = installation.dispatchers.pop()
    leaving.terminate()
    await leaving.gone()


def lateness(arrivals: Sequence[Arrival], bells: Sequence[str]) -> list[int]:
    """By how many milliseconds each was late, from the second on in which its shard had begun to ring before."""
    offsets = {each: spread_offset(each, SPREAD_MS) for each in bells}
    began: dict[str, int] = {}
    for one in arrivals:
        began[one.event_id] = min(one.arrived, began.get(one.event_id, one.arrived))
    return [one.late - offsets[one.event_id] for one in arrivals if one.nominal > began[one.event_id]]


def resident(service: Service) -> int:
    """How much of a process is in memory, in bytes."""
    for line in Path(f"/proc/{service.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{service.name} has no memory")
