"""What the broker does to dispatchers: alarms, deletions, death. Rings go on where they may, and nothing is lost."""

from __future__ import annotations

import asyncio

from dispatcher_service.loops.ownership import RECONNECT_SECONDS
from shared.settings import LEASE_SECONDS
from tests.failure.place import CLOCK, Place


async def test_an_alarm_of_the_broker_stops_no_ring_and_loses_no_outcome(place: Place) -> None:
    """Shown to fail with a reporter that drops what it cannot publish: what rang during the alarm stayed unreported."""
    place.town.start("a")
    place.town.start("b")
    await place.town.fair()
    await place.second()
    owners = place.town.owners_of()

    await asyncio.to_thread(place.broker.rabbit.ctl, "set_vm_memory_high_watermark", "0.00001")
    try:
        begun = CLOCK.now()
        alarmed = await place.second(int(LEASE_SECONDS) + 1)
        await place.complete(alarmed, since=begun // 1_000 * 1_000 + 1_000)
        assert place.town.owners_of() == owners, "no session was lost"
        assert place.town.unreported() != []
    finally:
        await asyncio.to_thread(place.broker.rabbit.ctl, "set_vm_memory_high_watermark", "0.4")
    last = await place.second(2)
    await place.town.until(
        lambda: not [name for name in place.town.unreported() if int(name.split("-")[1]) <= last], within=5
    )

    await place.complete(last)
    assert place.town.doubled() == []


async def test_an_inbox_that_an_operator_deletes_is_lost_at_once_and_owned_again_by_somebody(place: Place) -> None:
    """Shown to fail without `RabbitSession._dispossessed`: it was thought owned until verified."""
    one = place.town.start("a")
    place.town.start("b")
    await place.town.fair()
    await place.second()
    victim = min(one.rings)
    shard = one.dispatcher._shards[victim]

    await place.broker.delete_inbox(victim)
    await place.town.until(lambda: one.dispatcher._shards.get(victim) is not shard, within=3)
    await place.town.fair()
    last = await place.second()

    await place.complete(last)
    assert place.town.doubled() == []


async def test_a_broker_that_dies_and_comes_back(place: Place) -> None:
    """Shown to fail without the `except BusUnavailable` of `Ownership.run`: dispatchers end with a session."""
    place.town.start("a")
    place.town.start("b")
    await place.town.fair()
    # RabbitMQ 3.10 forgets a quorum queue for ever when it is killed within a second or so of its first declaration.
    await place.second(4)

    await asyncio.to_thread(place.broker.rabbit.kill)
    await asyncio.to_thread(place.broker.rabbit.start)
    await place.town.fair(within=3 * RECONNECT_SECONDS[1])
    last = await place.second()

    await place.complete(last)
    assert place.town.doubled() == []
    await place.town.until(
        lambda: not [one for one in place.town.unreported() if int(one.split("-")[1]) <= last], within=5
    )
