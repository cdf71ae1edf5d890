"""Shards become known and stay so: asking, asking again, comparing, curing gaps, and burying what is no message."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import msgspec
import pytest

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.held import Held
from dispatcher_service.core.keyring import Keyring
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import SLICE, Shard, Stage
from dispatcher_service.loops import intake as intake_module
from dispatcher_service.loops.attempts import Attempts
from dispatcher_service.loops.canaries import Canaries
from dispatcher_service.loops.intake import (
    CLAIM_TO_REQUEST_SECONDS,
    COMPARE_EVERY_SECONDS,
    GAP_PATIENCE_SECONDS,
    TURNS,
    Intake,
)
from dispatcher_service.loops.reporter import Reporter
from dispatcher_service.loops.ticker import Ticker
from dispatcher_service.metrics import Metrics
from shared.bus.local import LocalBroker, LocalBus, LocalSession
from shared.bus.port import BusUnavailable, SessionEvents, Work
from shared.domain.timer import Timer
from shared.messages.catalogue import Change, DigestRequest, Outcomes, Released, ScheduleChanges, SnapshotRequest
from shared.messages.codec import decode_to_recorder, decode_to_snapshots, encode
from tests.fakes.clock import VirtualClock, in_virtual_time
from tests.fakes.sender import FakeSender
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import timer


class Queues:
    """Where requests go, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.is_up = True
        self.asked: list[tuple[float, Work, SnapshotRequest | DigestRequest]] = []

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        if not self.is_up:
            raise BusUnavailable("away")
        assert expires_after is not None, "whoever asked asks again: an old request is worth nothing"
        message = decode_to_snapshots(body) if queue is Work.SNAPSHOTS else decode_to_recorder(body)
        assert not isinstance(message, Outcomes | Released)
        self.asked.append((self._clock.steady(), queue, message))

    def snapshots(self) -> list[float]:
        return [moment for moment, _, message in self.asked if isinstance(message, SnapshotRequest)]

    def digests(self) -> list[float]:
        return [moment for moment, _, message in self.asked if isinstance(message, DigestRequest)]


class Scene:
    def __init__(self, session: LocalSession, bus: LocalBus, broker: LocalBroker, clock: VirtualClock) -> None:
        self.clock = clock
        self.session = session
        self.broker = broker
        self.way_in = bus.publisher()
        self.queues = Queues(clock)
        self.truth = Truth()
        self.shards: dict[int, Shard] = {}
        self.metrics = Metrics()
        agenda, lease = Agenda(), Lease(4.0)
        self.agenda = agenda
        self.reporter = Reporter(
            self.queues,
            name="d",
            clock=clock,
            on_outcome=lambda _shard, outcome: self.metrics.reported(outcome),
            on_room=lambda: None,
        )
        attempts = Attempts(
            shards=self.shards,
            lease=lease,
            sender=FakeSender(clock),
            reports=self.reporter,
            clock=clock,
            on_attempt=lambda _firing, _answer: None,
            on_due=lambda: None,
            keyring=Keyring(),
        )
        ticker = Ticker(
            agenda=agenda,
            shards=self.shards,
            attempts=attempts,
            canaries=Canaries(shards=self.shards, lease=lease, clock=clock, on_song=self.metrics.canary_rang),
            reports=self.reporter,
            clock=clock,
            on_lag=self.metrics.lagged,
            rings_in_flight=10,
            rings_per_host=10,
        )
        self.intake = Intake(
            session=session,
            shards=self.shards,
            ticker=ticker,
            requests=self.queues,
            reports=self.reporter,
            clock=clock,
            name="d",
            takeover_wait=0,
            handovers=self.metrics,
        )

    async def own(self) -> Shard:
        assert await self.session.claim(0)
        self.shards[0] = Shard(0, self.session.incarnation, self.agenda)
        return self.shards[0]

    async def answer(self) -> None:
        for page in self.truth.snapshot(self.session.incarnation, f"{self.clock.steady()}", page_timers=2):
            await self.way_in.to_shard(0, encode(page))

    async def publish(self, version: int) -> None:
        raw = msgspec.Raw(encode(self.truth.change(version)))
        await self.way_in.to_shard(0, encode(ScheduleChanges(shard=0, changes=[Change(version=version, what=raw)])))

    async def live(self, tasks: asyncio.TaskGroup) -> Shard:
        shard = await self.own()
        listing = tasks.create_task(self.intake.list_shard(shard))
        while shard.stage is not Stage.LIVE:
            await self.answer()
            await self.clock.sleep(0.1)
        await listing
        self.queues.asked.clear()
        return shard


