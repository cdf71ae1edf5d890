"""What the bus promises, sentence by sentence, of every adapter: in process, and over a real RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from shared.bus.port import Bus, BusUnavailable, Delivery, Publisher, Session, SessionEvents, Work
from shared.bus.topology import DELIVERY_LIMIT
from tests.contract.brokers import Broker, InProcess, Real
from tests.servers.rabbit import Rabbit

SHARDS = 16


class Heard:
    """What a session has told its owner."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.shards_lost: list[int] = []
        self.bells = 0
        self._news = asyncio.Event()

    @property
    def events(self) -> SessionEvents:
        return SessionEvents(on_lost=self._lost, on_shard_lost=self._shard_lost, on_bell=self._bell)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _lost(self, reason: str) -> None:
        self.lost.append(reason)
        self._news.set()

    def _shard_lost(self, shard: int) -> None:
        self.shards_lost.append(shard)
        self._news.set()

    def _bell(self) -> None:
        self.bells += 1
        self._news.set()


class Reader:
    """Reads in the background, so that a test can see what did not come."""

    def __init__(self, deliveries: AsyncIterator[Delivery], *, acks: bool = True) -> None:
        self.read: list[Delivery] = []
        self.error: Exception | None = None
        self._deliveries = deliveries
        self._acks = acks
        self._news = asyncio.Event()

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.read]

    async def run(self) -> None:
        try:
            async for delivery in self._deliveries:
                if self._acks:
                    await delivery.ack()
                self.read.append(delivery)
                self._news.set()
        except BusUnavailable as error:
            self.error = error
        self._news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.read) < count:
                self._news.clear()
                await self._news.wait()


class Desk:
    """Opens what a test needs, and closes it when the test is over."""

    def __init__(self, bus: Bus, stack: AsyncExitStack, tasks: asyncio.TaskGroup) -> None:
        self.bus = bus
        self.stack = stack
        self._tasks = tasks

    @classmethod
    @asynccontextmanager
    async def over(cls, bus: Bus) -> AsyncIterator[Desk]:
        await bus.prepare()
        async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
            yield cls(bus, stack, tasks)

    async def session(self) -> tuple[Session, Heard]:
        heard = Heard()
        session = await self.bus.open_session(heard.events)
        self.stack.push_async_callback(session.close)
        return session, heard

    def publisher(self) -> Publisher:
        publisher = self.bus.publisher()
        self.stack.push_async_callback(publisher.close)
        return publisher

    def reader(self, deliveries: AsyncIterator[Delivery], *, acks: bool = True) -> Reader:
        reader = Reader(deliveries, acks=acks)
        task = self._tasks.create_task(reader.run())
        self.stack.callback(task.cancel)
        return reader

    async def consumer(self, queue: Work) -> AsyncIterator[Delivery]:
        return await self.stack.enter_async_context(self.bus.consume(queue))


@pytest.fixture(params=["local", "rabbit"])
async def broker(request: pytest.FixtureRequest, bus_prefix: str) -> AsyncIterator[Broker]:
    if request.param == "local":
        yield InProcess()
        return
    rabbit: Rabbit = request.getfixturevalue("rabbit")
    real = Real(rabbit, bus_prefix)
    yield real
    await real.clear()


@pytest.fixture
async def desk(broker: Broker) -> AsyncIterator[Desk]:
    async with Desk.over(broker.bus) as desk:
        yield desk


async def eventually(ask: Callable[[], Awaitable[bool]]) -> None:
    """Ask, a round trip each time, until the answer is yes."""
    async with asyncio.timeout(10):
        while not await ask():  # noqa: ASYNC110 - asking is the waiting
            await asyncio.sleep(0)


async def members_become(session: Session, count: int) -> None:
    async def are() -> bool:
        return await session.members() == count

    await eventually(are)


async def first(deliveries: AsyncIterator[Delivery]) -> Delivery:
    async with asyncio.timeout(10):
        return await anext(deliveries)


# ---------------------------------------------------------------------------- ownership


