"""The short form of `make chaos`: the quick faults under load, two at once, and every instant is accounted for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.faults import Blow, deal
from tests.chaos.journal import Cause, Journal
from tests.chaos.run import run, table
from tests.chaos.stage import staged
from tests.servers.postgres import Postgres
from tests.servers.rabbit import Rabbit

SEED = 1
SECONDS = 10.0
EVENTS = 26
LANES = (
    (
        Blow(cause=Cause.KILL_DISPATCHER, number=0, seconds=0.5),
        Blow(cause=Cause.FREEZE_DISPATCHER, number=1, seconds=5.0),
        Blow(cause=Cause.HALF_OPEN, number=2, seconds=3.0),
    ),
    (
        Blow(cause=Cause.KILL_API, number=0, seconds=0.5),
        Blow(cause=Cause.POSTGRES, number=0, seconds=0.5),
    ),
)


@pytest.mark.alone
async def test_nothing_is_lost_under_faults(postgres: Postgres, rabbit: Rabbit, scratch: Path, bus_prefix: str) -> None:
    async with staged(scratch, postgres, rabbit, prefix=bus_prefix) as stage:

        async def strike(journal: Journal) -> None:
            async with asyncio.TaskGroup() as lanes:
                for blows in LANES:
                    lanes.create_task(lane(journal, *blows))

        async def lane(journal: Journal, *blows: Blow) -> None:
            for blow in blows:
                await asyncio.sleep(1)
                await deal(stage, journal, blow)

        journal, verdict = await run(stage, strike, seed=SEED, seconds=SECONDS, events=EVENTS)

    print(table(journal, verdict))
    assert verdict.expected > EVENTS
    assert verdict.violations == []
