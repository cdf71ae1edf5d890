"""How soon after its 201 does a dispatcher have an event? No later than it rings for it.

Each event has one occurrence, at a full second, and is asked for just before that. Where the answer comes after the
second, the occurrence is due already when the event is durable, so a dispatcher rings as soon as it has it on its
agenda. From the 201, as its client sees it, to the callback's arrival is more than the time in between: the ring is in
it. Those whose answer came before their second say nothing, and those begun after it do not ring: they are left out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.acceptance.client import Client
from tests.bench.figure import Figure, Goal
from tests.bench.place import Installation, Place

ROW: Final = "visible"
BELOW: Final = "/visible/"
SECONDS: Final = 7
EACH: Final = 32  # at every second, one after the other: however long an answer takes, some come on either side of it
APART: Final = 0.001
LEAST: Final = 20  # of them all


async def measure(place: Place) -> AsyncIterator[Figure]:
    """The p99 of what is known of it from outside, at some hundred creations in all."""
    async with place.installation() as here:
        await here.start_dispatchers(1)
        mark = place.receiver.mark()
        answered: dict[str, float] = {}
        for _ in range(SECONDS):
            answered |= await _around_a_second(here, place.receiver.url)
        await place.receiver.counted(mark, len(answered), within=10)
        arrived = {one.event_id: one for one in place.receiver.arrivals(mark, BELOW)}
    late = sorted(
        max(arrived[event_id].arrived - at, 0.0)
        for event_id, at in answered.items()
        if at > arrived[event_id].nominal  # otherwise it had to wait for its second
    )
    assert len(late) >= LEAST, f"only {len(late)} of {SECONDS * EACH} were answered after their second"
    yield Figure(
        row=ROW,
        what="201 until the dispatcher has it and has rung, p99",
        value=late[len(late) * 99 // 100],
        unit="ms",
        goal=Goal(of="value", sense="<=", bound=50),
        note=f"p50 {late[len(late) // 2]:.0f}, {len(late)} events",
    )


async def _around_a_second(here: Installation, url: str) -> dict[str, float]:
    """Events that ring at a full second soon, and when each was answered, in milliseconds."""
    second = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    at = second.timestamp()
    body = {
        "eventOwner": "bench@example.com",
        "endDate": (second + timedelta(minutes=5)).isoformat(),
        "interval": f"{second:%-S %-M %-H %-d %-m} *",
        "callbackUrl": f"{url}{BELOW}{int(at)}",
    }
    client, answered = here.client(), {}

    async def create(ahead: float) -> None:
        await asyncio.sleep(at - ahead - time.time())
        said = await client.ask("POST", "/v1/events", body)
        now = time.time()
        assert said.status == 201, said
        if said.data["nextRunDate"] == f"{second:%FT%T}.000Z":  # otherwise it was begun after it
            answered[said.data["eventId"]] = now * 1000

    await _warm(client, body | {"interval": "0 0 1 1 *", "endDate": "2035-01-01T00:00:00Z"})
    async with asyncio.TaskGroup() as tasks:
        for place in range(EACH):
            tasks.create_task(create(place * APART))
    return answered


async def _warm(client: Client, body: Mapping[str, object]) -> None:
    """Connections are open, and statements prepared."""
    for said in await asyncio.gather(*(client.ask("POST", "/v1/events", body) for _ in range(EACH))):
        assert said.status == 201, said
