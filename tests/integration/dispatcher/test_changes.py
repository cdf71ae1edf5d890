"""Changes, ends and firings by hand, while whole dispatchers come and go and messages are lost; in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from shared.domain.firing import Attempted, Finished
from shared.domain.ids import shard_of
from tests.fakes.clock import in_virtual_time
from tests.fakes.sender import Sent
from tests.integration.dispatcher.places import Place, a_place
from tests.unit.dispatcher.rules import timer

NEIGHBOUR_OF_SLOW = next(name for name in map(str, range(10_000)) if shard_of(name, 64) == shard_of("slow", 64))


def by_hand(place: Place) -> list[Sent]:
    return [one for one in place.town.sent if one.name.endswith("manual")]


@in_virtual_time
async def test_lost_changes_are_found_by_comparing() -> None:
    """Shown to fail where `watch` does not compare."""
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
    """Shown to fail where `Shard.change` takes in what is at or below the horizon."""
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
    """Shown to fail where a hand-over does not wait for what is under way."""
    async with a_place(timers=1) as place:
        for name in "ab":
            place.town.start(name).sender.answer_seconds = 0.7
        await place.town.fair()
        await place.town.api.trigger("timer-0", place.clock.now())
        await place.town.until(lambda: bool(by_hand(place)), within=1)
        await place.town.stop(by_hand(place)[0].by)  # while it is not answered
        await place.town.fair()
        await place.ring_for(3)

        assert len(by_hand(place)) == 1


@in_virtual_time
async def test_a_firing_by_hand_that_nobody_heard_of_rings_with_the_next_owner() -> None:
    """Shown to fail where the pending firings of a snapshot are not taken in."""
    async with a_place(timers=1) as place:
        place.town.start("a")
        await place.town.fair()
        place.town.api.lose_changes = True
        await place.town.api.trigger("timer-0", place.clock.now())
        place.town.kill("a")
        place.town.start("b")
        await place.town.fair()
        await place.ring_for(3)

        assert len(by_hand(place)) == 1


@pytest.mark.parametrize("paused", [False, True])
@in_virtual_time
async def test_the_end_comes_once_due_or_not_and_paused_or_not(paused: bool) -> None:
    """Shown to fail where the agenda does not look at the end; for a paused one, where it is not armed for its end."""
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
        assert [(one.end, one.version) for one in outcomes if isinstance(one, Finished)] == [(end, 1)]
        assert all(one.at < end for one in place.town.sent)
        assert len([one for one in outcomes if isinstance(one, Attempted)]) == (0 if paused else 4)


@in_virtual_time
async def test_what_is_under_way_when_the_session_ends_is_not_begun_again_when_the_shard_comes_back() -> None:
    """Shown to fail where `is_new` does not ask what is under way."""
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
    """Shown to fail where orphaned attempts are forgotten."""
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
    """Answers take nearly a second, so something always is. Shown to fail where a hand-over does not wait for it."""
    async with a_place(timers=45) as place:
        for name in "ab":
            place.town.start(name).sender.answer_seconds = 0.9
        await place.town.fair()
        await place.clock.until(place.clock.now() // 1_000 * 1_000 + 5_300)

        if joins:
            place.town.start("c").sender.answer_seconds = 0.9
        else:
            await place.town.stop("a")
        await place.town.fair()
        await place.ring_for(5)

        place.complete(await place.settle())
        assert place.town.doubled() == []


@in_virtual_time
async def test_a_slow_receiver_does_not_hold_a_shard_back_that_is_given_up() -> None:
    """Shown to fail where a hand-over waits a minute for what is under way."""
    async with a_place(timers=20) as place:
        one = place.town.start("a")
        await place.town.fair()
        await place.town.api.put(timer("slow", anchor=place.clock.now(), url="http://slow.test/"))
        await place.town.api.put(timer(NEIGHBOUR_OF_SLOW, anchor=place.clock.now()))
        one.sender.slow["http://slow.test/"] = asyncio.Event()
        await place.town.until(lambda: any(sent.event == "slow" for sent in place.town.sent), within=2)
        since = place.clock.now() // 1_000 * 1_000
        place.town.start("b")
        await place.ring_for(10)
        await place.town.stop("a")
        await place.town.fair()
        await place.ring_for(3)

        others = [sent for sent in place.town.sent if sent.event != "slow"]
        place.town.sent[:] = others
        assert place.town.latest(since=since) < 2.5
        assert place.town.doubled() == []


@in_virtual_time
async def test_outcomes_that_cannot_leave_are_kept_and_leave_in_the_end() -> None:
    """Shown to fail with a reporter that drops what it cannot publish."""
    async with a_place(timers=40) as place:
        one = place.town.start("a")
        one.sender.answer_seconds = 0.7
        await place.town.fair()
        await place.clock.until(place.clock.now() // 1_000 * 1_000 + 2_500)
        place.broker.stop()
        await place.ring_for(2)
        assert one.dispatcher._reporter.backlog == len(place.timers)  # what was under way then
        one.sender.answer_seconds = 0.001
        place.broker.start()
        await place.town.fair(within=15)
        last = await place.settle()
        await place.ring_for(1)

        place.complete(last)
        assert place.town.unreported() == []
