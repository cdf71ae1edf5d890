"""What only a real RabbitMQ can do to the bus: alarms, silence, sudden death, and operators who delete queues."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiormq.channel
import pytest
import yarl

from shared.bus.port import BusUnavailable, Session, Work
from shared.bus.rabbit import RabbitBus
from shared.bus.rabbit_wire import Patience
from shared.bus.topology import TIME_SIGNAL_MILLISECONDS, TIME_SIGNALS_KEPT
from tests.contract.brokers import Real
from tests.contract.desk import Desk, Heard, eventually, first, members_become
from tests.servers.proxy import Proxy, proxy_to
from tests.servers.rabbit import Rabbit

HASTY = Patience(connect=1.0, call=1.0, publish=1.0, close=0.5)


@pytest.fixture
async def broker(rabbit: Rabbit, bus_prefix: str) -> AsyncIterator[Real]:
    real = Real(rabbit, bus_prefix)
    real.bus = RabbitBus(rabbit.url, prefix=bus_prefix, patience=HASTY)
    yield real
    await real.clear()


@pytest.fixture
async def desk(broker: Real) -> AsyncIterator[Desk]:
    async with Desk.over(broker.bus) as desk:
        yield desk


@asynccontextmanager
async def memory_alarm(broker: Real) -> AsyncIterator[None]:
    await asyncio.to_thread(broker.rabbit.ctl, "set_vm_memory_high_watermark", "0.00001")
    try:
        yield
    finally:
        await asyncio.to_thread(broker.rabbit.ctl, "set_vm_memory_high_watermark", "0.4")


@asynccontextmanager
async def through_proxy(broker: Real) -> AsyncIterator[tuple[RabbitBus, Proxy]]:
    url = yarl.URL(broker.rabbit.url)
    async with proxy_to(url.port or 5672) as proxy:
        bus = RabbitBus(str(url.with_port(proxy.port)), prefix=broker.topology.prefix, patience=HASTY)
        yield bus, proxy


async def test_an_alarm_stops_publishers_and_nothing_else(desk: Desk, broker: Real) -> None:
    one, heard = await desk.session()
    other, _ = await desk.session()
    publisher = desk.publisher()
    await one.claim(1)
    await one.join()
    await publisher.to_work(Work.OUTCOMES, b"before")

    async with memory_alarm(broker):

        async def is_blocked() -> bool:
            try:
                await publisher.to_work(Work.OUTCOMES, b"perhaps")
            except BusUnavailable:
                return True
            return False

        await eventually(is_blocked)
        await one.renew()
        assert await one.verify(1)
        assert not await other.claim(1)
        assert await other.claim(2)
        await other.join()
        await members_become(one, 2)
        late, _ = await desk.session()
        await late.renew()
        assert await late.claim(3)
        await one.close()
        await eventually(lambda: late.claim(1))
        assert await is_blocked()

    await publisher.to_work(Work.OUTCOMES, b"after")
    assert heard.lost == ["closed"]


async def test_a_peer_that_falls_silent_is_noticed_and_left(desk: Desk, broker: Real) -> None:
    async with through_proxy(broker) as (bus, proxy):
        heard = Heard()
        session = await bus.open_session(heard.events)
        await session.claim(1)
        tasks = len(asyncio.all_tasks())

        proxy.freeze()
        began = time.monotonic()
        answers = await asyncio.gather(
            session.renew(), session.members(), session.claim(2), session.verify(1), return_exceptions=True
        )
        noticed = time.monotonic() - began
        assert all(isinstance(answer, BusUnavailable) for answer in answers)
        assert len(heard.lost) == 1

        await session.close()
        assert noticed < HASTY.call + 0.5
        assert time.monotonic() - began < HASTY.call + HASTY.close + 0.7
        assert len(asyncio.all_tasks()) <= tasks, "nothing is left waiting for the silent peer"
        assert len(heard.lost) == 1


async def test_closing_takes_a_moment_even_where_nobody_answers(desk: Desk, broker: Real) -> None:
    async with through_proxy(broker) as (bus, proxy):
        heard = Heard()
        session = await bus.open_session(heard.events)
        publisher = bus.publisher()
        await publisher.check()
        consuming = bus.consume(Work.SNAPSHOTS)
        await consuming.__aenter__()

        proxy.freeze()
        began = time.monotonic()
        await asyncio.gather(session.close(), publisher.close(), consuming.__aexit__(None, None, None))

        assert time.monotonic() - began < HASTY.close + 0.7
        assert heard.lost == ["closed"]


async def test_closing_ends_the_calls_under_way(desk: Desk, broker: Real) -> None:
    async with through_proxy(broker) as (bus, proxy):
        session = await bus.open_session(Heard().events)
        proxy.freeze()
        calls = [asyncio.ensure_future(call) for call in (session.renew(), session.claim(1), session.claim(2))]
        await asyncio.sleep(0)

        await session.close()

        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [BusUnavailable] * 3, "nobody has cancelled the callers"


async def test_a_publisher_leaves_a_silent_peer_and_comes_back(desk: Desk, broker: Real) -> None:
    async with through_proxy(broker) as (bus, proxy):
        publisher = bus.publisher()
        await publisher.check()

        proxy.freeze()
        began = time.monotonic()
        answers = await asyncio.gather(
            *(publisher.to_work(Work.SNAPSHOTS, b"") for _ in range(5)), publisher.check(), return_exceptions=True
        )
        assert all(isinstance(answer, BusUnavailable) for answer in answers)
        assert time.monotonic() - began < HASTY.publish + HASTY.close + 0.7

        await publisher.to_work(Work.SNAPSHOTS, b"over a new connection")
        await publisher.close()


async def test_many_that_a_silent_peer_does_not_confirm_are_failures(desk: Desk, broker: Real) -> None:
    async with through_proxy(broker) as (bus, proxy):
        publisher = bus.publisher()
        owner, _ = await desk.session()
        await owner.claim(1)
        assert list(await publisher.to_shards([(1, b"one"), (2, b"two")])) == [True, False]

        proxy.freeze()
        answers = await publisher.to_shards([(1, b"three"), (2, b"four")])
        assert [type(answer) for answer in answers] == [BusUnavailable] * 2

        assert list(await publisher.to_shards([(1, b"over a new connection")])) == [True]
        await publisher.close()


async def test_a_publish_of_many_that_is_cancelled_leaves_the_line_of_use(desk: Desk, broker: Real) -> None:
    """No confirmation goes to another message, and nothing keeps running."""
    publisher = RabbitBus(broker.rabbit.url, prefix=broker.topology.prefix).publisher()
    owner, _ = await desk.session()
    await owner.claim(1)
    await publisher.check()
    tasks = len(asyncio.all_tasks())

    for passes in range(0, 12, 2):  # through the enqueueing, and into the wait for the confirmations
        publishing = asyncio.ensure_future(publisher.to_shards([(1 + n % 2, b"") for n in range(40)]))
        for _ in range(passes):
            await asyncio.sleep(0)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        assert list(await publisher.to_shards([(1, b""), (2, b""), (1, b"")])) == [True, False, True]

    assert len(asyncio.all_tasks()) <= tasks
    await publisher.close()


async def test_a_broker_that_dies_is_noticed_at_once(desk: Desk, broker: Real) -> None:
    session, heard = await desk.session()
    await session.claim(1)
    publisher = desk.publisher()
    await publisher.to_work(Work.OUTCOMES, b"confirmed")

    await asyncio.to_thread(broker.rabbit.kill)
    try:
        await heard.until(lambda: bool(heard.lost))
        with pytest.raises(BusUnavailable):
            await publisher.check()
    finally:
        await broker.start()

    successor, _ = await desk.session()
    assert await successor.claim(1)
    await publisher.check()
    assert (await first(await desk.consumer(Work.OUTCOMES))).body == b"confirmed", "what is confirmed is kept"


async def test_a_session_whose_members_queue_is_deleted_is_lost(desk: Desk, broker: Real) -> None:
    session, heard = await desk.session()
    await session.join()

    await asyncio.to_thread(broker.rabbit.ctl, "delete_queue", broker.topology.members)

    await heard.until(lambda: bool(heard.lost))
    successor, _ = await desk.session()
    await successor.join()
    await members_become(successor, 1)


async def test_a_work_queue_that_was_deleted_is_declared_again(desk: Desk, broker: Real) -> None:
    publisher = desk.publisher()
    await publisher.check()
    reading = asyncio.ensure_future(anext(await desk.consumer(Work.OUTCOMES)))

    await asyncio.to_thread(broker.rabbit.ctl, "delete_queue", broker.topology.work(Work.OUTCOMES))

    with pytest.raises(BusUnavailable):
        await publisher.to_work(Work.OUTCOMES, b"into the void")
    with pytest.raises(BusUnavailable):
        async with asyncio.timeout(10):
            await reading
    await publisher.to_work(Work.OUTCOMES, b"found")
    assert (await first(await desk.consumer(Work.OUTCOMES))).body == b"found"


async def test_installations_with_other_prefixes_do_not_meet(desk: Desk, broker: Real) -> None:
    other_broker = Real(broker.rabbit, f"{broker.topology.prefix}-b")
    async with Desk.over(other_broker.bus) as other_desk:
        mine, heard = await desk.session()
        theirs, _ = await other_desk.session()

        assert await mine.claim(1)
        assert await theirs.claim(1)
        await mine.join()
        assert await theirs.members() == 0
        await other_desk.publisher().to_shard(1, b"theirs")
        await other_desk.publisher().ring_bell()
        await other_desk.publisher().tell_time(b"theirs")
        await desk.publisher().to_shard(1, b"mine")
        assert (await first(mine.deliveries())).body == b"mine"
        assert (heard.bells, heard.times) == (0, [])
    await other_broker.clear()


async def test_another_queue_in_an_inboxs_place_refuses_one_shard_only(desk: Desk, broker: Real) -> None:
    session, heard = await desk.session()
    async with broker.channel() as channel:
        await channel.queue_declare(broker.topology.inbox(1).name, durable=True)
        try:
            assert not await session.claim(1)
            assert await session.claim(2)
            assert not heard.lost
        finally:
            await channel.queue_delete(broker.topology.inbox(1).name)


async def test_refused_claims_leave_nothing_behind(desk: Desk, broker: Real) -> None:
    owner, _ = await desk.session()
    session, _ = await desk.session()
    await owner.claim(1)

    def channels() -> int:
        gc.collect()
        return sum(isinstance(thing, aiormq.channel.Channel) for thing in gc.get_objects())

    async def refuse(times: int) -> None:
        for _ in range(times):
            assert not await session.claim(1)

    await refuse(10)
    before = channels()
    await refuse(100)

    assert channels() <= before + 2


async def test_queues_are_what_ownership_needs(desk: Desk, broker: Real) -> None:
    session, _ = await desk.session()
    await session.claim(7)

    columns = ("name", "type", "durable", "auto_delete", "exclusive")
    told = await asyncio.to_thread(broker.rabbit.ctl, "list_queues", "--formatter", "json", *columns)
    mine = {
        queue["name"].removeprefix(broker.topology.prefix): (
            queue["type"],
            *(bool(queue[column]) for column in columns[2:]),
        )
        for queue in json.loads(told)
        if queue["name"].startswith(broker.topology.prefix)
    }
    ears = [name for name in mine if name.startswith((".bell.", ".clock."))]
    kept = ("quorum", True, False, False)
    held = ("classic", False, False, True)
    assert mine == {
        ".shard.7": held,
        **dict.fromkeys(ears, held),
        ".snapshots": kept,
        ".outcomes": kept,
        ".members": kept,
        ".lease": kept,
        ".dead": kept,
    }
    assert {name.rpartition(".")[0] for name in ears} == {".bell", ".clock"}


async def test_a_session_whose_ear_for_the_time_is_deleted_is_lost_and_not_deaf(desk: Desk, broker: Real) -> None:
    session, heard = await desk.session()

    await asyncio.to_thread(broker.rabbit.ctl, "delete_queue", broker.topology.ear_for_time(session.incarnation).name)

    await heard.until(lambda: bool(heard.lost))


async def test_the_time_that_a_stuck_session_does_not_hear_costs_the_broker_nothing(desk: Desk, broker: Real) -> None:
    """What cannot be handed over at once is dropped by number and by age."""
    async with broker.channel() as channel:
        ear = broker.topology.ear_for_time("stuck")
        await channel.queue_declare(ear.name, exclusive=True, arguments=dict(ear.arguments))
        await channel.queue_bind(ear.name, broker.topology.clock)
        publisher = desk.publisher()
        for _ in range(TIME_SIGNALS_KEPT + 4):
            await publisher.tell_time(b"now")

        declared = await channel.queue_declare(ear.name, passive=True)
        assert declared.message_count == TIME_SIGNALS_KEPT
    assert ear.arguments["x-message-ttl"] == TIME_SIGNAL_MILLISECONDS


async def test_the_heartbeat_is_short(desk: Desk, broker: Real) -> None:
    await desk.session()
    await desk.publisher().check()

    told = await asyncio.to_thread(broker.rabbit.ctl, "list_connections", "timeout")

    assert set(told.split()) - {"timeout"} == {"5"}


async def test_an_answer_that_crosses_the_deletion_of_its_queue_does_no_harm(desk: Desk, broker: Real) -> None:
    session, heard = await desk.session()
    await session.claim(1)
    await desk.publisher().to_shard(1, b"held")
    held = await first(session.deliveries())
    await broker.delete_inbox(1)
    await heard.until(lambda: heard.shards_lost == [1])

    await _answer_regardless(held)

    await session.renew()
    assert not heard.lost


async def _answer_regardless(held: object) -> None:
    """Acknowledge as a session does that has not yet been told of the deletion."""
    message = held.message  # type: ignore[attr-defined]
    await message.channel.basic_ack(message.delivery_tag)


async def test_nothing_keeps_running_after_everything_was_closed(broker: Real) -> None:
    before = asyncio.all_tasks()
    heard = Heard()
    session: Session = await broker.bus.open_session(heard.events)
    publisher = broker.bus.publisher()
    async with broker.bus.consume(Work.OUTCOMES):
        await session.claim(1)
        await publisher.to_shard(1, b"")
    await session.close()
    await publisher.close()

    async def is_quiet() -> bool:
        return asyncio.all_tasks() <= before

    async with asyncio.timeout(2):
        while not await is_quiet():  # noqa: ASYNC110 - the last callbacks run
            await asyncio.sleep(0)
