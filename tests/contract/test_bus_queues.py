"""What the bus tells of its queues, over every adapter: what waits in them, and who reads them."""

from __future__ import annotations

import pytest

from shared.bus.port import Queue, QueueState, Work
from tests.contract.desk import Desk, eventually, first

QUEUES = {Queue.OUTCOMES: Work.OUTCOMES, Queue.SNAPSHOTS: Work.SNAPSHOTS}


async def becomes(desk: Desk, queue: Queue, *, messages: int = 0, consumers: int = 0) -> None:
    """A broker counts what it has confirmed a moment later."""
    publisher = desk.publisher()
    wanted = QueueState(messages=messages, consumers=consumers)

    async def is_so() -> bool:
        return (await publisher.queues())[queue] == wanted

    await eventually(is_so)


async def test_nothing_waits_in_new_queues_and_nobody_reads_them(desk: Desk) -> None:
    states = await desk.publisher().queues()

    assert states == dict.fromkeys(Queue, QueueState(messages=0, consumers=0))


@pytest.mark.parametrize("queue", list(QUEUES))
async def test_what_waits_is_counted_and_not_what_is_held(desk: Desk, queue: Queue) -> None:
    publisher = desk.publisher()
    for _ in range(3):
        await publisher.to_work(QUEUES[queue], b"work")
    await becomes(desk, queue, messages=3)

    deliveries = await desk.consumer(QUEUES[queue])
    held = [await first(deliveries) for _ in range(3)]

    await becomes(desk, queue, messages=3 - len(held), consumers=1)


async def test_of_those_who_read_outcomes_the_active_one_is_counted(desk: Desk) -> None:
    async with desk.bus.consume(Work.OUTCOMES):
        await desk.consumer(Work.OUTCOMES)
        await desk.consumer(Work.SNAPSHOTS)
        await desk.consumer(Work.SNAPSHOTS)
        await becomes(desk, Queue.SNAPSHOTS, consumers=2)
        await becomes(desk, Queue.OUTCOMES, consumers=1)

    await becomes(desk, Queue.OUTCOMES, consumers=1)


async def test_dead_letters_and_members_are_counted(desk: Desk) -> None:
    await desk.publisher().to_work(Work.SNAPSHOTS, b"gibberish")
    await (await first(await desk.consumer(Work.SNAPSHOTS))).bury()
    one, _ = await desk.session()
    other, _ = await desk.session()
    await one.join()
    await other.join()

    await becomes(desk, Queue.DEAD, messages=1)
    await becomes(desk, Queue.MEMBERS, consumers=2)

    await one.leave()
    await becomes(desk, Queue.MEMBERS, consumers=1)