@asynccontextmanager
async def taking_in() -> AsyncIterator[tuple[Scene, asyncio.TaskGroup]]:
    broker, clock = LocalBroker(), VirtualClock()
    bus = LocalBus(broker)
    events = SessionEvents(
        on_lost=lambda _: None, on_shard_lost=lambda _: None, on_bell=lambda: None, on_time=lambda _: None
    )
    scene = Scene(await bus.open_session(events), bus, broker, clock)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(scene.intake.run()), tasks.create_task(scene.intake.watch())]
        yield scene, tasks
        for task in running:
            task.cancel()


@in_virtual_time
async def test_the_first_request_travels_behind_the_reports() -> None:
    async with taking_in() as (scene, tasks):
        shard = await scene.own()
        listing = tasks.create_task(scene.intake.list_shard(shard))
        await scene.clock.sleep(0.5)
        listing.cancel()

        assert {queue for _, queue, _ in scene.queues.asked} == {Work.OUTCOMES}


@in_virtual_time
async def test_what_a_dead_owner_left_is_asked_for_once_and_not_before_its_last_reports() -> None:
    """Shown to fail where the first request leaves at once, as it does for what somebody may have handed over."""
    async with taking_in() as (scene, tasks):
        scene.truth.claim("the dead owner")
        shard = await scene.own()
        claimed = scene.clock.steady()
        listing = tasks.create_task(scene.intake.list_shard(shard, died=True))
        await scene.clock.sleep(1)
        asked = list(scene.queues.asked)
        await scene.answer()
        await listing

        assert [queue for _, queue, _ in asked] == [Work.OUTCOMES]
        assert asked[0][0] - claimed == pytest.approx(CLAIM_TO_REQUEST_SECONDS)
        assert scene.queues.asked == asked
        assert shard.rings
        assert not shard.handed_over


@in_virtual_time
async def test_what_somebody_may_have_handed_over_is_asked_for_at_once_and_again_where_nobody_has() -> None:
    async with taking_in() as (scene, tasks):
        scene.truth.claim("the dead owner")
        shard = await scene.own()
        claimed = scene.clock.steady()
        listing = tasks.create_task(scene.intake.list_shard(shard))
        await scene.clock.sleep(0.01)
        await scene.answer()
        await scene.clock.sleep(1)
        await scene.answer()
        await listing

        moments = [moment - claimed for moment in scene.queues.snapshots()]
        assert moments == pytest.approx([0, CLAIM_TO_REQUEST_SECONDS])


@in_virtual_time
async def test_it_asks_again_less_and_less_often_while_nothing_comes() -> None:
    async with taking_in() as (scene, tasks):
        shard = await scene.own()
        listing = tasks.create_task(scene.intake.list_shard(shard))
        await scene.clock.sleep(60)
        listing.cancel()

        moments = scene.queues.snapshots()
        pauses = [round(later - earlier) for earlier, later in pairwise(moments)]
        assert pauses[:4] == [2, 4, 8, 16]
        assert len(moments) <= 8


@in_virtual_time
async def test_it_does_not_ask_again_while_pages_come() -> None:
    async with taking_in() as (scene, tasks):
        for name in "abcdefghij":
            scene.truth.put(timer(name))
        scene.truth.claim(scene.session.incarnation)
        shard = await scene.own()
        listing = tasks.create_task(scene.intake.list_shard(shard))
        await scene.clock.sleep(0.5)
        asked = len(scene.queues.asked)
        for page in scene.truth.snapshot(scene.session.incarnation, "slow", page_timers=2):
            await scene.clock.sleep(1.2)
            await scene.way_in.to_shard(0, encode(page))
            assert len(scene.queues.asked) == asked

        await listing
        assert len(shard.timers) == 10


@in_virtual_time
async def test_while_others_are_answered_it_asks_again_once_its_request_has_expired_and_not_before() -> None:
    async with taking_in() as (scene, tasks):
        other = await scene.own()
        assert await scene.session.claim(1)
        shard = scene.shards[1] = Shard(1, scene.session.incarnation, scene.agenda)
        claimed = scene.clock.steady()
        listing = [tasks.create_task(scene.intake.list_shard(each)) for each in (other, shard)]
        scene.truth.put(timer("a"))
        for _ in range(12):
            await scene.clock.sleep(1)
            await scene.answer()
        for each in listing:
            each.cancel()

        moments = [round(at - claimed) for at, _, message in scene.queues.asked if message.shard == 1]
        assert moments == [0, 6, 12]


@in_virtual_time
async def test_a_bus_that_is_away_when_asked_is_asked_again() -> None:
    async with taking_in() as (scene, tasks):
        scene.queues.is_up = False
        shard = await scene.own()
        listing = tasks.create_task(scene.intake.list_shard(shard))
        await scene.clock.sleep(5)
        assert scene.queues.asked == []

        scene.queues.is_up = True
        await scene.clock.sleep(10)
        listing.cancel()

        assert scene.queues.asked != []


