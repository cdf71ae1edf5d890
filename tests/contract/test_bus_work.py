"""What the bus promises of work queues, and of outages, over every adapter."""

from __future__ import annotations

import asyncio

import pytest

from shared.bus.port import OUTCOMES_HELD, BusUnavailable, Work
from shared.bus.topology import DELIVERY_LIMIT
from tests.contract.brokers import Broker
from tests.contract.desk import Desk, eventually, first


@pytest.mark.parametrize("queue", list(Work))
async def test_work_is_done_once(desk: Desk, queue: Work) -> None:
    publisher = desk.publisher()
    await publisher.to_work(queue, b"before anybody listens")
    async with desk.bus.consume(queue) as deliveries:
        delivery = await first(deliveries)
        assert (delivery.shard, delivery.body) == (None, b"before anybody listens")
        await delivery.ack()

    await publisher.to_work(queue, b"afterwards")

    assert (await first(await desk.consumer(queue))).body == b"afterwards"


@pytest.mark.parametrize("queue", list(Work))
async def test_work_that_was_not_acknowledged_comes_again(desk: Desk, queue: Work) -> None:
    await desk.publisher().to_work(queue, b"do me")
    async with desk.bus.consume(queue) as deliveries:
        assert (await first(deliveries)).body == b"do me"

    again = await first(await desk.consumer(queue))

    assert again.body == b"do me"
    await again.ack()


@pytest.mark.parametrize("queue", list(Work))
async def test_buried_work_is_with_the_dead_letters(desk: Desk, broker: Broker, queue: Work) -> None:
    publisher = desk.publisher()
    await publisher.to_work(queue, b"gibberish")
    await publisher.to_work(queue, b"sense")
    deliveries = await desk.consumer(queue)

    await (await first(deliveries)).bury()
    assert (await first(deliveries)).body == b"sense"

    assert await broker.dead_letters(1) == [b"gibberish"]


async def test_work_that_always_comes_back_is_buried_at_last(desk: Desk, broker: Broker) -> None:
    publisher = desk.publisher()
    await publisher.to_work(Work.SNAPSHOTS, b"poison")

    for _ in range(DELIVERY_LIMIT + 1):
        async with desk.bus.consume(Work.SNAPSHOTS) as deliveries:
            assert (await first(deliveries)).body == b"poison"

    assert await broker.dead_letters(1) == [b"poison"]
    await publisher.to_work(Work.SNAPSHOTS, b"food")
    assert (await first(await desk.consumer(Work.SNAPSHOTS))).body == b"food"


async def test_unread_work_expires_and_is_no_dead_letter(desk: Desk, broker: Broker) -> None:
    publisher = desk.publisher()
    await publisher.to_work(Work.SNAPSHOTS, b"of the moment", expires_after=0.05)
    await publisher.to_work(Work.SNAPSHOTS, b"patient", expires_after=60)
    await publisher.to_work(Work.SNAPSHOTS, b"gibberish")
    await broker.let_pass(0.1)

    deliveries = await desk.consumer(Work.SNAPSHOTS)
    assert (await first(deliveries)).body == b"patient"
    await (await first(deliveries)).bury()

    assert await broker.dead_letters(1) == [b"gibberish"]


async def test_outcomes_come_in_order_and_not_all_at_once(desk: Desk) -> None:
    publisher = desk.publisher()
    reader = desk.reader(await desk.consumer(Work.OUTCOMES), acks=False)
    for number in range(OUTCOMES_HELD + 5):
        await publisher.to_work(Work.OUTCOMES, str(number).encode())

    for held in range(5):
        await reader.until(OUTCOMES_HELD + held)
        await publisher.check()
        await publisher.check()
        assert len(reader.read) == OUTCOMES_HELD + held, "no more come before one is acknowledged"
        await reader.read[held].ack()
    await reader.until(OUTCOMES_HELD + 5)

    assert [int(body) for body in reader.bodies] == list(range(OUTCOMES_HELD + 5))


async def test_what_was_held_comes_again_before_the_rest_and_in_order(desk: Desk) -> None:
    publisher = desk.publisher()
    async with desk.bus.consume(Work.OUTCOMES) as deliveries:
        reader = desk.reader(deliveries, acks=False)
        for number in range(OUTCOMES_HELD * 2):
            await publisher.to_work(Work.OUTCOMES, str(number).encode())
        await reader.until(OUTCOMES_HELD)
        await reader.read[0].ack()

    successor = desk.reader(await desk.consumer(Work.OUTCOMES))
    await successor.until(OUTCOMES_HELD * 2 - 1)

    assert [int(body) for body in successor.bodies] == list(range(1, OUTCOMES_HELD * 2))


