"""Whole dispatchers on the bus in one process, in virtual time: they come, go, die, freeze and lose the broker."""

from __future__ import annotations

import pytest

from shared.timing.instants import iso
from tests.fakes.clock import EPOCH, in_virtual_time
from tests.integration.dispatcher.places import a_place


@in_virtual_time
async def test_one_dispatcher_rings_everything_once_and_on_time() -> None:
    async with a_place() as place:
        place.town.start("a")
        await place.town.fair()
        await place.ring_for(30)
        last = await place.settle()

        place.complete(last)
        assert place.town.doubled() == []
        assert place.town.latest(since=EPOCH + 2_000) < 0.05
        assert place.town.unreported() == []


@in_virtual_time
async def test_two_more_dispatchers_take_their_share_and_no_instant_is_late_or_doubled() -> None:
    async with a_place() as place:
        place.town.start("a")
        await place.town.fair()
        await place.ring_for(5)
        since = place.clock.now()

        place.town.start("b")
        place.town.start("c")
        await place.town.fair()
        await place.ring_for(10)
        last = await place.settle()

        place.complete(last)
        assert place.town.doubled() == []
        assert place.town.latest(since=since) < 1


@pytest.mark.parametrize("tenth", range(10))
@in_virtual_time
async def test_a_graceful_stop_doubles_nothing_and_delays_nothing_by_a_second(tenth: int) -> None:
    async with a_place() as place:
        for name in "abc":
            place.town.start(name)
        await place.town.fair()
        await place.ring_for(10 + tenth / 10)
        since = place.clock.now() // 1_000 * 1_000

        await place.town.stop("a")
        await place.town.fair()
        await place.ring_for(5)
        last = await place.settle()

        place.complete(last)
        assert place.town.doubled() == []
        assert place.town.latest(since=since) < 1
        assert place.town.unreported() == []


@pytest.mark.parametrize("tenth", range(10))
@in_virtual_time
async def test_a_killed_dispatcher_loses_no_instant(tenth: int) -> None:
    async with a_place() as place:
        for name in "abc":
            place.town.start(name)
        await place.town.fair()
        await place.ring_for(10 + tenth / 10)
        since = place.clock.now() // 1_000 * 1_000

        place.town.kill("a")
        await place.town.fair()
        await place.ring_for(5)
        last = await place.settle()

        place.complete(last)
        assert place.town.latest(since=since) < 2
        # What it had rung and not reported is rung again, under the same name; only that.
        assert all(instant >= iso(since) for _, instant in place.town.doubled())


@in_virtual_time
async def test_a_broker_that_restarts_doubles_nothing_and_loses_nothing() -> None:
    async with a_place() as place:
        for name in "abc":
            place.town.start(name)
        await place.town.fair()
        await place.ring_for(10.5)

        place.broker.stop()
        rung = len(place.town.sent)
        await place.ring_for(20)
        assert len(place.town.sent) == rung, "no lease, no ring"
        place.broker.start()
        await place.town.fair(within=15)
        await place.ring_for(5)
        last = await place.settle()

        place.complete(last)
        assert place.town.doubled() == []
        assert place.town.unreported() == []


@in_virtual_time
async def test_connections_that_are_dropped_are_made_again() -> None:
    async with a_place() as place:
        for name in "ab":
            place.town.start(name)
        await place.town.fair()
        for _ in range(5):
            await place.ring_for(4.3)
            place.broker.drop_connections()
        await place.town.fair(within=15)
        last = await place.settle()

        place.complete(last)
        assert place.town.doubled() == []


@in_virtual_time
async def test_a_frozen_process_catches_up_and_doubles_nothing() -> None:
    """Everybody is frozen, broker and all; the others' takeover is in the tests over RabbitMQ."""
    async with a_place() as place:
        place.town.start("a")
        place.town.start("b")
        await place.town.fair()
        await place.ring_for(5.5)

        place.clock.freeze(30)
        await place.ring_for(5)
        last = await place.settle()

        place.complete(last)
        assert place.town.doubled() == []


@in_virtual_time
async def test_an_inbox_that_an_operator_deletes_is_lost_at_once_and_owned_again() -> None:
    async with a_place() as place:
        for name in "ab":
            place.town.start(name)
        await place.town.fair()
        await place.ring_for(5.5)
        victim = min(place.town.running["a"].owned)

        place.broker.take_inbox(victim)

        assert victim not in place.town.running["a"].owned
        since = place.clock.now()
        await place.town.fair()
        await place.ring_for(5)
        last = await place.settle()
        place.complete(last)
        assert place.town.doubled() == []
        assert place.town.latest(since=since) < 2


@in_virtual_time
async def test_a_takeover_waits_for_an_owner_that_said_no_goodbye_and_for_no_other() -> None:
    async with a_place(takeover_wait=4) as place:
        place.town.start("a")
        await place.town.fair(within=6)
        await place.ring_for(5)
        since = place.clock.now() // 1_000 * 1_000

        place.town.start("b")
        await place.town.fair(within=2)
        await place.ring_for(2)
        assert place.town.latest(since=since) < 1, "a handed over: no wait"

        begun = place.clock.steady()
        place.town.kill("a")
        await place.town.fair(within=6)
        assert place.clock.steady() - begun >= 4, "a was killed: wait"
        place.complete(await place.settle())


@in_virtual_time
async def test_a_recorder_that_is_far_behind_delays_the_first_ring_and_does_not_prevent_it() -> None:
    """Without the direct request after BEHIND_REPORTS_SECONDS nothing ever rings."""
    async with a_place() as place:
        place.town.api.records_too_slowly = True
        place.town.start("a")
        await place.town.fair(within=20)
