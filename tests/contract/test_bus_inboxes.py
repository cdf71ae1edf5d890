"""What the bus promises of inboxes, and of the end of a session, over every adapter."""

from __future__ import annotations

import asyncio

import pytest

from shared.bus.port import BusUnavailable, Work
from tests.contract.brokers import Broker
from tests.contract.desk import Desk, Heard, eventually, first


async def test_a_message_reaches_the_owner_of_its_shard(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await other.claim(2)

    assert await publisher.to_shard(2, b"for the other")
    assert await publisher.to_shard(1, b"for the one")

    mine, theirs = await first(one.deliveries()), await first(other.deliveries())
    assert (mine.shard, mine.body) == (1, b"for the one")
    assert (theirs.shard, theirs.body) == (2, b"for the other")


async def test_a_message_to_a_shard_without_an_owner_went_nowhere(desk: Desk) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()

    assert not await publisher.to_shard(1, b"nobody")
    await one.claim(1)
    assert await publisher.to_shard(1, b"somebody")
    await one.release(1)
    assert not await publisher.to_shard(1, b"nobody again")
    assert not await publisher.to_shard(2, b"never anybody")

    await one.claim(1)
    await publisher.to_shard(1, b"later")
    assert (await first(one.deliveries())).body == b"later"


async def test_a_message_after_its_owner_has_gone_went_nowhere(desk: Desk) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)

    await one.close()

    async def went_nowhere() -> bool:
        return not await publisher.to_shard(1, b"nobody")

    await eventually(went_nowhere)


async def test_messages_of_a_shard_keep_their_order(desk: Desk) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await one.claim(2)
    reader = desk.reader(one.deliveries())

    for number in range(300):
        assert await publisher.to_shard(1 + number % 2, str(number).encode())

    await reader.until(300)
    for shard in (1, 2):
        numbers = [int(delivery.body) for delivery in reader.read if delivery.shard == shard]
        assert numbers == sorted(numbers)
        assert len(numbers) == 150


async def test_many_may_publish_at_once(desk: Desk) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    reader = desk.reader(one.deliveries())

    arrived = await asyncio.gather(*(publisher.to_shard(n % 2, str(n).encode()) for n in range(200)))

    assert [n for n in range(200) if arrived[n]] == [n for n in range(200) if n % 2 == 1]
    await reader.until(100)
    assert {int(body) for body in reader.bodies} == {n for n in range(200) if n % 2 == 1}


async def test_what_is_published_together_arrives_in_order_and_each_has_its_own_answer(desk: Desk) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await one.claim(3)
    reader = desk.reader(one.deliveries())

    answers = await publisher.to_shards([(n % 4, str(n).encode()) for n in range(200)])

    assert answers == [n % 2 == 1 for n in range(200)]
    await reader.until(100)
    for shard in (1, 3):
        numbers = [int(delivery.body) for delivery in reader.read if delivery.shard == shard]
        assert numbers == list(range(shard, 200, 4))


async def test_nothing_published_together_has_no_answers(desk: Desk) -> None:
    assert list(await desk.publisher().to_shards([])) == []


async def test_a_large_message_arrives_whole(desk: Desk) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    body = bytes(range(256)) * 4096

    await publisher.to_shard(1, body)
    await publisher.to_shard(1, b"")

    deliveries = one.deliveries()
    assert (await first(deliveries)).body == body
    assert (await first(deliveries)).body == b""


async def test_nothing_of_a_released_shard_is_delivered(desk: Desk) -> None:
    one, heard = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await one.claim(2)
    deliveries = one.deliveries()
    await publisher.to_shard(1, b"read")
    read = await first(deliveries)
    await publisher.to_shard(1, b"unread")

    await one.release(1)
    await publisher.to_shard(2, b"of the other shard")

    assert (await first(deliveries)).body == b"of the other shard"
    await read.ack()
    await one.renew()
    assert not heard.lost


async def test_a_successor_does_not_read_what_the_predecessor_left(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await publisher.to_shard(1, b"old")

    await one.release(1)
    await other.claim(1)
    await publisher.to_shard(1, b"new")

    assert (await first(other.deliveries())).body == b"new"


async def test_what_is_buried_is_with_the_dead_letters(desk: Desk, broker: Broker) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await publisher.to_shard(1, b"gibberish")
    await publisher.to_shard(1, b"sense")

    deliveries = one.deliveries()
    await (await first(deliveries)).bury()
    await (await first(deliveries)).ack()

    assert await broker.dead_letters(1) == [b"gibberish"]


async def test_deliveries_end_with_the_session(desk: Desk) -> None:
    one, _ = await desk.session()
    await one.claim(1)

    async def read_all() -> int:
        return sum([1 async for _ in one.deliveries()])

    reading = asyncio.ensure_future(read_all())
    await one.renew()
    await one.close()

    async with asyncio.timeout(5):
        assert await reading == 0
        assert await read_all() == 0


async def test_deliveries_end_when_the_connection_is_lost(desk: Desk, broker: Broker) -> None:
    one, heard = await desk.session()
    await one.claim(1)
    reading = asyncio.ensure_future(anext(one.deliveries(), None))

    await broker.drop_connections()

    async with asyncio.timeout(10):
        assert await reading is None
    assert len(heard.lost) == 1


async def test_the_loss_is_told_exactly_once(desk: Desk, broker: Broker) -> None:
    closed, heard_closed = await desk.session()
    dropped, heard_dropped = await desk.session()

    await closed.close()
    await closed.close()
    await broker.drop_connections()
    await heard_dropped.until(lambda: bool(heard_dropped.lost))
    with pytest.raises(BusUnavailable):
        await dropped.renew()
    await dropped.close()

    assert len(heard_closed.lost) == 1
    assert len(heard_dropped.lost) == 1
    assert heard_dropped.lost[0]


async def test_a_lost_session_refuses_everything(desk: Desk, broker: Broker) -> None:
    one, heard = await desk.session()
    await one.claim(1)
    await desk.publisher().to_shard(1, b"held")
    held = await first(one.deliveries())
    await broker.drop_connections()
    await heard.until(lambda: bool(heard.lost))

    for refused in (
        one.renew,
        one.join,
        one.members,
        lambda: one.claim(1),
        lambda: one.claim(2),
        lambda: one.verify(1),
        lambda: one.release(1),
        held.ack,
        held.bury,
    ):
        with pytest.raises(BusUnavailable):
            await refused()
    assert not heard.shards_lost, "the whole session is lost, which says it all"


async def test_a_cancelled_call_does_not_end_the_session(desk: Desk) -> None:
    one, heard = await desk.session()
    await one.claim(1)

    for call in (one.renew, one.members, lambda: one.verify(1), lambda: one.claim(2)):
        for steps in range(6):
            task = asyncio.ensure_future(call())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    await one.renew()
    assert await one.members() == 0
    assert await one.verify(1)
    assert not heard.lost


async def test_a_session_that_cannot_be_opened_tells_nobody(desk: Desk, broker: Broker) -> None:
    heard = Heard()
    await broker.stop()
    try:
        with pytest.raises(BusUnavailable):
            await desk.bus.open_session(heard.events)
        with pytest.raises(BusUnavailable):
            await desk.bus.prepare()
        with pytest.raises(BusUnavailable):
            async with desk.bus.consume(Work.OUTCOMES):
                pass
    finally:
        await broker.start()
    assert not heard.lost
