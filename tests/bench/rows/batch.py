"""Events created by the thousand, through one API process: what is answered with 201 is on the disk."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from tests.bench.bare_batch import answers, bare_batches
from tests.bench.figure import Figure, Goal
from tests.bench.place import Installation, Place, Spent, cpu_of, cpu_seconds, spent

BATCH: Final = 1_000
BATCHES: Final = 20  # a round; the first is read and the last is answered while nothing else is written
UNDER_WAY: Final = 2  # while one is written, another is read
ROUNDS: Final = 2
GOAL: Final = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Batches, and as many to the floor right after them."""

    rate: float
    cpu: float
    of_all: Spent
    floor_rate: float
    floor_cpu: float


async def measure(place: Place) -> AsyncIterator[Figure]:
    bodies = [
        json.dumps({"events": [_event(number) for number in range(start, start + BATCH)]}).encode()
        for start in range(0, BATCH * BATCHES, BATCH)
    ]
    async with place.installation() as installation:
        with bare_batches(await place.postgres.fresh_database()) as (url, floor):
            await answers(url)
            product, key = f"{installation.api.url}/v1/events/batch", {"X-API-Key": installation.key}
            await _sent(installation.session, product, bodies[:2], key)
            await _sent(installation.session, url, bodies[:2], {})
            rounds = [await _round(place, installation, (product, key), (url, floor), bodies) for _ in range(ROUNDS)]
    middle = sorted(rounds, key=lambda one: one.rate)[len(rounds) // 2]
    yield Figure(
        row="batch",
        what=f"events created in batches of {BATCH:,}, {UNDER_WAY} under way",
        value=middle.rate,
        unit="events/s",
        floor=middle.floor_rate,
        floor_of="a bare aiohttp handler that decodes JSON and inserts as many rows of one table",
        goal=Goal(of="value", sense=">=", bound=GOAL),
        note="rounds " + ", ".join(f"{one.rate:,.0f}" for one in rounds),
    )
    yield Figure(
        row="batch",
        what="processor time of the API",
        value=statistics.median(one.cpu for one in rounds),
        unit="s per 1,000",
        floor=statistics.median(one.floor_cpu for one in rounds),
        floor_of="the bare handler's",
        note=f"for {BATCH * BATCHES:,}, of all: {middle.of_all}",
    )


async def _round(
    place: Place,
    installation: Installation,
    product: tuple[str, dict[str, str]],
    floor: tuple[str, int],
    bodies: list[bytes],
) -> Round:
    count = BATCH * len(bodies)
    before, all_before = cpu_seconds(installation.api), spent(place, installation)
    seconds = await _sent(installation.session, product[0], bodies, product[1])
    cpu, of_all = cpu_seconds(installation.api) - before, spent(place, installation).since(all_before)
    before = cpu_of(floor[1])
    floor_seconds = await _sent(installation.session, floor[0], bodies, {})
    floor_cpu = cpu_of(floor[1]) - before
    return Round(
        rate=count / seconds,
        cpu=cpu / count * 1_000,
        of_all=of_all,
        floor_rate=count / floor_seconds,
        floor_cpu=floor_cpu / count * 1_000,
    )


async def _sent(session: aiohttp.ClientSession, url: str, bodies: list[bytes], headers: dict[str, str]) -> float:
    """For how many seconds it takes until all are answered."""
    left = iter(bodies)

    async def send() -> None:
        for body in left:
            async with session.post(url, data=body, headers=headers | {"Content-Type": "application/json"}) as answer:
                said = await answer.read()
                assert answer.status == 201, said[:500]

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(UNDER_WAY):
            tasks.create_task(send())
    return time.perf_counter() - begun


def _event(number: int) -> dict[str, Any]:
    """An event as clients send it: some 300 bytes, found by five terms; 1,440 rules in all."""
    return {
        "eventOwner": f"user{number % 50}@example.com",
        "endDate": "2099-09-02T05:11:59.708Z",
        "interval": f"0 {number % 60} {number % 24} * * *",
        "timezone": "Europe/Berlin",
        "callbackUrl": f"https://api.example.com/hooks/{number}",
        "context": {"user": number, "plan": "pro"},
        "tags": ["prod", "eu"],
    }
