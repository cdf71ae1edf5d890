"""Dispatchers whose clocks are wrong, in virtual time: they make room for others, and lose and double nothing by it."""

from __future__ import annotations

import pytest

from dispatcher_service.core.balance import NOTICE_SECONDS
from shared.bus.local import LocalBroker, LocalBus, LocalSession
from shared.bus.port import BusUnavailable, SessionEvents
from shared.timing.instants import Instant
from tests.fakes.clock import VirtualClock, in_virtual_time
from tests.fakes.town import Running
from tests.integration.dispatcher.places import Place, a_place

SHARDS = 12
KNOWN_SECONDS = 15  # three signals, five seconds apart
AWAY_SECONDS = 0.05
DEAF = SessionEvents(
    on_lost=lambda _why: None, on_shard_lost=lambda _shard: None, on_bell=lambda: None, on_time=lambda _body: None
)


def reasons(one: Running) -> str:
    return " ".join(one.dispatcher.unready())


def figure(one: Running, name: str, **labels: str) -> float | None:
    return one.dispatcher.metrics.registry.get_sample_value(name, labels)


def is_skewed(one: Running) -> bool:
    return one.dispatcher._watch.skewed


async def two(place: Place) -> tuple[VirtualClock, Running, Running]:
    """Two dispatchers with fair shares, told the time; the first has the clock, which may be stepped, to itself."""
    clock = VirtualClock()
    place.town.tell_time(place.clock)
    first, second = place.town.start("a", clock=clock), place.town.start("b")
    await place.town.fair()
    return clock, first, second


async def settled(place: Place) -> Instant:
    await place.ring_for(5)
    return await place.settle()


@pytest.mark.parametrize("wrong", [3_000, -3_000, 60_000])
@in_virtual_time
async def test_a_wrong_clock_makes_room_and_comes_back_when_it_is_right(wrong: int) -> None:
    async with a_place(timers=20, shards=SHARDS) as place:
        clock = VirtualClock()
        place.town.tell_time(place.clock)
        a, b = place.town.start("a", clock=clock), place.town.start("b")
        place.town.start("c")
        await place.town.fair()
        await place.ring_for(20)
        assert figure(a, "carillon_clock_skew_seconds", against="api") == 0
        owned = a.owned
        place.town.api.released.clear()

        clock.step(wrong)
        await place.town.until(lambda: is_skewed(a), within=KNOWN_SECONDS + 1)
        assert figure(a, "carillon_clock_skew_seconds", against="api") == wrong / 1_000
        await place.town.until(lambda: not a.owned, within=5)
        await place.town.until(lambda: sum(place.town.shares()) == SHARDS, within=3)
        assert {one.shard for one in place.town.api.released} == owned, "with a goodbye each"
        assert figure(a, "carillon_clock_skewed") == 1
        assert f"differs from the API's by {wrong:+} ms" in reasons(a)
        assert "CLOCK_SKEW_MAX is 1000 ms: others ring until it is below 500 ms" in reasons(a)
        assert reasons(b) == ""
        await place.ring_for(30)
        assert not a.owned
        assert place.town.doubled() == []

        clock.step(-wrong)
        await place.town.until(lambda: not is_skewed(a), within=KNOWN_SECONDS + 1)
        await place.town.fair()
        assert reasons(a) == ""
        last = await settled(place)

        place.complete(last)
        assert place.town.doubled() == []
        assert place.town.unreported() == []


@in_virtual_time
async def test_who_starts_with_a_wrong_clock_rings_until_that_is_known() -> None:
    async with a_place(timers=20, shards=SHARDS) as place:
        clock = VirtualClock()
        clock.step(2_000)
        place.town.tell_time(place.clock)
        place.town.start("b")
        await place.town.fair()
        a = place.town.start("a", clock=clock)
        await place.town.fair()

        await place.town.until(lambda: is_skewed(a) and not a.owned, within=KNOWN_SECONDS + 5)
        place.complete(await settled(place))
        assert place.town.doubled() == []


@in_virtual_time
async def test_the_last_one_stays_until_another_comes() -> None:
    async with a_place(timers=20, shards=SHARDS) as place:
        clock = VirtualClock()
        place.town.tell_time(place.clock)
        a = place.town.start("a", clock=clock)
        await place.town.fair()
        clock.step(3_000)
        await place.town.until(lambda: is_skewed(a), within=KNOWN_SECONDS + 1)
        await place.ring_for(60)
        assert len(a.rings) == SHARDS
        assert "nobody else can ring, so this one does" in reasons(a)

        b = place.town.start("b")
        await place.town.until(lambda: len(b.rings) == SHARDS and not a.owned, within=10)
        assert "others ring" in reasons(a)
        await place.ring_for(20)
        assert len(b.rings) == SHARDS

        place.town.kill("b")
        await place.town.until(lambda: len(a.rings) == SHARDS, within=5)
        place.complete(await settled(place))