async def test_a_shard_has_one_owner(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()

    assert await one.claim(3)
    assert not await other.claim(3)
    assert await one.claim(3), "claiming what one owns changes nothing"
    assert await other.claim(4)
    assert not await one.claim(4)


async def test_sessions_that_race_for_all_shards_share_them_out(desk: Desk) -> None:
    sessions = [(await desk.session())[0] for _ in range(3)]

    async def grab(session: Session) -> list[int]:
        return [shard for shard in range(SHARDS) if await session.claim(shard)]

    owned = await asyncio.gather(*map(grab, sessions))

    assert sorted(shard for shards in owned for shard in shards) == list(range(SHARDS))


async def test_claims_of_one_session_may_overlap(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    await other.claim(2)

    answers = await asyncio.gather(*(one.claim(shard) for shard in range(SHARDS)), one.renew(), one.members())

    assert [shard for shard in range(SHARDS) if not answers[shard]] == [2]


async def test_a_session_outlives_refused_claims(desk: Desk) -> None:
    one, _ = await desk.session()
    other, heard = await desk.session()
    await one.claim(1)
    await other.claim(2)

    assert not any([await other.claim(1) for _ in range(20)])

    await other.renew()
    assert await other.verify(2)
    assert not heard.lost


async def test_closing_frees_every_shard(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    await one.claim(1)
    await one.claim(2)

    await one.close()

    await eventually(lambda: other.claim(1))
    await eventually(lambda: other.claim(2))


async def test_losing_the_connection_frees_every_shard(desk: Desk, broker: Broker) -> None:
    one, heard = await desk.session()
    await one.claim(1)

    await broker.drop_connections()

    await heard.until(lambda: bool(heard.lost))
    successor, _ = await desk.session()
    await eventually(lambda: successor.claim(1))


async def test_what_is_released_can_be_claimed_at_once(desk: Desk) -> None:
    one, heard = await desk.session()
    other, _ = await desk.session()
    await one.claim(1)
    await one.claim(2)

    await one.release(1)

    assert await other.claim(1)
    assert not await other.claim(2)
    assert not await one.claim(1)
    assert not heard.shards_lost, "what one gives up is not lost"


async def test_releasing_what_is_not_owned_changes_nothing(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    await other.claim(1)

    await one.release(1)
    await one.release(2)

    assert await other.verify(1)


async def test_a_released_shard_can_be_owned_again(desk: Desk) -> None:
    one, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await one.release(1)

    assert await one.claim(1)

    assert await publisher.to_shard(1, b"again")
    assert (await first(one.deliveries())).body == b"again"


async def test_verify_knows_mine_from_thine_and_from_nobodys(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    await one.claim(1)
    await other.claim(2)

    assert await one.verify(1)
    assert not await one.verify(2)
    assert not await one.verify(3)
    assert await one.verify(1), "asking has cost nothing"


async def test_a_shard_taken_away_is_told_at_once(desk: Desk, broker: Broker) -> None:
    one, heard = await desk.session()
    other, _ = await desk.session()
    await one.claim(1)
    await one.claim(2)

    await broker.delete_inbox(1)

    await heard.until(lambda: heard.shards_lost == [1])
    assert not await one.verify(1)
    assert await one.verify(2)
    assert await other.claim(1)
    assert not heard.lost


async def test_what_came_from_a_shard_taken_away_can_still_be_answered(desk: Desk, broker: Broker) -> None:
    one, heard = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await one.claim(2)
    deliveries = one.deliveries()
    await publisher.to_shard(1, b"held")
    held = await first(deliveries)

    await broker.delete_inbox(1)
    await heard.until(lambda: heard.shards_lost == [1])
    await held.ack()

    await publisher.to_shard(2, b"next")
    assert (await first(deliveries)).body == b"next"
    assert not heard.lost


async def test_every_session_has_a_name_of_its_own(desk: Desk) -> None:
    names = {(await desk.session())[0].incarnation for _ in range(5)}

    assert len(names) == 5
    assert all(names)


# ---------------------------------------------------------------------------- members and the bell


async def test_members_are_counted_from_join_to_leave(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    assert await one.members() == 0

    await one.join()
    await one.join()
    await members_become(other, 1)
    await other.join()
    await members_become(one, 2)
    await one.leave()
    await one.leave()
    await members_become(one, 1)
    await other.close()
    await members_become(one, 0)


async def test_who_has_left_still_owns(desk: Desk) -> None:
    one, _ = await desk.session()
    other, _ = await desk.session()
    await one.join()
    await one.claim(1)

    await one.leave()

    assert await one.verify(1)
    assert not await other.claim(1)


async def test_who_has_left_can_join_again(desk: Desk) -> None:
    one, _ = await desk.session()
    await one.join()
    await one.leave()
    await one.join()

    await members_become(one, 1)


async def test_every_session_hears_the_bell(desk: Desk) -> None:
    _, one = await desk.session()
    _, other = await desk.session()

    await desk.publisher().ring_bell()

    await one.until(lambda: one.bells >= 1)
    await other.until(lambda: other.bells >= 1)


async def test_a_bell_that_nobody_hears_does_no_harm(desk: Desk) -> None:
    await desk.publisher().ring_bell()

    _, heard = await desk.session()
    await desk.publisher().ring_bell()
    await heard.until(lambda: heard.bells == 1)


# ---------------------------------------------------------------------------- inboxes


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


# ---------------------------------------------------------------------------- the end of a session


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


# ---------------------------------------------------------------------------- work


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


async def test_outcomes_come_in_order_and_one_at_a_time(desk: Desk) -> None:
    publisher = desk.publisher()
    deliveries = await desk.consumer(Work.OUTCOMES)
    reader = desk.reader(deliveries, acks=False)
    for number in range(20):
        await publisher.to_work(Work.OUTCOMES, str(number).encode())

    for number in range(20):
        await reader.until(number + 1)
        await publisher.check()
        await publisher.check()
        assert len(reader.read) == number + 1, "nothing comes before the last one is acknowledged"
        await reader.read[-1].ack()

    assert [int(body) for body in reader.bodies] == list(range(20))


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


# ---------------------------------------------------------------------------- outages


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
            publisher.check,
        ):
            with pytest.raises(BusUnavailable):
                await refused()
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
