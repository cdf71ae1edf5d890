"""Ten thousand events due at once over two dispatchers, of which one is killed in the middle of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from api_service.store.database import connect
from tests.acceptance.client import now
from tests.bench.bare_client import body
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.place import Installation, Place
from tests.bench.receiver import Arrival, NginxReceiver
from tests.servers.processes import Service, eventually

EVENTS: Final = 10_000
PERIOD: Final = 12  # seconds
KILLS: Final = 1
KILLED_AFTER: Final = 0.4  # of the time that the burst takes without a kill
ENDS_WITHIN: Final = 40.0

_DELIVERED: Final = "select count(*) from execution where nominal = $1 and status = 'DELIVERED'"
# Rung by two owners, and what the first one said was in the ledger before the second one asked.
_RUNG_AGAIN_ALTHOUGH_RECORDED: Final = """
    select count(*) from (
        select from attempt where nominal = $1 group by event_id
        having count(distinct epoch) > 1 and bool_or(not stale and dispatcher = $2)
    ) as again
"""


async def measure(place: Place) -> AsyncIterator[Figure]:
    receiver = place.receiver
    async with place.installation() as installation:
        url = f"{receiver.url}/crash"
        await installation.fill(Wanted(f"*/{PERIOD} * * * * *", url, body(number)) for number in range(EVENTS))
        await installation.start_dispatchers(2)
        # The first one finds dispatchers that catch up with what was due before they had their shards.
        due = await _next_burst()
        await _burst(receiver, due)
        await _recorded(installation, due)
        due = await _next_burst()
        calm = _last(await _burst(receiver, due))
        later, doubled, again = [], [], 0
        for kill in range(KILLS):
            await _recorded(installation, due)
            if kill:
                await installation.start_dispatchers(1)
            due = await _next_burst()
            victim = next(one for one in installation.dispatchers if one.runs)
            after = round(calm * KILLED_AFTER)
            arrivals = await _burst(receiver, due, kill=victim, after=after)
            assert sum(one.late > after for one in arrivals) > EVENTS / 10, "it was killed when the burst was over"
            later.append(_last(arrivals) - calm)
            doubled.append(len(arrivals) - EVENTS)
            await _recorded(installation, due)
            again += await _rung_again_although_recorded(installation, due, victim.name)
    yield Figure(
        row="crash",
        what=f"{EVENTS:,} due at once, one of two killed: last arrival later than without by",
        value=max(later),
        unit="ms",
        goal=Goal(of="value", sense="<=", bound=3_000),
        note=f"kills: {', '.join(map(str, later))} ms; without: {calm} ms; none lost",
    )
    yield Figure(
        row="crash",
        what="rung twice, being in flight or unreported at the kill",
        value=max(doubled),
        unit="rings",
        note=f"kills: {', '.join(map(str, doubled))}",
    )
    yield Figure(
        row="crash",
        what="rung twice although the ledger had it at the takeover",
        value=again,
        unit="rings",
        goal=Goal(of="value", sense="<=", bound=0),
    )


async def _next_burst() -> int:
    """The moment of the next burst, shortly before it."""
    due = (now() // 1000 // PERIOD + 1) * PERIOD * 1000
    if due - now() < 1_000:
        due += PERIOD * 1000
    await asyncio.sleep((due - 500 - now()) / 1000)
    return due


async def _burst(receiver: NginxReceiver, due: int, *, kill: Service | None = None, after: int = 0) -> list[Arrival]:
    """What came of it, until all have come; a dispatcher is killed so many milliseconds after it began."""
    mark = receiver.mark()
    if kill is not None:
        await asyncio.sleep((due + after - now()) / 1000)
        kill.kill()
        await kill.gone()
    await receiver.counted(mark, EVENTS, within=ENDS_WITHIN)  # who reads along takes processors from who rings
    arrivals: list[Arrival] = []
    while len({one.event_id for one in arrivals}) < EVENTS:
        assert now() - due < ENDS_WITHIN * 1000, f"{len(arrivals):,} of {EVENTS:,} came: some are lost"
        await receiver.settled(mark)
        arrivals = [one for one in receiver.arrivals(mark, "/crash") if one.nominal == due]
    await receiver.settled(mark)
    return [one for one in receiver.arrivals(mark, "/crash") if one.nominal == due]


def _last(arrivals: list[Arrival]) -> int:
    """When the last of all events came for the first time, in milliseconds after they were due."""
    first: dict[str, int] = {}
    for one in arrivals:
        first.setdefault(one.event_id, one.late)
    return max(first.values())


async def _rung_again_although_recorded(installation: Installation, due: int, victim: str) -> int:
    return await _counted(installation, _RUNG_AGAIN_ALTHOUGH_RECORDED, _moment(due), victim)


async def _recorded(installation: Installation, due: int) -> None:
    """Return when the ledger has all of the burst: the next one is not to begin with its work."""

    async def is_recorded() -> bool:
        return await _counted(installation, _DELIVERED, _moment(due)) == EVENTS

    await eventually(is_recorded, within=ENDS_WITHIN, what=lambda: "the ledger has the whole burst")


async def _counted(installation: Installation, statement: str, *arguments: object) -> int:
    async with connect(installation.settings["DATABASE_URL"]) as c:
        return int(await c.fetchval(statement, *arguments, timeout=60))


def _moment(due: int) -> datetime:
    return datetime.fromtimestamp(due / 1000, UTC)
