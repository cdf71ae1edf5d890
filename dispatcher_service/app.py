"""The composition root: who is real. Everything the dispatcher is made of is constructed here and nowhere else."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.breaker import Breakers
from dispatcher_service.core.keyring import Keyring
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import Shard
from dispatcher_service.loops.attempts import Attempts, Sender
from dispatcher_service.loops.ownership import Ownership, Ports
from dispatcher_service.loops.reporter import Reporter
from dispatcher_service.loops.ticker import Ticker
from dispatcher_service.metrics import Metrics
from dispatcher_service.sender.http import HttpSender
from shared.bus.port import Bus
from shared.clock import Clock
from shared.observability.logs import get_logger
from shared.settings import LEASE_SECONDS, DispatcherSettings
from shared.version import VERSION

# After everything is handed over: for what is still under way, and for its report.
LAST_RINGS_SECONDS = 20.0
LAST_REPORTS_SECONDS = 5.0

log = get_logger(__name__)


class RunningSender(Sender, AbstractAsyncContextManager[object], Protocol):
    """A sender with what it needs to run: the real one is HTTP, and only tests have another."""

    async def sweep(self) -> None:
        """End what takes too long, for ever."""
        ...


class Dispatcher:
    """A dispatcher, from start to graceful end."""

    def __init__(
        self, settings: DispatcherSettings, *, bus: Bus, clock: Clock, sender: RunningSender | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.metrics = Metrics()
        self._shards: dict[int, Shard] = {}
        self._publisher = bus.publisher()
        self._lease = Lease(LEASE_SECONDS)
        self._sender: RunningSender = sender or HttpSender(
            clock=clock, user_agent=f"carillon/{VERSION}", egress=settings.egress_allow
        )
        self._reporter = Reporter(self._publisher, name=settings.dispatcher_name, clock=clock, on_room=self._wake)
        agenda, keyring = Agenda(), Keyring()
        self._attempts = Attempts(
            shards=self._shards,
            lease=self._lease,
            sender=self._sender,
            reports=self._reporter,
            clock=clock,
            on_attempt=self.metrics.attempted,
            on_due=self._wake,
            keyring=keyring,
            breakers=Breakers(settings.breaker_failures),
        )
        self._ticker = Ticker(
            agenda=agenda,
            shards=self._shards,
            attempts=self._attempts,
            reports=self._reporter,
            clock=clock,
            rings_in_flight=settings.rings_in_flight,
            rings_per_host=settings.rings_per_host,
            rate_per_host=settings.rate_per_host,
        )
        self._ownership = Ownership(
            Ports(
                bus=bus,
                publisher=self._publisher,
                shards=self._shards,
                agenda=agenda,
                keyring=keyring,
                lease=self._lease,
                ticker=self._ticker,
                attempts=self._attempts,
                reporter=self._reporter,
                clock=clock,
                name=settings.dispatcher_name,
                shards_total=settings.shards,
                takeover_wait=settings.takeover_wait,
                on_snapshot=self.metrics.listed,
            )
        )
        self._watch_gauges()

    def unready(self) -> list[str]:
        """Why this dispatcher does not ring everything it should; empty when it does."""
        reasons = []
        if not self._lease.holds(self._clock.steady()):
            reasons.append("no lease: the broker has not answered in time")
        listing = sum(not shard.rings for shard in self._shards.values())
        if listing:
            reasons.append(f"{listing} shards wait for their snapshot")
        if not self._reporter.has_room:
            reasons.append("outcomes cannot be reported, so nothing rings")
        return reasons

    async def run(self, stop: asyncio.Event) -> None:
        """Ring until `stop` is set; then hand everything over, finish what is under way, and return."""
        try:
            async with self._sender, asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(self._sender.sweep()),
                    tasks.create_task(self._reporter.run()),
                    tasks.create_task(self._ticker.run()),
                ]
                await self._ownership.run(stop)
                await self._wind_up()
                for task in background:
                    task.cancel()
        finally:
            await self._publisher.close()

    async def _wind_up(self) -> None:
        try:
            async with asyncio.timeout(LAST_RINGS_SECONDS):
                await self._attempts.idle()
        except TimeoutError:
            log.warning("rings.cut_off", count=self._attempts.in_flight)
        try:
            async with asyncio.timeout(LAST_REPORTS_SECONDS):
                await self._reporter.flush()
        except TimeoutError:
            log.warning("outcomes.unreported", count=self._reporter.backlog)

    def _wake(self) -> None:
        self._ticker.wake()

    def _watch_gauges(self) -> None:
        watch = self.metrics.watch
        watch("carillon_owned_shards", "Shards that this dispatcher owns.", lambda: len(self._shards))
        watch(
            "carillon_timers",
            "Timers that this dispatcher holds.",
            lambda: sum(len(shard.timers) for shard in self._shards.values()),
        )
        watch("carillon_rings_under_way", "Requests under way.", lambda: self._attempts.in_flight)
        watch(
            "carillon_outcomes_backlog", "Outcomes that the broker has not confirmed.", lambda: self._reporter.backlog
        )
        watch(
            "carillon_lease_held", "1 while this dispatcher may ring.", lambda: self._lease.holds(self._clock.steady())
        )
