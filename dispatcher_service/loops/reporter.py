"""Outcomes to the bus: at once, in small batches, in order, and never forgotten while there is room for them.

While the broker is away or takes nothing, outcomes wait here. When no more fit, rings wait too: what cannot be
reported must not happen, or a successor would do it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from dispatcher_service.core.shard import Shard
from shared.bus.port import BusUnavailable, Work
from shared.clock import Clock
from shared.domain.firing import Outcome
from shared.messages.catalogue import Outcomes, Released, Report, SnapshotRequest
from shared.messages.codec import encode
from shared.observability.logs import get_logger

BATCH = 500
LINGER_SECONDS = 0.02
ROOM = 50_000
RETRY_SECONDS = (0.05, 2.0)  # doubled from the first to the last

log = get_logger(__name__)


class WayOut(Protocol):
    """What the reporter needs of a publisher."""

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        """Confirmed, or BusUnavailable."""
        ...


class Reporter:
    """The one way of outcomes out of this process."""

    def __init__(
        self,
        publisher: WayOut,
        *,
        name: str,
        clock: Clock,
        on_outcome: Callable[[Shard, Outcome], None],
        on_room: Callable[[], None],
        room: int = ROOM,
    ) -> None:
        self._publisher = publisher
        self._room = room
        self._name = name
        self._clock = clock
        self._on_outcome = on_outcome
        self._on_room = on_room
        self._waiting: list[tuple[Shard, int, Outcome]] = []
        self._added = 0
        self._confirmed = 0
        self._news = asyncio.Event()
        self._progress = asyncio.Condition()

    @property
    def has_room(self) -> bool:
        """May something happen that will have to be reported?"""
        return self._added - self._confirmed < self._room

    @property
    def backlog(self) -> int:
        """Outcomes that the broker has not confirmed."""
        return self._added - self._confirmed

    @property
    def confirmed(self) -> int:
        """Outcomes that the broker has confirmed so far."""
        return self._confirmed

    def add(self, shard: Shard, outcome: Outcome) -> None:
        """Report this, under the epoch that the shard has now."""
        self._waiting.append((shard, shard.epoch, outcome))
        self._added += 1
        self._on_outcome(shard, outcome)
        self._news.set()

    async def run(self) -> None:
        """Report for ever."""
        while True:
            await self._news.wait()
            if len(self._waiting) < BATCH:
                await self._clock.sleep(LINGER_SECONDS)
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if not self._waiting:
                self._news.clear()
            await self._until_confirmed(self._message(batch))
            had_room = self.has_room
            self._confirmed += len(batch)
            async with self._progress:
                self._progress.notify_all()
            if not had_room:
                self._on_room()

    async def flush(self) -> None:
        """Return when everything that has been added so far is confirmed; bound the wait yourself."""
        goal = self._added
        async with self._progress:
            await self._progress.wait_for(lambda: self._confirmed >= goal)

    async def released(self, shard: Shard) -> None:
        """Say goodbye to a shard of which everything is reported. Raises BusUnavailable."""
        goodbye = Released(shard=shard.number, incarnation=shard.incarnation, epoch=shard.epoch)
        await self._publisher.to_work(Work.OUTCOMES, encode(goodbye))

    async def ask(self, request: SnapshotRequest, *, expires_after: float) -> None:
        """Ask for a snapshot that reflects all outcomes reported before. Raises BusUnavailable."""
        await self._publisher.to_work(Work.OUTCOMES, encode(request), expires_after=expires_after)

    def _message(self, batch: list[tuple[Shard, int, Outcome]]) -> bytes:
        reports: dict[tuple[int, str, int], list[Outcome]] = {}
        for shard, epoch, outcome in batch:
            reports.setdefault((shard.number, shard.incarnation, epoch), []).append(outcome)
        message = Outcomes(
            dispatcher=self._name,
            reports=[
                Report(shard=number, incarnation=incarnation, epoch=epoch, outcomes=outcomes)
                for (number, incarnation, epoch), outcomes in reports.items()
            ],
        )
        return encode(message)

    async def _until_confirmed(self, message: bytes) -> None:
        delay, longest = RETRY_SECONDS
        failures = 0
        while True:
            try:
                await self._publisher.to_work(Work.OUTCOMES, message)
            except BusUnavailable as error:
                failures += 1
                if failures == 1:
                    log.warning("outcomes.delayed", backlog=self.backlog, error=str(error))
                await self._clock.sleep(delay)
                delay = min(delay * 2, longest)
            else:
                if failures:
                    log.info("outcomes.resumed", backlog=self.backlog, failures=failures)
                return
