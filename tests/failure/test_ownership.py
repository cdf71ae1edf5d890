"""Shards and their owners over a real RabbitMQ while connections, brokers and owners fail.

Whole dispatchers, a stand-in for the API side, and a receiver in the same process; times are short and real.
"""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
import yarl

from shared.bus.rabbit import RabbitBus
from shared.bus.rabbit_wire import Patience
from shared.settings import LEASE_SECONDS
from tests.failure.place import CLOCK, SHARDS, Place
from tests.fakes.town import Town


@pytest.mark.alone
async def test_dispatchers_come_and_go_and_no_instant_is_missed(place: Place) -> None:
    """Shown to fail without the bell, newcomers own nothing; where a successor begins now, instants are missed."""
    place.town.start("a")
    await place.town.fair()
    joined = await place.second()
    place.town.start("b")
    place.town.start("c")
    await place.town.fair()
    stopped = await place.second()
    assert place.town.doubled() == []
    assert place.town.latest(since=joined) < 1

    await place.town.stop("a")
    await place.town.fair()
    killed = await place.second(2)
    assert place.town.doubled() == []
    assert place.town.latest(since=stopped) < 1

    place.town.kill("b")
    await place.town.fair()
    last = await place.second(2)
    assert place.town.latest(since=killed) < 2
    await place.complete(last)
    assert all(len(owners) == 1 for owners in place.town.owners_of().values())


async def test_an_owner_cut_off_by_the_broker_alone_rings_no_longer_than_its_lease(place: Place) -> None:
    """The broker's side of its connection ends and the client hears nothing: two ring, and the lease bounds it.

    Shown to fail with `Attempts._leased` always true: it rang on after its lease.
    """
    async with place.by_proxy(Patience(call=2 * LEASE_SECONDS)) as (bus, proxy):  # the lease alone stops it
        cut_off = place.town.start("cut-off", bus=bus)
        place.town.start("other")
        await place.town.fair(within=15)
        await place.second()
        shards = set(cut_off.rings)
        lost = {number: cut_off.dispatcher._shards[number].epoch for number in shards}

        proxy.freeze()
        proxy.reset_server()
        reset = CLOCK.now()
        other = place.town.running["other"]
        await place.town.until(lambda: shards <= other.rings, within=LEASE_SECONDS)
        await place.town.until(lambda: not cut_off.dispatcher._lease.holds(CLOCK.steady()), within=LEASE_SECONDS + 1)
        over = CLOCK.now()
        last = await place.second()

        assert over - reset <= LEASE_SECONDS * 1_000 + 250
        late = [one for one in place.town.sent if one.by == "cut-off" and over < one.at]
        held = {place.town.api.truth_of(one.event).shard: int(one.headers["carillon-epoch"]) for one in late}
        assert held.items() & lost.items() == set()
        twice = {instant for _, instant in place.town.doubled()}
        assert len(twice) <= LEASE_SECONDS + 1, "double rings are bounded by the lease"
        await place.complete(last)


async def test_takeover_wait_rules_two_owners_out(place: Place) -> None:
    """Shown to fail without the wait in `Intake.list_shard`: the new owner rang while the old one still did."""
    place.town.takeover_wait = LEASE_SECONDS
    async with place.by_proxy() as (bus, proxy):
        cut_off = place.town.start("cut-off", bus=bus)
        await place.town.fair(within=10)
        place.town.start("other")
        await place.town.fair(within=15)
        await place.second()
        lost = {number: cut_off.dispatcher._shards[number].epoch for number in cut_off.rings}

        proxy.freeze()
        proxy.reset_server()
        reset = CLOCK.now()
        other = place.town.running["other"]
        await place.town.until(lambda: len(other.owned) == SHARDS, within=3)
        # The one that was cut off notices, connects anew, and is hungry: shards that still wait may move once more.
        await place.town.until(lambda: not cut_off.owned, within=LEASE_SECONDS + 2)
        await place.town.fair(within=LEASE_SECONDS + 8)
        last = await place.second()

        # What the owner that was cut off rang and could not report is rung again, and only that: it had stopped before.
        rung = [(place.town.api.truth_of(one.event).shard, one) for one in place.town.sent if one.at > reset]
        old = [one for shard, one in rung if lost.get(shard) == int(one.headers["carillon-epoch"])]
        new = [one for shard, one in rung if lost.get(shard, 99) < int(one.headers["carillon-epoch"])]
        assert old, "it rang on for a while"
        assert max(one.at for one in old) < min(one.at for one in new)
        await place.complete(last)


class Elsewhere:
    """A dispatcher on an event loop of its own, which can be stopped as SIGSTOP stops a process."""

    def __init__(self, place: Place, url: str) -> None:
        self._place = place
        self._url = url
        self._ended: asyncio.Event
        self.loop: asyncio.AbstractEventLoop
        self.people: Town
        self.ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        bus = RabbitBus(self._url, prefix=self._place.broker.topology.prefix, patience=Patience())
        async with asyncio.TaskGroup() as tasks:
            self.people = Town(api=self._place.town.api, clock=CLOCK, tasks=tasks, sent=self._place.town.sent)
            one = self.people.start("frozen", bus=bus)
            self.ready.set()
            await self._ended.wait()
            one.task.cancel()

    def freeze(self, seconds: float) -> None:
        self.loop.call_soon_threadsafe(time.sleep, seconds)

    def __enter__(self) -> Elsewhere:
        self._thread.start()
        self.ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)


async def test_a_process_that_was_frozen_past_its_lease_rings_nothing_of_what_it_lost(place: Place) -> None:
    """Shown to fail with `Attempts._leased` always true: it thawed, and rang what the other one had taken over."""
    async with place.by_proxy() as (_, proxy):
        url = str(yarl.URL(place.broker.rabbit.url).with_port(proxy.port))
        with Elsewhere(place, url) as elsewhere:
            other = place.town.start("other")
            frozen = elsewhere.people.running["frozen"]

            def fair() -> bool:
                return len(frozen.rings) + len(other.rings) == SHARDS and abs(len(frozen.rings) - len(other.rings)) <= 2

            await place.town.until(fair, within=15)
            await place.second()

            froze = CLOCK.now()
            elsewhere.freeze(LEASE_SECONDS + 1)
            proxy.reset_server()  # the broker has lost patience with it
            await place.town.until(lambda: len(other.rings) == SHARDS, within=3)
            await place.second(int(LEASE_SECONDS) + 2)
            await place.town.until(fair, within=10)
            last = await place.second()

            zombie = [one for one in place.town.sent if one.by == "frozen" and one.at > froze + 200]
            taken = {one.name for one in place.town.sent if one.by == "other"}
            assert [one.name for one in zombie if one.name in taken] == []
            await place.complete(last)
