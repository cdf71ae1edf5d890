"""The composition root: who is real. Everything the dispatcher is made of is constructed here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.breaker import Breakers
from dispatcher_service.core.keyring import Keyring
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import Shard
from dispatcher_service.loops.attempts import Attempts, Sender
from dispatcher_service.loops.canaries import Canaries
from dispatcher_service.loops.clock_watch import ClockWatch
from dispatcher_service.loops.ownership import Ownership, Ports
from dispatcher_service.loops.reporter import Reporter
from dispatcher_service.loops.ticker import Ticker
from dispatcher_service.metrics import Metrics
from dispatcher_service.ring_log import RingLog
from dispatcher_service.sender.http import HttpSender
from shared.bus.port import Bus
from shared.clock import Clock
from shared.domain.firing import Outcome
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
        self,
        settings: DispatcherSettings,
        *,
        bus: Bus,
        clock: Clock,
        sender: RunningSender | None = None,
        keep: Callable[[], None] = lambda: None,
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        """`keep` is called when a shard has begun to ring: what is in memory by then stays for long.

        `let_go` is called when a session is over, and with it all that was owned.
        """
        self._settings = settings
        self._clock = clock
        self.metrics = Metrics()
        self._shards: dict[int, Shard] = {}
        self._publisher = bus.publisher()
        self._lease = Lease(LEASE_SECONDS)
        self._watch = ClockWatch(clock=clock, limit_ms=settings.clock_skew_max)
        self._sender: RunningSender = sender or HttpSender(
            clock=clock, user_agent=f"carillon/{VERSION}", egress=settings.egress_allow
        )
        self._ring_log = RingLog(clock=clock, everything=settings.log_rings == "all")
        self._reporter = Reporter(
            self._publisher,
            name=settings.dispatcher_name,
            clock=clock,
            on_outcome=self._reported,
            on_room=self._wake,
        )
        self._agenda, keyring = Agenda(), Keyring()
        self._breakers = Breakers(settings.breaker_failures)
        self._attempts = Attempts(
            shards=self._shards,
            lease=self._lease,
            sender=self._sender,
            reports=self._reporter,
            clock=clock,
            on_attempt=self.metrics.attempted,
            on_due=self._wake,
            keyring=keyring,
            breakers=self._breakers,
        )
        self._canaries = Canaries(shards=self._shards, lease=self._lease, clock=clock, on_song=self.metrics.canary_rang)
        self._ticker = Ticker(
            agenda=self._agenda,
            shards=self._shards,
            attempts=self._attempts,
            canaries=self._canaries,
            reports=self._reporter,
            clock=clock,
            on_lag=self.metrics.lagged,
            rings_in_flight=settings.rings_in_flight,
            rings_per_host=settings.rings_per_host,
            rate_per_host=settings.rate_per_host,
        )
        self._ownership = Ownership(
            Ports(
                bus=bus,
                publisher=self._publisher,
                shards=self._shards,
                agenda=self._agenda,
                keyring=keyring,
                lease=self._lease,
                ticker=self._ticker,
                attempts=self._attempts,
                reporter=self._reporter,
                clock=clock,
                watch=self._watch,
                name=settings.dispatcher_name,
                shards_total=settings.shards,
                takeover_wait=settings.takeover_wait,
                handovers=self.metrics,
                keep=keep,
                let_go=let_go,
            )
        )
        self._watch_shards()
        self._watch_rings()

    def unready(self) -> list[str]:
        """Why this dispatcher does not ring everything it should; empty when it does."""
        reasons = []
        if not self._lease.holds(self._clock.steady()):
            reasons.append("no lease: the broker has not answered in time")
        listing = sum(not shard.rings for shard in self._shards.values())
        if listing:
            reasons.append(f"{listing} shards wait for their snapshot")
        if silent := self._canaries.silent:
            reasons.append(f"the canaries of {silent} shards are silent")
        if not self._reporter.has_room:
            reasons.append("outcomes cannot be reported, so nothing rings")
        if (reason := self._watch.reason()) is not None:
            reasons.append(reason)
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

    def _reported(self, shard: Shard, outcome: Outcome) -> None:
        self.metrics.reported(outcome)
        self._ring_log.reported(shard, outcome)

    def _wake(self) -> None:
        self._ticker.wake()

    def _watch_shards(self) -> None:
        watch, shards, steady = self.metrics.watch, self._shards, self._clock.steady
        watch("carillon_shards", "Partitions of all timers in this installation.", lambda: self._settings.shards)
        watch("carillon_owned_shards", "Shards that this dispatcher owns.", lambda: len(shards))
        watch(
            "carillon_ringing_shards",
            "Shards that this dispatcher owns and knows, so that their timers ring.",
            lambda: sum(shard.rings for shard in shards.values()),
        )
        watch(
            "carillon_members",
            "Dispatchers that the broker counts, this one included; 0 without a session.",
            lambda: self._ownership.members,
        )
        self.metrics.watch_each(
            "carillon_canary_last_ring_timestamp_seconds",
            "When the canary of a shard that rings here last rang, or began to.",
            "shard",
            lambda: ((str(canary.shard), canary.heard / 1000) for canary in self._canaries.heard()),
        )
        watch("carillon_lease_held", "1 while this dispatcher may ring.", lambda: self._lease.holds(steady()))
        watch(
            "carillon_lease_age_seconds",
            "Since the last renewal of the lease that was answered had been sent; it ends at "
            f"{LEASE_SECONDS:g}. Infinite before the first.",
            lambda: self._lease.age(steady()),
        )
        watch(
            "carillon_clock_skewed",
            "1 while the clock is off by more than CLOCK_SKEW_MAX, so that others should ring.",
            lambda: self._watch.skewed,
        )
        watch(
            "carillon_clock_skew_seconds",
            "By how much the clock is ahead of the API's; not a number while nobody tells the time.",
            lambda: self._watch.skew_seconds,
            against="api",
        )

    def _watch_rings(self) -> None:
        watch = self.metrics.watch
        watch(
            "carillon_timers",
            "Timers that this dispatcher holds.",
            lambda: sum(len(shard.timers) for shard in self._shards.values()),
        )
        watch(
            "carillon_agenda_entries",
            "Entries of the heap of what is due next, those that are good for nothing any more included.",
            lambda: self._agenda.entries,
        )
        watch(
            "carillon_retries_waiting",
            "Firings that wait for another attempt, or for their first where somebody asked by hand.",
            lambda: self._agenda.retries,
        )
        watch(
            "carillon_rings_waiting",
            "Firings that are due, and wait for a worker or for their host.",
            lambda: self._ticker.waiting,
        )
        watch("carillon_rings_under_way", "Requests under way.", lambda: self._attempts.in_flight)
        watch(
            "carillon_rings_in_flight_limit",
            "Requests that may be under way at once (RINGS_IN_FLIGHT).",
            lambda: self._settings.rings_in_flight,
        )
        watch(
            "carillon_hosts_left_alone",
            "Hosts that have not answered several times in a row, and are asked once in a while only.",
            lambda: self._breakers.left_alone,
        )
        watch(
            "carillon_outcomes_backlog", "Outcomes that the broker has not confirmed.", lambda: self._reporter.backlog
        )
        self.metrics.watch_total(
            "carillon_outcomes_published", "Outcomes that the broker has confirmed.", lambda: self._reporter.confirmed
        )
