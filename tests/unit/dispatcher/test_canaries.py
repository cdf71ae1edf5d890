"""A canary a shard: late when rings are late, silent when they are, and known to nobody but who asks for figures.

Shown to fail where a canary does not go with its shard, is armed anew before it has sung, sings for every turn that was
missed, does not look a second time, or does not look at the lease.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.canary import EVERY_MS, SILENT_SECONDS, Canary, Song
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import Shard, Stage
from dispatcher_service.loops.canaries import Canaries
from shared.bus.local import LocalBroker, LocalBus
from shared.settings import SHARDS_MAX
from shared.timing.instants import Instant
from tests.fakes.clock import EPOCH, VirtualClock, in_virtual_time
from tests.fakes.town import Running, town
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import EVERY_MINUTE
from tests.unit.dispatcher.scene import Scene, ringing
from tests.unit.dispatcher.shards import live
from tests.unit.dispatcher.test_metrics import figure

LAST_RING = "carillon_canary_last_ring_timestamp_seconds"


def heard(one: Running) -> dict[int, float]:
    """When the canary of each shard was last heard of, as Prometheus is told."""
    (family,) = (family for family in one.dispatcher.metrics.registry.collect() if family.name == LAST_RING)
    return {int(sample.labels["shard"]): sample.value for sample in family.samples}


def songs(scene: Scene) -> int:
    count = figure(scene.one, "carillon_canary_rings_total")
    assert count == figure(scene.one, "carillon_canary_lateness_seconds_count")
    return int(count)


async def between_turns(clock: VirtualClock) -> None:
    """Let time pass until a moment at which no canary of 64 shards has its turn."""
    await clock.until(clock.now() // 1_000 * 1_000 + 1_550)


@given(shard=st.integers(0, SHARDS_MAX - 1), moment=st.integers(0, 4 * 10**12))
def test_its_turns_are_by_arithmetic_alone(shard: int, moment: Instant) -> None:
    canary = Canary(shard)
    turn = canary.next_after(moment)

    assert moment < turn <= moment + EVERY_MS
    assert canary.next_after(turn) == turn + EVERY_MS
    assert canary.next_after(turn - 1) == turn


@given(shards=st.integers(1, SHARDS_MAX), begins=st.integers(0, EVERY_MS))
def test_in_no_second_there_are_more_than_a_tenth_and_one(shards: int, begins: int) -> None:
    """Of 64 shards never more than 7, wherever the second begins."""
    turns = [Canary(shard).next_after(begins) for shard in range(shards)]

    assert sum(turn <= begins + 1_000 for turn in turns) <= -(-shards // 10)


def test_the_agenda_hands_one_out_once_and_then_waits_for_it() -> None:
    shard, agenda = live(Truth())
    shard.sing(EPOCH, 0.0)
    turn = shard.canary.next_after(EPOCH)

    assert agenda.take(turn - 1) is None
    assert agenda.take(turn + 55_000) == [Song(canary=shard.canary, nominal=turn)]
    assert agenda.take(turn + 99_000) is None, "it has not sung yet"
    shard.sing(turn + 99_000, 0.0)
    assert agenda.next_due() == turn + 100_000, "what was missed is missed"
    shard.leave(Stage.LEAVING)
    shard.sing(turn + 99_000, 0.0)
    assert agenda.next_due() is None


@in_virtual_time
async def test_every_shard_that_rings_has_one_and_it_is_punctual() -> None:
    clock = VirtualClock()
    async with town(LocalBus(LocalBroker()), clock) as place:
        one = place.start("a")
        await place.fair()
        await clock.sleep(20)
        await between_turns(clock)
        before = figure(one, "carillon_canary_rings_total")
        await clock.sleep(60)

        assert figure(one, "carillon_canary_rings_total") - before == 64 * 6
        assert figure(one, "carillon_canary_lateness_seconds_sum") < 1
        assert sorted(heard(one)) == list(range(64))
        assert min(heard(one).values()) > clock.now() / 1000 - EVERY_MS / 1000 - 0.1
        assert one.dispatcher.unready() == []


@in_virtual_time
async def test_nobody_else_knows_of_them() -> None:
    async with ringing() as scene:
        asked = len(scene.town.api.requests)
        await scene.clock.sleep(100)

        assert songs(scene) > 30
        assert (scene.sent, scene.town.api.recorded) == ([], [])
        assert len(scene.town.api.requests) == asked, "every digest was as it should be"
        for name in ("carillon_timers", "carillon_outcomes_published_total", "carillon_retries_waiting"):
            assert figure(scene.one, name) == 0
        assert figure(scene.one, "carillon_ring_lateness_seconds_count") == 0
        assert figure(scene.one, "carillon_agenda_entries") == 4, "one a shard, and none is left over"


@in_virtual_time
async def test_they_come_and_go_with_their_shards() -> None:
    clock, broker = VirtualClock(), LocalBroker()
    async with town(LocalBus(broker), clock, shards=16) as place:
        one, other = place.start("a"), place.start("b")
        await place.fair()
        await clock.sleep(15)
        assert (set(heard(one)), set(heard(other))) == (one.rings, other.rings)
        broker.drop_connections()
        assert (heard(one), heard(other)) == ({}, {})
        await place.fair(within=20)
        await place.stop("a")
        await place.fair()
        await between_turns(clock)
        before = figure(other, "carillon_canary_rings_total"), figure(one, "carillon_canary_rings_total")
        await clock.sleep(50)

        assert (set(heard(one)), set(heard(other))) == (set(), set(range(16)))
        assert figure(other, "carillon_canary_rings_total") == before[0] + 16 * 5, "one a shard, however it came"
        assert figure(one, "carillon_canary_rings_total") == before[1]


@in_virtual_time
async def test_when_the_process_was_frozen_each_is_late_once() -> None:
    async with ringing() as scene:
        await scene.clock.sleep(20)
        before, late = songs(scene), figure(scene.one, "carillon_canary_lateness_seconds_sum")

        scene.clock.freeze(300)
        await scene.clock.sleep(0.2)

        assert songs(scene) - before == 4
        assert figure(scene.one, "carillon_canary_lateness_seconds_sum") - late > 4 * 290
        await scene.clock.sleep(10)
        assert songs(scene) - before == 8, "and then each has its turns again"
        assert scene.one.dispatcher.unready() == []


@in_virtual_time
async def test_when_all_workers_hang_they_fall_silent_and_then_tell_how_late() -> None:
    async with ringing() as scene:
        answered = asyncio.Event()
        for number in range(1_000):
            url = f"http://hangs{number % 20}.test/"
            scene.sender.slow[url] = answered
            await scene.put(f"t{number}", url=url, rule=EVERY_MINUTE.expression)
        await scene.clock.until(scene.clock.now() // 60_000 * 60_000 + 60_000 + 500)
        assert figure(scene.one, "carillon_rings_under_way") == figure(scene.one, "carillon_rings_in_flight_limit")
        before, late = songs(scene), figure(scene.one, "carillon_canary_lateness_seconds_sum")

        await scene.clock.sleep(SILENT_SECONDS + 10)

        assert songs(scene) == before
        assert scene.one.dispatcher.unready() == ["the canaries of 4 shards are silent"]
        assert figure(scene.one, "carillon_rings_waiting") == 4, "one a shard"
        answered.set()
        await scene.clock.sleep(0.1)
        assert songs(scene) - before == 4
        assert figure(scene.one, "carillon_canary_lateness_seconds_sum") - late > 4 * SILENT_SECONDS
        assert scene.one.dispatcher.unready() == []


@in_virtual_time
async def test_a_bounded_rate_does_not_bound_them() -> None:
    async with ringing(rate_per_host=0.01) as scene:
        await scene.clock.sleep(60)

        assert songs(scene) >= 20
        assert figure(scene.one, "carillon_canary_lateness_seconds_sum") < 0.1


class Looks:
    """One shard and its canary, without a ticker."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.agenda, self.lease = Agenda(), Lease(4.0)
        self.shard = Shard(0, "i", self.agenda)
        self.shard.stage = Stage.LIVE
        self.shards = {0: self.shard}
        self.canaries = Canaries(shards=self.shards, lease=self.lease, clock=VirtualClock(), on_song=self.late.append)
        self.song = Song(canary=self.shard.canary, nominal=EPOCH - 2_000)
        self.lease.renewed(0.0)

    async def sing(self) -> asyncio.Task[None]:
        """It has looked once, and is about to look again."""
        task = asyncio.get_running_loop().create_task(self.canaries.sing(self.song))
        await asyncio.sleep(0)
        return task


