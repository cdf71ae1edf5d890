"""Letting go of shards, and what is told of those that come and go to whoever counts.

Who gives a shard up has rung all that it began, and has reported it, before anybody else may have the shard.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Protocol

from dispatcher_service.core.shard import Shard, Stage
from dispatcher_service.loops.attempts import Attempts
from dispatcher_service.loops.reporter import Reporter
from shared.bus.port import BusUnavailable, Session
from shared.clock import Clock
from shared.observability.logs import get_logger
from shared.observability.tracebacks import said_of

# How long a shard that is given up waits for what is under way. What takes longer is rung again by the successor, under
# the same name: holding all other timers of the shard back for one slow receiver would be worse.
SETTLE_SECONDS = 1.0
GOODBYE_SECONDS = 2.0
# A shard that waits for its turn goes on ringing, so each is silent only for as long as its own hand-over takes.
HANDOVERS_AT_ONCE = 6
# No faster than successors make shards known: else all of them wait for each other's snapshots.
HANDOVERS_APART_SECONDS = 0.03

log = get_logger(__name__)


class Handovers(Protocol):
    """Who is told; durations are in seconds."""

    def claimed(self) -> None:
        """A shard is ours."""
        ...

    def rings(self, seconds: float) -> None:
        """A claimed shard rings, so long after its claim."""
        ...

    def given_up(self, seconds: float) -> None:
        """A shard was released, so long after it had stopped ringing."""
        ...

    def lost(self) -> None:
        """A shard is not ours any more, and we did not give it up."""
        ...

    def snapshot_asked(self) -> None:
        """A snapshot is being asked for."""
        ...

    def snapshot_in(self, seconds: float) -> None:
        """A claimed shard is known, so long after we began to ask."""
        ...


class GivingUp:
    """How shards of one session are given up."""

    def __init__(
        self,
        *,
        session: Session,
        shards: MutableMapping[int, Shard],
        attempts: Attempts,
        reporter: Reporter,
        clock: Clock,
        handovers: Handovers,
    ) -> None:
        self._session = session
        self._shards = shards
        self._attempts = attempts
        self._reporter = reporter
        self._clock = clock
        self._handovers = handovers

    async def give_up(self, shards: list[Shard]) -> None:
        """Hand these over, a few at a time. Raises BusUnavailable, in a group."""
        turns = asyncio.Semaphore(HANDOVERS_AT_ONCE)

        async def in_turn(shard: Shard) -> None:
            async with turns:
                await self._hand_over(shard)

        async with asyncio.TaskGroup() as tasks:
            for shard in shards:
                tasks.create_task(in_turn(shard))
                await self._clock.sleep(HANDOVERS_APART_SECONDS)

    async def _hand_over(self, shard: Shard) -> None:
        """Stop arming, settle what is under way, report, say goodbye, and only then let somebody else have it."""
        if self._shards.get(shard.number) is not shard:  # lost while it waited for its turn
            return
        begun = self._clock.steady()
        shard.leave(Stage.LEAVING)
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._attempts.settled(shard)
        except TimeoutError:
            log.info("shard.left_unsettled", shard=shard.number, epoch=shard.epoch)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._reporter.flush()
                await self._reporter.released(shard)
        except (BusUnavailable, TimeoutError) as error:
            log.warning("shard.left_without_goodbye", shard=shard.number, epoch=shard.epoch, error=said_of(error))
        if forget(self._shards, shard.number, shard):
            try:
                await self._session.release(shard.number)
            finally:
                seconds = self._clock.steady() - begun
                self._handovers.given_up(seconds)
                log.info("shard.released", shard=shard.number, epoch=shard.epoch, after_seconds=round(seconds, 3))


def forget(shards: MutableMapping[int, Shard], number: int, shard: Shard) -> bool:
    """Ring nothing of this shard from now on. False where it was forgotten already."""
    shard.leave(Stage.LOST)
    return shards.pop(number, None) is not None
