"""Breaks things as the dice say, mends each, and writes down when.

Each kind would break something if its cure were not there:

* A dispatcher is killed: without the exclusive queue that goes with its connection nobody would take its shards;
  without the one name of a firing nobody could tell that it rings again.
* An API is killed: without the outbox its last answers would be forgotten; without the acknowledgement that comes after
  the commit what it was recording would be.
* A dispatcher is frozen, for longer than the broker's patience: without the lease, looked at when the bytes leave, it
  would ring when it thaws what others have rung meanwhile.
* An API is frozen: without the single active consumer two would record out of order; without row locks that others
  skip, and requests that expire, its sibling would stand behind it.
* The broker restarts: without the claim anew, behind an inbox that is bound first, changes would be lost with the
  inboxes; without the reporter's backlog outcomes would be.
* Postgres restarts: without the recorder that holds on to its message outcomes would be lost or buried.
* A dispatcher is cut off, or heard and not answered, or answered and not heard: without a lease that is counted from
  when its renewal was sent it would ring side by side with its successor until TCP gives up.
* A connection is half open, since the broker alone has hung up: the same, and the successor rings at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from tests.acceptance.client import iso, now
from tests.chaos.journal import Cause, Fault, Journal
from tests.chaos.stage import Stage

Span: TypeAlias = tuple[float, float]

KILLED_FOR: Final = (0.2, 2.0)
SHORT: Final = (2.0, 6.0)
LONG: Final = (16.0, 20.0)  # the broker gives its peer up after 15 s at the most
MOMENT: Final = (0.0, 1.0)
READY_WITHIN: Final = 90.0

# Two lanes, so that faults of the one meet those of the other: what owns timers, and what it depends on.
OWNERS: Final[Sequence[tuple[Cause, Span]]] = (
    (Cause.KILL_DISPATCHER, KILLED_FOR),
    (Cause.FREEZE_DISPATCHER, SHORT),
    (Cause.FREEZE_DISPATCHER, LONG),
    (Cause.CUT, SHORT),
    (Cause.CUT, LONG),
    (Cause.ONE_WAY, SHORT),
    (Cause.ONE_WAY, LONG),
    (Cause.HALF_OPEN, SHORT),
)
GROUND: Final[Sequence[tuple[Cause, Span]]] = (
    (Cause.KILL_API, KILLED_FOR),
    (Cause.FREEZE_API, LONG),
    (Cause.BROKER, MOMENT),
    (Cause.POSTGRES, MOMENT),
)
BETWEEN_OWNERS: Final = (2.0, 6.0)
BETWEEN_GROUND: Final = (6.0, 14.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """What to break, of which number, and for how many seconds."""

    cause: Cause
    number: int
    seconds: float


def drawn(random: Random, kinds: Sequence[tuple[Cause, Span]]) -> Iterator[Blow]:
    """Blows without end: each kind once in some order, and once more in another."""
    while True:
        for cause, seconds in random.sample(kinds, len(kinds)):
            yield Blow(cause=cause, number=random.randrange(6), seconds=random.uniform(*seconds))


async def strike(stage: Stage, journal: Journal, random: Random, over: int) -> None:
    """Blow after blow in both lanes, until it is over; then all is mended."""

    async def lane(dice: Random, kinds: Sequence[tuple[Cause, Span]], between: Span) -> None:
        for blow in drawn(dice, kinds):
            await asyncio.sleep(dice.uniform(*between))
            if now() >= over:
                return
            await deal(stage, journal, blow)

    async with asyncio.TaskGroup() as lanes:
        lanes.create_task(lane(Random(random.random()), OWNERS, BETWEEN_OWNERS))
        lanes.create_task(lane(Random(random.random()), GROUND, BETWEEN_GROUND))


async def deal(stage: Stage, journal: Journal, blow: Blow) -> None:
    """One blow, and its mending, in the journal."""
    begun = now()
    async with _broken(stage, blow) as whom:
        await asyncio.sleep(blow.seconds)
    journal.faults.append(Fault(cause=blow.cause, whom=whom, begun=begun, healed=now()))
    print(f"{iso(begun)} {(now() - begun) / 1000:6.1f} s  {blow.cause}: {whom}", flush=True)


@asynccontextmanager
async def _broken(stage: Stage, blow: Blow) -> AsyncIterator[str]:
    api = stage.apis[blow.number % len(stage.apis)]
    place = blow.number % len(stage.dispatchers)
    dispatcher, proxy = stage.dispatchers[place], stage.proxies[place]
    match blow.cause:
        case Cause.KILL_API | Cause.KILL_DISPATCHER:
            victim = api if blow.cause is Cause.KILL_API else dispatcher
            victim.kill()
            await victim.gone()
            yield victim.name
            victim.start()
            await victim.ready(within=READY_WITHIN)
        case Cause.FREEZE_API | Cause.FREEZE_DISPATCHER:
            victim = api if blow.cause is Cause.FREEZE_API else dispatcher
            victim.freeze()
            try:
                yield victim.name
            finally:
                victim.thaw()
        case Cause.CUT | Cause.ONE_WAY:
            is_whole = blow.cause is Cause.CUT
            proxy.cut(towards_server=is_whole or blow.number < 3, towards_client=is_whole or blow.number >= 3)
            try:
                yield dispatcher.name
            finally:
                proxy.heal()
        case Cause.HALF_OPEN:
            proxy.freeze()
            proxy.reset_server()
            yield dispatcher.name
        case Cause.BROKER:
            await asyncio.to_thread(stage.rabbit.stop)
            try:
                yield "broker"
            finally:
                await asyncio.to_thread(stage.rabbit.start)
        case Cause.POSTGRES:
            await asyncio.to_thread(stage.postgres.stop, immediately=True)
            try:
                yield "Postgres"
            finally:
                await asyncio.to_thread(stage.postgres.start)
