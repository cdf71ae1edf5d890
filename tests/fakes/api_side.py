"""api_service as dispatchers see it, without Postgres: publishes changes, answers requests, records outcomes, in order.

Each shard is a `Truth`. What is recorded moves the timers' anchors, so that the next snapshot knows of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

import msgspec

from shared.bus.port import Bus, BusUnavailable, Delivery, Publisher, Work
from shared.clock import Clock
from shared.domain.firing import Abandoned, Attempted, Finished, Outcome, PendingFiring, Skipped
from shared.domain.ids import shard_of
from shared.domain.timer import Timer
from shared.messages.catalogue import (
    Change,
    DigestRequest,
    Outcomes,
    Released,
    Report,
    ScheduleChanges,
    SnapshotRequest,
)
from shared.messages.codec import decode_to_recorder, decode_to_snapshots, encode
from shared.timing.instants import Instant
from tests.fakes.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One outcome, and who reported it."""

    dispatcher: str
    shard: int
    epoch: int
    outcome: Outcome


@dataclass
class ApiSide:
    """One api_service with its own database."""

    bus: Bus
    clock: Clock
    shards: int = 64
    page_timers: int = 3
    recorded: list[Recorded] = field(default_factory=list)
    released: list[Released] = field(default_factory=list)
    requests: list[SnapshotRequest] = field(default_factory=list)
    lose_changes: bool = False
    records_too_slowly: bool = False  # requests expire behind the outcomes before them
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.truths = [Truth(shard=number) for number in range(self.shards)]
        self._publisher: Publisher = self.bus.publisher()
        self._answers = count()
        self._sending = asyncio.Lock()

    def truth_of(self, timer_id: str) -> Truth:
        """The shard of this timer."""
        return self.truths[shard_of(timer_id, self.shards)]

    async def put(self, timer: Timer) -> None:
        """Create or change."""
        await self._publish(truth := self.truth_of(timer.id), truth.put(timer))

    async def delete(self, timer_id: str) -> None:
        """Delete."""
        await self._publish(truth := self.truth_of(timer_id), truth.delete(timer_id))

    async def trigger(self, timer_id: str, moment: Instant) -> None:
        """Ring by hand."""
        await self._publish(truth := self.truth_of(timer_id), truth.trigger(timer_id, moment))

    async def replay(self, timer_id: str, nominal: Instant, *, attempts: int, due: Instant = 0) -> None:
        """Attempt an occurrence again that was given up after so many attempts."""
        truth = self.truth_of(timer_id)
        firing = PendingFiring(
            timer_id=timer_id, nominal=nominal, manual=False, attempts=attempts, due=due, attempts_before=attempts
        )
        await self._publish(truth, truth.ask_again(firing))

    async def send_again(self, timer_id: str, version: int) -> None:
        """What a relay does that died before it could forget what it had sent."""
        await self._publish(self.truth_of(timer_id), version)

    def outcomes(self, timer_id: str) -> list[Outcome]:
        """What was reported of this timer."""
        return [one.outcome for one in self.recorded if one.outcome.timer_id == timer_id]

    async def until(self, condition: Callable[[], bool], *, within: float = 10) -> None:
        """Return when it holds; looked at whenever something has arrived."""
        async with asyncio.timeout(within):
            while not condition():
                await self.news.wait()

    async def run(self) -> None:
        """Serve for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._consume(Work.SNAPSHOTS, self._answer))
            tasks.create_task(self._consume(Work.OUTCOMES, self._record))

    async def close(self) -> None:
        """Let go of the bus."""
        await self._publisher.close()

    async def _publish(self, truth: Truth, version: int) -> None:
        if not self.lose_changes:
            raw = msgspec.Raw(encode(truth.change(version)))
            changes = ScheduleChanges(shard=truth.shard, changes=[Change(version=version, what=raw)])
            await self._publisher.to_shard(truth.shard, encode(changes))

    async def _consume(self, queue: Work, deal_with: Callable[[Delivery], Awaitable[None]]) -> None:
        while True:
            try:
                async with self.bus.consume(queue) as deliveries:
                    async for delivery in deliveries:
                        await deal_with(delivery)
                        await delivery.ack()
                        self._tell()
            except BusUnavailable:
                await self.clock.sleep(0.05)

    async def _answer(self, delivery: Delivery) -> None:
        request = decode_to_snapshots(delivery.body)
        truth = self.truths[request.shard]
        if isinstance(request, DigestRequest):
            await self._publisher.to_shard(truth.shard, encode(truth.digest(self.clock.now() + 60_000)))
            return
        self.requests.append(request)
        async with self._sending:
            pages = truth.snapshot(request.incarnation, f"answer-{next(self._answers)}", page_timers=self.page_timers)
            for page in pages:
                await self._publisher.to_shard(truth.shard, encode(page))

    async def _record(self, delivery: Delivery) -> None:
        match decode_to_recorder(delivery.body):
            case Outcomes() as message:
                for report in message.reports:
                    self._take(message.dispatcher, report)
            case Released() as goodbye:
                self.released.append(goodbye)
                truth = self.truths[goodbye.shard]
                if truth.incarnation == goodbye.incarnation:
                    truth.incarnation = ""
            case SnapshotRequest():
                if not self.records_too_slowly:
                    await self._publisher.to_work(Work.SNAPSHOTS, delivery.body, expires_after=5)

    def _take(self, dispatcher: str, report: Report) -> None:
        for outcome in report.outcomes:
            self.recorded.append(
                Recorded(dispatcher=dispatcher, shard=report.shard, epoch=report.epoch, outcome=outcome)
            )
            self._settle(self.truths[report.shard], outcome)

    def _settle(self, truth: Truth, outcome: Outcome) -> None:
        timer = truth.timers.get(outcome.timer_id)
        if timer is None:
            return
        match outcome:
            case Finished():
                if timer.end <= outcome.end:
                    del truth.timers[timer.id]
            case Attempted(nominal=nominal) | Skipped(first=nominal):
                truth.pending.pop((timer.id, nominal), None)
                if isinstance(outcome, Attempted) and outcome.retry_at:
                    truth.pending[timer.id, nominal] = PendingFiring(
                        timer_id=timer.id,
                        nominal=nominal,
                        manual=outcome.manual,
                        attempts=outcome.attempt,
                        due=outcome.retry_at,
                    )
                done = {*timer.settled} if outcome.manual else {*timer.settled, nominal}
                timer.anchor = max(timer.anchor, outcome.settled_through)
                timer.settled = tuple(sorted(moment for moment in done if moment > timer.anchor))
            case Abandoned(nominal=nominal):
                truth.pending.pop((timer.id, nominal), None)

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()
