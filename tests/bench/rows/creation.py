"""Creating one event after the other over HTTP, durably, by one API; everything else runs as it does in life.

Change log, terms, quota and outbox are written, the log is on, and what is created is relayed to a dispatcher.
The floor writes two rows in one statement of its own for each request, and does nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from statistics import median
from typing import Final

from tests.bench.bare_creation import bare_creation
from tests.bench.creating_client import Created, create
from tests.bench.figure import Figure, Goal
from tests.bench.place import Place, cpu_of, spent

ROW: Final = "creation"
CONNECTIONS: Final = 32
ROUNDS: Final = 2
SECONDS: Final = 2.0
WARM_SECONDS: Final = 0.7
FLOOR: Final = "a bare aiohttp handler and one insert of two rows, same client"


async def measure(place: Place) -> AsyncIterator[Figure]:
    """Events a second, and processor time for each."""
    async with (
        place.installation(LOG_LEVEL="info", QUOTA_EVENTS="100000000") as here,
        bare_creation(await place.postgres.fresh_database()) as (floor_port, floor_pid),
    ):
        await here.start_dispatchers(1)
        sides = {"floor": (floor_port, floor_pid), "product": (here.api.recipe.port, here.api.pid)}
        rates: dict[str, list[float]] = {side: [] for side in sides}
        cpu: dict[str, list[float]] = {side: [] for side in sides}
        for round_ in range(ROUNDS + 1):
            for side, (port, pid) in sides.items():
                before, all_before = cpu_of(pid), spent(place, here)
                came = await create(
                    port, here.key, connections=CONNECTIONS, seconds=SECONDS if round_ else WARM_SECONDS
                )
                assert not came.refused, f"{came.refused} creations were refused"
                if round_:
                    rates[side].append(came.rate)
                    cpu[side].append((cpu_of(pid) - before) / came.count * 1e6)
                    if side == "product":
                        last, cost = came, spent(place, here).since(all_before)
        yield Figure(
            row=ROW,
            what=f"events/s through POST /v1/events, {CONNECTIONS} connections, one API",
            value=median(rates["product"]),
            unit="/s",
            floor=median(rates["floor"]),
            floor_of=FLOOR,
            goal=Goal(of="ratio", sense=">=", bound=0.80),
            note=_note(last),
        )
        yield Figure(
            row=ROW,
            what="CPU of the API per 1,000 of them, relay included",
            value=median(cpu["product"]) / 1000,
            unit="s",
            floor=median(cpu["floor"]) / 1000,
            floor_of=FLOOR,
            note=f"for {last.count:,}, of all: {cost}",
        )


def _note(came: Created) -> str:
    return f"answered within {came.p50_ms:.0f} ms, p99 {came.p99_ms:.0f}"