async def test_a_wait_for_work_that_is_cancelled_misses_nothing(desk: Desk) -> None:
    """Shown to fail where deliveries are a generator, which ends with the wait."""
    publisher = desk.publisher()
    deliveries = await desk.consumer(Work.OUTCOMES)

    for number in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(deliveries)
        await publisher.to_work(Work.OUTCOMES, str(number).encode())
        delivery = await first(deliveries)
        assert delivery.body == str(number).encode()
        await delivery.ack()


async def test_outcomes_have_one_active_consumer_and_a_successor(desk: Desk) -> None:
    publisher = desk.publisher()
    async with desk.bus.consume(Work.OUTCOMES) as active:
        first_reader = desk.reader(active)
        second_reader = desk.reader(await desk.consumer(Work.OUTCOMES))
        for number in range(10):
            await publisher.to_work(Work.OUTCOMES, str(number).encode())
        await first_reader.until(10)
        assert not second_reader.read

    await publisher.to_work(Work.OUTCOMES, b"inherited")

    await second_reader.until(1)
    assert second_reader.bodies == [b"inherited"]


async def test_the_successor_gets_what_the_active_consumer_held(desk: Desk) -> None:
    publisher = desk.publisher()
    async with desk.bus.consume(Work.OUTCOMES) as active:
        successor = desk.reader(await desk.consumer(Work.OUTCOMES))
        await publisher.to_work(Work.OUTCOMES, b"half recorded")
        await first(active)
        assert not successor.read

    await successor.until(1)
    assert successor.bodies == [b"half recorded"]


async def test_snapshot_requests_are_shared_out(desk: Desk) -> None:
    publisher = desk.publisher()
    one = desk.reader(await desk.consumer(Work.SNAPSHOTS), acks=False)
    other = desk.reader(await desk.consumer(Work.SNAPSHOTS), acks=False)

    for number in range(6):
        await publisher.to_work(Work.SNAPSHOTS, str(number).encode())

    await one.until(1)
    await other.until(1)
    async with asyncio.timeout(10):
        while len(one.read) + len(other.read) < 6:
            await publisher.check()
    assert sorted(one.bodies + other.bodies) == [str(number).encode() for number in range(6)]


async def test_reading_work_fails_when_the_connection_is_lost(desk: Desk, broker: Broker) -> None:
    publisher = desk.publisher()
    await publisher.to_work(Work.OUTCOMES, b"held")
    deliveries = await desk.consumer(Work.OUTCOMES)
    held = await first(deliveries)
    reading = asyncio.ensure_future(anext(deliveries))

    await broker.drop_connections()

    with pytest.raises(BusUnavailable):
        async with asyncio.timeout(10):
            await reading
    with pytest.raises(BusUnavailable):
        await held.ack()
    assert (await first(await desk.consumer(Work.OUTCOMES))).body == b"held"


async def test_a_publisher_comes_back_by_itself(desk: Desk, broker: Broker) -> None:
    publisher, idle = desk.publisher(), desk.publisher()
    await publisher.to_work(Work.OUTCOMES, b"before")
    await idle.check()
    await broker.stop()
    try:
        for refused in (
            lambda: publisher.to_work(Work.OUTCOMES, b"during"),
            lambda: publisher.to_shard(1, b"during"),
            publisher.ring_bell,
            lambda: publisher.tell_time(b"during"),
            publisher.check,
            publisher.queues,
        ):
            with pytest.raises(BusUnavailable):
                await refused()
        together = await publisher.to_shards([(1, b"during"), (2, b"during")])
        assert [type(answer) for answer in together] == [BusUnavailable] * 2
    finally:
        await broker.start()

    await publisher.check()
    await publisher.to_work(Work.OUTCOMES, b"after")
    await idle.to_work(Work.OUTCOMES, b"never noticed")

    reader = desk.reader(await desk.consumer(Work.OUTCOMES))
    await reader.until(3)
    assert reader.bodies == [b"before", b"after", b"never noticed"], "work outlives an outage"


async def test_a_publisher_survives_the_loss_of_its_connection(desk: Desk, broker: Broker) -> None:
    publisher = desk.publisher()
    await publisher.check()

    await broker.drop_connections()

    async def published() -> bool:
        try:
            await publisher.to_work(Work.OUTCOMES, b"there")
        except BusUnavailable:
            return False
        return True

    await eventually(published)


async def test_a_publisher_may_be_closed_unused_twice_and_used_again(desk: Desk) -> None:
    publisher = desk.publisher()
    await publisher.close()
    await publisher.check()
    await publisher.close()
    await publisher.close()
    await publisher.check()


async def test_preparing_may_be_repeated(desk: Desk) -> None:
    await desk.publisher().to_work(Work.OUTCOMES, b"kept")

    await desk.bus.prepare()

    assert (await first(await desk.consumer(Work.OUTCOMES))).body == b"kept"