@in_virtual_time
async def test_it_rings_and_awaits_its_next_turn() -> None:
    looks = Looks()

    await (await looks.sing())

    assert (looks.late, looks.agenda.next_due()) == ([2.0], EPOCH + EVERY_MS)


@in_virtual_time
async def test_of_a_shard_that_is_about_to_ring_none_is_missed_yet() -> None:
    """Arming a large shard takes some breaths, in which it rings already."""
    looks = Looks()
    clock = VirtualClock()
    await clock.sleep(SILENT_SECONDS * 2)
    looks.lease.renewed(clock.steady())

    assert (looks.canaries.silent, list(looks.canaries.heard())) == (0, [])

    looks.shard.sing(clock.now(), clock.steady())
    assert list(looks.canaries.heard()) == [looks.shard.canary]
    await clock.sleep(SILENT_SECONDS * 2)
    looks.lease.renewed(clock.steady())
    assert looks.canaries.silent == 1


@in_virtual_time
async def test_a_lease_that_ends_between_the_looks_holds_it_back() -> None:
    for shall_end_first in (True, False):
        looks = Looks()
        if shall_end_first:
            looks.lease.lost()
        task = await looks.sing()
        looks.lease.lost()
        await task

        assert looks.late == []
        assert looks.canaries.take_parked() == [looks.song]
        looks.lease.renewed(0.0)
        await looks.canaries.sing(looks.song)
        assert (looks.late, looks.canaries.take_parked()) == ([2.0], [])


