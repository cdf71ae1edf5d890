"""Whole dispatchers on the bus in one process, in virtual time: they come, go, die, freeze and lose the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.bus.local import LocalBroker, LocalBus
from shared.domain.firing import Attempted, Finished
from shared.domain.timer import Timer
from shared.timing.instants import iso
from tests.fakes.clock import EPOCH, VirtualClock, in_virtual_time
from tests.fakes.town import Town, town
from tests.unit.dispatcher.rules import timer

TIMERS = 100


class Place:
    """A town with a hundred timers that ring every second."""

    def __init__(self, people: Town, broker: LocalBroker, clock: VirtualClock) -> None:
        self.town = people
        self.broker = broker
        self.clock = clock
        self.timers: list[Timer] = []

    async def populate(self, count: int = TIMERS) -> None:
        self.timers = [timer(f"timer-{number}", anchor=self.clock.now()) for number in range(count)]
        for one in self.timers:
            await self.town.api.put(one)

    async def ring_for(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def settle(self) -> int:
        """Half a second into a second; the last second that has rung completely."""
        await self.clock.until(self.clock.now() // 1_000 * 1_000 + 1_500)
        return self.clock.now() // 1_000 * 1_000

    def complete(self, last: int) -> None:
        """Nothing is missing from the first second to this one."""
        assert self.town.missing(self.timers, EPOCH + 1_000, last) == []


@asynccontextmanager
async def a_place(*, takeover_wait: float = 0, timers: int = TIMERS) -> AsyncIterator[Place]:
    broker, clock = LocalBroker(), VirtualClock()
    async with town(LocalBus(broker), clock, takeover_wait=takeover_wait) as people:
        place = Place(people, broker, clock)
        await place.populate(timers)
        yield place


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


@in_virtual_time
async def test_lost_changes_are_found_by_comparing() -> None:
    async with a_place(timers=5) as place:
        place.town.start("a")
        await place.town.fair()
        place.town.api.lose_changes = True
        await place.town.api.put(timer("unheard", anchor=place.clock.now()))
        await place.town.api.delete("timer-0")
        place.town.api.lose_changes = False

        await place.ring_for(40)
        since = place.clock.now()
        await place.ring_for(5)

        rung = {one.event for one in place.town.sent if one.at > since}
        assert "unheard" in rung
        assert "timer-0" not in rung


@in_virtual_time
async def test_a_stale_change_after_the_snapshot_rings_nothing() -> None:
    async with a_place(timers=5) as place:
        place.town.start("a")
        await place.town.fair()
        created = place.town.api.truth_of("timer-0").timers["timer-0"].version
        await place.town.api.delete("timer-0")
        place.town.kill("a")
        place.town.start("b")
        await place.town.fair()
        since = place.clock.now()

        await place.town.api.send_again("timer-0", created)
        await place.ring_for(5)

        assert [one for one in place.town.sent if one.event == "timer-0" and one.at > since] == []


@in_virtual_time
async def test_a_firing_by_hand_rings_once_even_when_its_shard_moves() -> None:
    async with a_place(timers=1) as place:
        place.town.start("a")
        await place.town.fair()
        await place.town.api.trigger("timer-0", place.clock.now())
        place.town.start("b")
        await place.town.fair()
        await place.town.stop("a")
        await place.town.fair()
        await place.ring_for(3)

        assert len([one for one in place.town.sent if one.name.endswith("manual")]) == 1


@in_virtual_time
async def test_a_firing_by_hand_that_nobody_heard_of_rings_with_the_next_owner() -> None:
    async with a_place(timers=1) as place:
        place.town.start("a")
        await place.town.fair()
        place.town.api.lose_changes = True
        await place.town.api.trigger("timer-0", place.clock.now())
        place.town.kill("a")
        place.town.start("b")
        await place.town.fair()
        await place.ring_for(3)

        assert len([one for one in place.town.sent if one.name.endswith("manual")]) == 1


@pytest.mark.parametrize("paused", [False, True])
@in_virtual_time
async def test_the_end_comes_once_due_or_not_and_paused_or_not(paused: bool) -> None:
    async with a_place(timers=0) as place:
        place.town.start("a")
        await place.town.fair()
        end = place.clock.now() // 1_000 * 1_000 + 5_000
        await place.town.api.put(timer("e", anchor=place.clock.now(), end=end, paused=paused))
        await place.ring_for(2)
        place.town.start("b")
        await place.town.fair()
        await place.ring_for(60)

        outcomes = place.town.api.outcomes("e")
        assert [one for one in outcomes if isinstance(one, Finished)] == [Finished(timer_id="e", end=end)]
        assert all(one.at < end for one in place.town.sent)
        assert len([one for one in outcomes if isinstance(one, Attempted)]) == (0 if paused else 4)


@in_virtual_time
async def test_what_is_under_way_when_the_session_ends_is_not_begun_again_when_the_shard_comes_back() -> None:
    async with a_place(timers=1) as place:
        one = place.town.start("a")
        await place.town.fair()
        answer = one.sender.slow[place.timers[0].url] = asyncio.Event()
        await one.sender.until(lambda: one.sender.under_way > 0)
        name = place.town.sent[-1].name

        place.broker.drop_connections()
        await place.town.until(lambda: len(one.rings) == 64, within=5)
        await place.ring_for(3)
        answer.set()
        await place.ring_for(3)

        assert [sent.name for sent in place.town.sent].count(name) == 1
        assert place.town.doubled() == []
        assert place.town.unreported() == []


@in_virtual_time
async def test_what_is_answered_between_the_snapshot_and_the_first_ring_is_not_begun_again() -> None:
    async with a_place(timers=1, takeover_wait=4) as place:
        one = place.town.start("a")
        await place.town.fair(within=6)
        answer = one.sender.slow[place.timers[0].url] = asyncio.Event()
        await one.sender.until(lambda: one.sender.under_way > 0)
        name = place.town.sent[-1].name

        place.broker.drop_connections()
        await place.clock.sleep(2)  # listed, and waiting for the takeover
        assert len(one.owned) == 64
        assert one.rings == set()
        answer.set()
        await place.town.fair(within=6)
        await place.ring_for(3)

        assert [sent.name for sent in place.town.sent].count(name) == 1
        place.complete(await place.settle())


@pytest.mark.parametrize("joins", [True, False])
@in_virtual_time
async def test_a_hand_over_settles_what_is_under_way(joins: bool) -> None:
    """Answers take most of a second, so something always is."""
    async with a_place(timers=45) as place:
        for name in "ab":
            place.town.start(name).sender.answer_seconds = 0.7
        await place.town.fair()
        await place.ring_for(5.3)

        if joins:
            place.town.start("c").sender.answer_seconds = 0.7
        else:
            await place.town.stop("a")
        await place.town.fair()
        await place.ring_for(5)

        place.complete(await place.settle())
        assert place.town.doubled() == []


@in_virtual_time
async def test_a_slow_receiver_does_not_hold_a_shard_back_that_is_given_up() -> None:
    async with a_place(timers=20) as place:
        one = place.town.start("a")
        await place.town.fair()
        await place.town.api.put(timer("slow", anchor=place.clock.now(), url="http://slow.test/"))
        one.sender.slow["http://slow.test/"] = asyncio.Event()
        place.town.start("b")
        await place.ring_for(10)
        since = place.clock.now() // 1_000 * 1_000
        await place.town.stop("a")
        await place.town.fair()
        await place.ring_for(3)

        others = [sent for sent in place.town.sent if sent.event != "slow"]
        place.town.sent[:] = others
        assert place.town.latest(since=since) < 2.5
        assert place.town.doubled() == []


@in_virtual_time
async def test_outcomes_that_cannot_leave_are_kept_and_leave_in_the_end() -> None:
    async with a_place() as place:
        one = place.town.start("a")
        await place.town.fair()
        reporter = one.dispatcher._reporter
        await place.ring_for(3.5)
        place.broker.stop()
        assert reporter.backlog >= 0
        await place.ring_for(2)
        place.broker.start()
        await place.town.fair(within=15)
        last = await place.settle()
        await place.ring_for(1)

        place.complete(last)
        assert place.town.unreported() == []