@in_virtual_time
async def test_who_leaves_as_the_other_dies_keeps_what_it_has() -> None:
    async with a_place(timers=20, shards=SHARDS) as place:
        clock, a, _ = await two(place)
        clock.step(3_000)
        given_up = figure(a, "carillon_handovers_total", kind="given_up")
        await place.town.until(lambda: len(place.broker.members) == 1, within=KNOWN_SECONDS + 3)
        assert a.rings

        place.town.kill("b")
        await place.town.until(lambda: len(a.rings) == SHARDS, within=5)

        assert figure(a, "carillon_handovers_total", kind="given_up") == given_up
        place.complete(await settled(place))


class FarBus(LocalBus):
    """A local bus whose sessions learn of members as over a network: what they are told was so a moment ago."""

    def __init__(self, broker: LocalBroker, clock: VirtualClock) -> None:
        super().__init__(broker)
        self._far = (broker, clock)

    async def open_session(self, events: SessionEvents) -> LocalSession:
        return FarSession(*self._far, events)


class FarSession(LocalSession):
    def __init__(self, broker: LocalBroker, clock: VirtualClock, events: SessionEvents) -> None:
        super().__init__(broker, events)
        self._clock = clock

    async def members(self) -> int:
        count = await super().members()
        await self._clock.sleep(AWAY_SECONDS)
        return count


@in_virtual_time
async def test_who_kept_what_it_had_as_all_left_at_once_is_a_member_again_and_leaves_it_to_who_comes() -> None:
    """Else it would keep its shards for ever, whoever hungers for them, and end without a word about them."""
    async with a_place(timers=20, shards=SHARDS) as place:
        clock = VirtualClock()
        place.town.tell_time(place.clock)
        a = place.town.start("a", bus=FarBus(place.broker, place.clock), clock=clock)
        await place.town.fair()
        another = await LocalBus(place.broker).open_session(DEAF)
        await another.join()
        clock.step(3_000)
        await place.town.until(lambda: place.broker.members == {another}, within=KNOWN_SECONDS + 3)
        await another.leave()
        await place.clock.sleep(NOTICE_SECONDS + AWAY_SECONDS / 2)
        assert len(a.rings) == SHARDS
        await another.join()  # as it is told that nobody is there

        await place.town.until(lambda: not a.owned, within=10)
        await another.close()
        await place.town.until(lambda: len(a.rings) == SHARDS, within=5)


class ShutBus(LocalBus):
    """A way to the broker that may be shut."""

    shut = False

    async def open_session(self, events: SessionEvents) -> LocalSession:
        if self.shut:
            raise BusUnavailable("shut")
        return await super().open_session(events)


@in_virtual_time
async def test_after_an_outage_of_the_broker_a_wrong_clock_is_not_the_first_to_ring() -> None:
    async with a_place(timers=20, shards=SHARDS) as place:
        clock = VirtualClock()
        place.town.tell_time(place.clock)
        a = place.town.start("a", clock=clock)
        way = ShutBus(place.broker)
        b = place.town.start("b", bus=way)
        await place.town.fair()
        clock.step(3_000)
        await place.town.until(lambda: len(b.rings) == SHARDS, within=KNOWN_SECONDS + 10)

        way.shut = True
        place.broker.stop()
        await place.clock.sleep(1)
        place.broker.start()
        await place.town.until(lambda: bool(place.broker.sessions), within=10)
        await place.clock.sleep(2)
        assert not a.owned
        way.shut = False
        await place.town.until(lambda: len(b.rings) == SHARDS, within=15)
        place.complete(await settled(place))


@pytest.mark.parametrize("wrong", [10_000, -10_000])
@in_virtual_time
async def test_one_wrong_api_of_three_moves_nobody(wrong: int) -> None:
    async with a_place(timers=20, shards=SHARDS) as place:
        bad = VirtualClock()
        bad.step(wrong)
        place.town.tell_time(bad, place.clock, place.clock)
        dispatchers = [place.town.start(name) for name in "abc"]
        await place.town.fair()
        shares = [set(one.owned) for one in dispatchers]

        await place.ring_for(60)

        assert [one.owned for one in dispatchers] == shares
        assert [reasons(one) for one in dispatchers] == ["", "", ""]
        place.complete(await settled(place))
        assert place.town.doubled() == []


