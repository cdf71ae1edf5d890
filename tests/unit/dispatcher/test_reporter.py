"""Outcomes leave in order, in small batches, and none is forgotten; when there is no room for more, nobody may ring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.shard import Shard
from dispatcher_service.loops.reporter import BATCH, Reporter
from shared.bus.port import BusUnavailable, Work
from shared.domain.firing import Finished, Outcome
from shared.messages.catalogue import Outcomes, Released, SnapshotRequest
from shared.messages.codec import decode_to_recorder
from tests.fakes.clock import VirtualClock, in_virtual_time


class Queue:
    """The outcomes queue: takes what it is given, unless it is away."""

    def __init__(self) -> None:
        self.messages: list[Outcomes | Released | SnapshotRequest] = []
        self.is_up = True
        self.refused = 0
        self.open = asyncio.Event()
        self.open.set()

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        assert queue is Work.OUTCOMES
        del expires_after
        await self.open.wait()
        if not self.is_up:
            self.refused += 1
            raise BusUnavailable("away")
        self.messages.append(decode_to_recorder(body))

    @property
    def ends(self) -> list[int]:
        return [
            outcome.end
            for message in self.messages
            if isinstance(message, Outcomes)
            for report in message.reports
            for outcome in report.outcomes
            if isinstance(outcome, Finished)
        ]


class Scene:
    def __init__(self, room: int) -> None:
        self.clock = VirtualClock()
        self.queue = Queue()
        self.told: list[Outcome] = []
        self.rooms = 0
        self.reporter = Reporter(
            self.queue,
            name="d1",
            clock=self.clock,
            on_outcome=lambda _shard, outcome: self.told.append(outcome),
            on_room=self.has_room,
            room=room,
        )
        self.shard = Shard(3, "incarnation", Agenda())

    def has_room(self) -> None:
        self.rooms += 1

    def add(self, numbers: range) -> None:
        for number in numbers:
            self.reporter.add(self.shard, Finished(timer_id="t", end=number))


@asynccontextmanager
async def reporting(room: int = 10_000) -> AsyncIterator[Scene]:
    scene = Scene(room)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(scene.reporter.run())
        yield scene
        task.cancel()


@in_virtual_time
async def test_everything_leaves_in_order_and_in_batches() -> None:
    async with reporting() as scene:
        scene.add(range(2 * BATCH + 7))
        await scene.reporter.flush()

        assert scene.queue.ends == list(range(2 * BATCH + 7))
        assert len(scene.queue.messages) == 3
        assert scene.reporter.backlog == 0


@in_virtual_time
async def test_a_single_outcome_does_not_wait_for_company() -> None:
    async with reporting() as scene:
        scene.add(range(1))
        await scene.reporter.flush()

        assert scene.clock.steady() < 0.05


@in_virtual_time
async def test_while_the_broker_is_away_outcomes_wait_and_then_leave_once_and_in_order() -> None:
    async with reporting() as scene:
        scene.queue.is_up = False
        scene.add(range(10))
        await scene.clock.sleep(1)
        scene.add(range(10, 700))
        await scene.clock.sleep(60)
        assert (scene.queue.ends, scene.reporter.backlog) == ([], 700)
        assert 3 < scene.queue.refused < 60, "it tries again, and not without a pause"

        scene.queue.is_up = True
        await scene.reporter.flush()

        assert scene.queue.ends == list(range(700))


@in_virtual_time
async def test_without_room_nothing_may_happen_until_there_is_some() -> None:
    async with reporting(room=10) as scene:
        scene.queue.is_up = False
        scene.add(range(9))
        assert scene.reporter.has_room
        scene.add(range(9, 10))
        assert not scene.reporter.has_room
        await scene.clock.sleep(5)
        assert (scene.reporter.has_room, scene.rooms) == (False, 0)

        scene.queue.is_up = True
        await scene.reporter.flush()

        assert (scene.reporter.has_room, scene.rooms) == (True, 1)


@in_virtual_time
async def test_a_broker_in_an_alarm_holds_a_flush_that_its_caller_bounds() -> None:
    async with reporting() as scene:
        scene.queue.open.clear()
        scene.add(range(3))

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await scene.reporter.flush()
        scene.queue.open.set()
        await scene.reporter.flush()

        assert scene.queue.ends == [0, 1, 2]


@in_virtual_time
async def test_a_flush_waits_for_what_was_added_before_it_and_not_for_more() -> None:
    async with reporting() as scene:
        scene.add(range(BATCH))
        async with asyncio.TaskGroup() as tasks:
            flush = tasks.create_task(scene.reporter.flush())
            await scene.clock.sleep(0)
            scene.add(range(BATCH, 3 * BATCH))
            await flush

            assert BATCH <= len(scene.queue.ends) < 3 * BATCH


@in_virtual_time
async def test_reports_carry_the_epoch_of_the_deed_and_are_told_apart_by_shard() -> None:
    async with reporting() as scene:
        other = Shard(4, "incarnation", Agenda())
        scene.shard.epoch = 7
        scene.add(range(1))
        scene.shard.epoch = 8
        scene.add(range(1, 2))
        scene.reporter.add(other, Finished(timer_id="u", end=9))
        await scene.reporter.flush()

        (message,) = scene.queue.messages
        assert isinstance(message, Outcomes)
        assert message.dispatcher == "d1"
        assert [(report.shard, report.epoch, len(report.outcomes)) for report in message.reports] == [
            (3, 7, 1),
            (3, 8, 1),
            (4, 0, 1),
        ]


@in_virtual_time
async def test_a_goodbye_says_whose() -> None:
    async with reporting() as scene:
        scene.shard.epoch = 5
        await scene.reporter.released(scene.shard)

        assert scene.queue.messages == [Released(shard=3, incarnation="incarnation", epoch=5)]