@in_virtual_time
async def test_of_a_shard_that_is_lost_between_the_looks_nothing_rings() -> None:
    looks = Looks()
    task = await looks.sing()
    looks.shard.leave(Stage.LOST)
    await task
    looks.shards[0] = Shard(0, "another session", looks.agenda)
    looks.shards[0].stage = Stage.LIVE
    await looks.canaries.sing(looks.song)

    assert (looks.late, looks.canaries.take_parked(), looks.agenda.next_due()) == ([], [], None)


@in_virtual_time
async def test_of_a_shard_that_is_being_given_up_nothing_new_rings() -> None:
    looks = Looks()
    looks.shard.leave(Stage.LEAVING)
    await looks.canaries.sing(looks.song)

    assert (looks.late, looks.canaries.take_parked()) == ([], [])


@in_virtual_time
async def test_silence_is_of_shards_that_ring_and_while_they_may() -> None:
    looks = Looks()
    looks.shard.sing(EPOCH, 0.0)
    assert looks.canaries.silent == 0
    looks.shard.canary.heard_steady = -SILENT_SECONDS - 1
    assert looks.canaries.silent == 1

    looks.shard.stage = Stage.LISTING
    assert (looks.canaries.silent, list(looks.canaries.heard())) == (0, [])
    looks.shard.stage = Stage.LIVE
    looks.lease.lost()
    assert looks.canaries.silent == 0, "nothing may ring, and that is said already"


def test_each_of_ten_shards_has_a_second_of_its_own() -> None:
    seconds = Counter(Canary(shard).next_after(0) // 1_000 % 10 for shard in range(64))

    assert sorted(seconds.values()) == [6] * 6 + [7] * 4