@in_virtual_time
async def test_where_the_only_api_is_wrong_one_dispatcher_rings_everything() -> None:
    """All are told that they are wrong, and all would leave: somebody stays, whoever stops or dies."""
    async with a_place(timers=20, shards=SHARDS) as place:
        api = VirtualClock()
        place.town.tell_time(api)
        for name in "abcd":
            place.town.start(name)
        await place.town.fair()
        api.step(-4_000)
        dispatchers = place.town.running

        def one_rings_all() -> bool:
            return place.town.shares()[-1] == SHARDS and all(is_skewed(one) for one in dispatchers.values())

        await place.town.until(one_rings_all, within=60 + KNOWN_SECONDS + 10)
        await place.ring_for(30)
        assert one_rings_all()
        await place.town.stop(next(name for name, one in dispatchers.items() if one.rings))
        await place.town.until(one_rings_all, within=10)
        await place.ring_for(10)
        assert one_rings_all()
        api.step(4_000)
        await place.town.until(lambda: not any(is_skewed(one) for one in dispatchers.values()), within=KNOWN_SECONDS)
        await place.town.fair()

        place.complete(await settled(place))
        assert place.town.doubled() == []


@in_virtual_time
async def test_an_api_that_tells_no_time_changes_nothing() -> None:
    """An API of the release before; then a clock that is wrong is as it always was."""
    async with a_place(timers=4, shards=SHARDS) as place:
        clock = VirtualClock()
        a = place.town.start("a", clock=clock)
        place.town.start("b")
        await place.town.fair()
        clock.step(3_000)

        await place.ring_for(300)

        assert place.town.is_fair()
        assert reasons(a) == ""
        assert str(figure(a, "carillon_clock_skew_seconds", against="api")) == "nan"


@in_virtual_time
async def test_without_a_bound_the_skew_is_measured_and_nothing_more() -> None:
    async with a_place(timers=4, shards=SHARDS) as place:
        place.town.clock_skew_max = 0
        clock, a, _ = await two(place)
        clock.step(30_000)

        await place.ring_for(120)

        assert place.town.is_fair()
        assert figure(a, "carillon_clock_skew_seconds", against="api") == 30
        assert (figure(a, "carillon_clock_skewed"), reasons(a)) == (0, "")


@in_virtual_time
async def test_neither_a_new_session_nor_silence_makes_a_clock_right() -> None:
    async with a_place(timers=4, shards=SHARDS) as place:
        clock, a, b = await two(place)
        clock.step(3_000)
        await place.town.until(lambda: is_skewed(a) and not a.owned, within=KNOWN_SECONDS + 5)
        claimed = figure(a, "carillon_handovers_total", kind="claimed")

        for session in place.broker.sessions - place.broker.members:
            session.lose("dropped")
        await place.town.until(lambda: len(place.broker.sessions) == 2, within=15)
        await place.ring_for(10)
        assert figure(a, "carillon_handovers_total", kind="claimed") == claimed
        assert len(b.rings) == SHARDS
        for telling in place.town.telling:
            telling.cancel()
        await place.ring_for(120)
        assert not a.owned
        assert "by an amount that is being measured" in reasons(a)


@in_virtual_time
async def test_a_machine_that_was_suspended_is_back_soon_after_its_clock_was_set() -> None:
    """Its clock stood still for 30 s: it leaves. The host sets it: nothing of what was heard before counts."""
    async with a_place(timers=4, shards=SHARDS) as place:
        clock, a, _ = await two(place)
        await place.ring_for(60)

        clock.step(-30_000)
        await place.town.until(lambda: not a.owned, within=KNOWN_SECONDS + 5)
        clock.step(30_000)
        await place.town.until(lambda: not is_skewed(a), within=KNOWN_SECONDS + 1)
        await place.town.fair()

        place.complete(await settled(place))
        assert place.town.doubled() == []


@in_virtual_time
async def test_a_stop_while_it_stands_aside_ends_at_once() -> None:
    async with a_place(timers=4, shards=SHARDS) as place:
        clock, a, _ = await two(place)
        clock.step(3_000)
        await place.town.until(lambda: is_skewed(a) and not a.owned, within=KNOWN_SECONDS + 5)

        begun = place.clock.steady()
        await place.town.stop("a")

        assert place.clock.steady() - begun < 1
