"""What the bus promises of owning shards and of its members, over every adapter."""

from __future__ import annotations

import asyncio

from shared.bus.port import Session
from tests.contract.brokers import Broker
from tests.contract.desk import SHARDS, Desk, eventually, first, members_become


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


async def test_a_session_outlives_many_refusals_at_once(desk: Desk) -> None:
    """Shown to fail over RabbitMQ with 16 for the session's `CLAIMS_AT_ONCE`: the broker ended the connection."""
    shards = range(64)
    one, _ = await desk.session()
    other, heard = await desk.session()
    await asyncio.gather(*(one.claim(shard) for shard in shards))

    for _ in range(10):
        assert not any(await asyncio.gather(*(other.claim(shard) for shard in shards)))

    await other.renew()
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


async def test_every_session_hears_what_time_it_is_in_order_and_apart_from_its_inboxes(desk: Desk) -> None:
    """A session that owns nothing and is no member hears it too: it may be waiting for its clock to be right."""
    owner, one = await desk.session()
    _, other = await desk.session()
    publisher = desk.publisher()
    await owner.claim(1)

    for number in range(5):
        await publisher.tell_time(f"time {number}".encode())

    said = [f"time {number}".encode() for number in range(5)]
    await one.until(lambda: one.times == said)
    await other.until(lambda: other.times == said)
    await publisher.to_shard(1, b"a change")
    assert (await first(owner.deliveries())).body == b"a change"
    assert not one.bells


async def test_the_time_is_not_kept_for_those_who_come_later_nor_told_to_those_who_are_gone(desk: Desk) -> None:
    publisher = desk.publisher()
    gone, deaf = await desk.session()
    await gone.close()

    await publisher.tell_time(b"that nobody hears")
    _, heard = await desk.session()
    await publisher.tell_time(b"now")

    await heard.until(lambda: bool(heard.times))
    assert heard.times == [b"now"]
    assert not deaf.times