@in_virtual_time
async def test_a_shard_that_is_lost_while_it_is_listed_is_listed_no_more() -> None:
    async with taking_in() as (scene, tasks):
        shard = await scene.own()
        listing = tasks.create_task(scene.intake.list_shard(shard))
        await scene.clock.sleep(1)
        shard.leave(Stage.LOST)

        await listing

        assert shard.stage is Stage.LOST
        figures = scene.metrics.registry
        assert figures.get_sample_value("carillon_snapshot_seconds_count") == 0
        assert figures.get_sample_value("carillon_handover_seconds_count", {"kind": "claimed"}) == 0


@in_virtual_time
async def test_a_gap_that_closes_by_itself_costs_nothing_and_one_that_stays_is_cured() -> None:
    async with taking_in() as (scene, tasks):
        shard = await scene.live(tasks)
        first, second = scene.truth.put(timer("a")), scene.truth.put(timer("b"))
        await scene.publish(second)
        await scene.clock.sleep(GAP_PATIENCE_SECONDS / 2)
        assert shard.has_gap
        await scene.publish(first)
        await scene.clock.sleep(5)
        assert (shard.has_gap, scene.queues.snapshots()) == (False, [])

        scene.truth.put(timer("c"))
        await scene.publish(scene.truth.put(timer("d")))
        await scene.clock.sleep(GAP_PATIENCE_SECONDS + 2)
        assert len(scene.queues.snapshots()) == 1
        assert scene.queues.asked[-1][1] is Work.SNAPSHOTS, "a live owner need not wait for its own reports"
        await scene.answer()
        await scene.clock.sleep(1)

        assert (shard.has_gap, set(shard.timers)) == (False, set("abcd"))


@in_virtual_time
async def test_every_shard_is_compared_now_and_then() -> None:
    async with taking_in() as (scene, tasks):
        await scene.live(tasks)
        await scene.clock.sleep(3 * COMPARE_EVERY_SECONDS + 1)

        assert len(scene.queues.digests()) == 3


@in_virtual_time
async def test_a_difference_is_cured() -> None:
    async with taking_in() as (scene, tasks):
        scene.truth.put(timer("a"))
        shard = await scene.live(tasks)
        del shard.timers["a"]

        await scene.way_in.to_shard(0, encode(scene.truth.digest()))
        await scene.clock.sleep(0.1)
        assert len(scene.queues.snapshots()) == 1


@in_virtual_time
async def test_what_is_no_message_is_buried_and_the_next_is_read() -> None:
    async with taking_in() as (scene, tasks):
        shard = await scene.live(tasks)
        await scene.way_in.to_shard(0, b"no message")
        broken = Change(version=1, what=msgspec.Raw(msgspec.msgpack.encode(["of a later release"])))
        await scene.way_in.to_shard(0, encode(ScheduleChanges(shard=0, changes=[broken])))
        await scene.publish(scene.truth.put(timer("a")))
        await scene.clock.sleep(0.1)

        assert len(scene.broker.dead_letters) == 2
        assert set(shard.timers) == {"a"}


@in_virtual_time
async def test_whoever_rings_has_turns_enough_between_any_two_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """One shard begins to ring while the pages of another come. Shown to fail where each has a slice in every turn."""
    monkeypatch.setattr(intake_module, "SLICE_SECONDS", 0)
    turn, worked = 0, Counter[int]()
    async with taking_in() as (scene, tasks):
        hold, arm = scene.agenda.hold, scene.agenda.arm

        def holding(told: Timer, number: int) -> Held:
            worked[turn] += 1
            return hold(told, number)

        def arming(held: Held) -> None:
            worked[turn] += 1
            arm(held)

        monkeypatch.setattr(scene.agenda, "hold", holding)
        monkeypatch.setattr(scene.agenda, "arm", arming)
        for number in range(4 * SLICE):
            scene.truth.put(timer(f"t{number}"))
        listing = []
        for number in range(3):
            assert await scene.session.claim(number)
            shard = scene.shards[number] = Shard(number, scene.session.incarnation, scene.agenda)
            listing.append(tasks.create_task(scene.intake.list_shard(shard)))
        await scene.clock.sleep(0.1)
        (page,) = scene.truth.snapshot(scene.session.incarnation, "first", page_timers=4 * SLICE)
        for number in scene.shards:
            await scene.way_in.to_shard(number, encode(msgspec.structs.replace(page, shard=number)))
        while not all(task.done() for task in listing):
            await scene.clock.sleep(0)
            turn += 1

        assert worked.total() == 3 * 2 * 4 * SLICE
        assert max(worked.values()) == SLICE
        assert min(later - earlier for earlier, later in pairwise(sorted(worked))) >= TURNS
