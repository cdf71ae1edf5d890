"""From the agenda to the sender: one wake-up at the earliest due moment, then workers that pull while any is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from dispatcher_service.core.agenda import Again, Agenda, Decision, Finish, Ring, Skip
from dispatcher_service.core.canary import Song
from dispatcher_service.core.firing import Firing, firing_of
from dispatcher_service.core.hosts import host_of
from dispatcher_service.core.lanes import Lanes
from dispatcher_service.core.shard import Shard
from dispatcher_service.loops.attempts import Attempts, Reports
from dispatcher_service.loops.canaries import Canaries
from shared.clock import Clock, arrives
from shared.domain.firing import Finished, Skipped

SLICE = 100  # timers between two breaths of the event loop
# A sleep is cut into pieces, so that a stepped wall clock is noticed.
SLEEP_SECONDS_MAX = 1.0


class Ticker:
    """Rings what is due."""

    def __init__(
        self,
        *,
        agenda: Agenda,
        shards: Mapping[int, Shard],
        attempts: Attempts,
        canaries: Canaries,
        reports: Reports,
        clock: Clock,
        on_lag: Callable[[float], None],
        rings_in_flight: int,
        rings_per_host: int,
        rate_per_host: float = 0.0,
    ) -> None:
        self._agenda = agenda
        self._shards = shards
        self._attempts = attempts
        self._canaries = canaries
        self._reports = reports
        self._clock = clock
        self._on_lag = on_lag
        self._workers_max = rings_in_flight
        self._lanes: Lanes[Firing | Song] = Lanes(rings_per_host, rate_per_host)
        self._workers = 0
        self._wake = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Firings that are due, and wait for a worker or for their host."""
        return len(self._lanes) + self._attempts.parked

    def wake(self) -> None:
        """Something changed: the agenda, the lease, the room for reports."""
        self._wake.set()

    async def run(self) -> None:
        """Ring for ever."""
        async with asyncio.TaskGroup() as workers:
            while True:
                self._wake.clear()
                if self._attempts.may_begin:
                    for firing in self._attempts.take_parked():
                        self._wait_for_host(firing)
                    for song in self._canaries.take_parked():
                        self._lanes.put(song.lane, song)
                    self._lanes.rest(self._clock.steady())
                    await self._take_due(workers)
                await self._until_next()

    async def _take_due(self, workers: asyncio.TaskGroup) -> None:
        """Move what is due from the agenda to the lanes, and see that somebody works on it."""
        taken = 0
        while self._attempts.may_begin and (decisions := self._agenda.take(self._clock.now())) is not None:
            for decision in decisions:
                self._obey(decision)
            taken += 1
            if taken % SLICE == 0:
                self._hire(workers)
                await self._clock.sleep(0)
        self._hire(workers)

    def _obey(self, decision: Decision) -> None:
        if isinstance(decision, Song):
            self._lanes.put(decision.lane, decision)
            return
        held = decision.waiting.held if isinstance(decision, Again) else decision.held
        shard = self._shards.get(held.shard)
        if shard is None:
            return
        match decision:
            case Ring(nominal=nominal):
                self._offer(Firing(shard=shard, held=held, nominal=nominal, manual=False))
            case Again(waiting=waiting):
                self._offer(firing_of(shard, waiting))
            case Skip():
                self._reports.add(shard, _skipped_stretch(decision))
            case Finish():
                shard.finish(held)
                timer = held.timer
                self._reports.add(shard, Finished(timer_id=timer.id, end=timer.end, version=timer.version))

    def _offer(self, firing: Firing) -> None:
        if self._attempts.is_new(firing):
            self._wait_for_host(firing)

    def _wait_for_host(self, firing: Firing) -> None:
        self._lanes.put(host_of(firing.held.timer.url), firing)

    def _hire(self, workers: asyncio.TaskGroup) -> None:
        """One more worker, if there is work; it hires the next."""
        if self._lanes.has_ready and self._workers < self._workers_max:
            self._workers += 1
            workers.create_task(self._work(workers))

    async def _work(self, workers: asyncio.TaskGroup) -> None:
        try:
            while self._attempts.may_begin_at(steady := self._clock.steady()):
                if (taken := self._lanes.take(steady)) is None:
                    return
                host, due = taken
                self._hire(workers)
                try:
                    await (self._canaries.sing(due) if isinstance(due, Song) else self._attempts.attempt(due))
                finally:
                    self._lanes.done(host)
        finally:
            self._workers -= 1
            if self._lanes.has_ready or self._lanes.next_rested is not None:
                self.wake()

    async def _until_next(self) -> None:
        due = self._agenda.next_due() if self._attempts.may_begin else None
        seconds = SLEEP_SECONDS_MAX if due is None else min((due - self._clock.now()) / 1000, SLEEP_SECONDS_MAX)
        if (rested := self._lanes.next_rested) is not None and self._attempts.may_begin:
            seconds = min(seconds, rested - self._clock.steady())
        begun = self._clock.steady()
        if seconds <= 0 or self._wake.is_set():
            seconds = 0
            await self._clock.sleep(0)  # there is more to do, but not before the workers have had their turn
        elif await arrives(self._wake, within=seconds):
            return
        self._on_lag(max(self._clock.steady() - begun - seconds, 0.0))


def _skipped_stretch(skip: Skip) -> Skipped:
    return Skipped(
        timer_id=skip.held.timer.id,
        first=skip.first,
        last=skip.last,
        count=skip.count,
        manual=False,
        reason=skip.reason,
        settled_through=skip.settled_through,
        version=skip.held.timer.version,
    )
