"""Members that know only how many they are end up with fair shares, move no shard without need, and leave none unowned.

Real `Balance` loops over the bus in one process, in virtual time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.balance import (
    BELL_AGAIN_SECONDS,
    NOTICE_SECONDS,
    ORPHAN_QUIET_SECONDS,
    Situation,
    is_hungry,
    rings_again,
    share,
    wish,
)
from dispatcher_service.core.shard import Shard, Stage
from dispatcher_service.loops.balance import Balance
from shared.bus.local import LocalBroker, LocalBus, LocalSession
from shared.bus.port import SessionEvents
from tests.fakes.clock import VirtualClock, in_virtual_time

SHARDS = 64
SETTLING_SECONDS = 0.05


@dataclass
class Member:
    """One dispatcher, as far as balance goes."""

    session: LocalSession
    clock: VirtualClock
    tasks: asyncio.TaskGroup
    bus: LocalBus
    claims: int = 0
    given: int = 0
    looks: int = 0
    died: list[bool] = field(default_factory=list)  # of each claim, what it was told of the owner before
    shards: dict[int, Shard] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.balance = Balance(
            session=self.session,
            shards=self.shards,
            shards_total=SHARDS,
            bell=self.bus.publisher(),
            clock=self.clock,
            won=self.won,
            give_up=self.give_up,
        )

    def won(self, number: int, died: bool) -> None:
        self.claims += 1
        self.died.append(died)
        self.shards[number] = Shard(number, self.session.incarnation, Agenda())

    async def give_up(self, shards: Sequence[Shard]) -> None:
        for shard in shards:
            shard.leave(Stage.LEAVING)
        await self.clock.sleep(SETTLING_SECONDS)
        for shard in shards:
            del self.shards[shard.number]
            await self.session.release(shard.number)
            self.given += 1

    async def join(self) -> None:
        await self.session.join()
        self.task = self.tasks.create_task(self.balance.run())

    async def die(self) -> None:
        if self.task is not None:
            self.task.cancel()
        await self.session.close()
        self.shards.clear()


class Town:
    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.broker = LocalBroker()
        self.bus = LocalBus(self.broker)
        self.clock = VirtualClock()
        self.tasks = tasks
        self.members: list[Member] = []

    async def enter(self, *, joins: bool = True) -> Member:
        here: list[Member] = []

        def shard_lost(number: int) -> None:
            del here[0].shards[number]
            here[0].balance.shard_lost()

        def bell_rang() -> None:
            here[0].balance.bell_rang()

        events = SessionEvents(
            on_lost=lambda _: None, on_shard_lost=shard_lost, on_bell=bell_rang, on_time=lambda _: None
        )
        session = await self.bus.open_session(events)
        member = Member(session=session, clock=self.clock, tasks=self.tasks, bus=self.bus)
        here.append(member)
        self.members.append(member)
        if joins:
            await member.join()
        return member

    async def leave(self, member: Member) -> None:
        self.members.remove(member)
        await member.die()

    def shares(self) -> list[int]:
        return sorted(len(member.shards) for member in self.members)

    def moves(self) -> int:
        return sum(member.claims for member in self.members)

    async def fair(self, *, within: float, spread: int = 1) -> float:
        """Let time pass until all shards are owned and shares differ by no more; when that was."""
        begun = self.clock.steady()
        while len(self.broker.owners) < SHARDS or self.shares()[-1] - self.shares()[0] > spread:
            assert self.clock.steady() - begun < within, f"shares {self.shares()} after {within} s"
            await self.clock.sleep(0.01)
        return self.clock.steady() - begun


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    async with asyncio.TaskGroup() as tasks:
        place = Town(tasks)
        yield place
        for member in list(place.members):
            await place.leave(member)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12, 64, 80])
@in_virtual_time
async def test_members_that_start_together_converge(count: int) -> None:
    async with town() as place:
        for _ in range(count):
            await place.enter()

        await place.fair(within=4)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
@in_virtual_time
async def test_one_more_member_moves_only_what_it_needs(count: int) -> None:
    async with town() as place:
        for _ in range(count):
            await place.enter()
        await place.fair(within=4)
        await place.clock.sleep(30)
        before = place.moves()

        await place.enter()

        assert await place.fair(within=4, spread=2) < 1
        await place.clock.sleep(300)
        assert place.shares()[-1] - place.shares()[0] <= 2
        assert place.moves() - before <= SHARDS // (count + 1) + 2


@pytest.mark.parametrize("count", [2, 3, 4, 9])
@in_virtual_time
async def test_the_shards_of_a_dead_member_are_owned_within_a_second_and_nothing_else_moves(count: int) -> None:
    async with town() as place:
        for _ in range(count):
            await place.enter()
        await place.fair(within=4)
        await place.clock.sleep(30)
        before, victim = place.moves(), place.members[0]
        lost, claimed = len(victim.shards), victim.claims

        await place.leave(victim)

        assert await place.fair(within=4, spread=2) < 1.2
        await place.clock.sleep(300)
        assert place.moves() - (before - claimed) <= lost + 2


@pytest.mark.parametrize("count", [2, 3, 9])
@in_virtual_time
async def test_what_a_dead_member_leaves_is_known_to_be_a_dead_members(count: int) -> None:
    """But for the extra shards above the floor, which are claimed later, and of which nobody can tell."""
    async with town() as place:
        for _ in range(count):
            await place.enter()
        await place.fair(within=4)
        await place.clock.sleep(30)
        for member in place.members:
            member.died.clear()

        await place.leave(place.members[0])
        await place.fair(within=4, spread=2)

        told = [died for member in place.members for died in member.died]
        assert sum(told) >= SHARDS // count - SHARDS % (count - 1)


@in_virtual_time
async def test_what_a_member_gives_up_as_it_leaves_is_no_dead_members() -> None:
    """Shown to fail with ten seconds for `NOTICE_SECONDS` in `is_a_dead_members`."""
    async with town() as place:
        for _ in range(2):
            await place.enter()
        await place.fair(within=4)
        await place.clock.sleep(30)
        leaver, heir = place.members
        heir.died.clear()

        await leaver.session.leave()
        leaver.balance.stop()
        await place.clock.sleep(NOTICE_SECONDS)
        await leaver.give_up(list(leaver.shards.values()))
        await place.clock.sleep(5)

        assert len(heir.shards) == SHARDS
        assert not any(heir.died)


@in_virtual_time
async def test_what_nobody_had_is_no_dead_members() -> None:
    async with town() as place:
        for _ in range(3):
            await place.enter()
        await place.fair(within=4)

        assert not any(died for member in place.members for died in member.died)


@in_virtual_time
async def test_a_settled_town_is_quiet() -> None:
    async with town() as place:
        for _ in range(3):
            await place.enter()
        await place.fair(within=4)
        await place.clock.sleep(60)
        moves, given = place.moves(), sum(member.given for member in place.members)
        owners = dict(place.broker.owners)

        await place.clock.sleep(900)

        assert (place.moves(), sum(member.given for member in place.members)) == (moves, given)
        assert place.broker.owners == owners


@in_virtual_time
async def test_a_member_that_counts_and_never_claims_leaves_nothing_unowned() -> None:
    """The number of members is a hint: three healthy ones once left a quarter of the shards to nobody."""
    async with town() as place:
        for _ in range(3):
            await place.enter()
        await place.fair(within=4)

        stuck = await place.enter(joins=False)
        await stuck.session.join()
        place.members.remove(stuck)
        await place.clock.sleep(60)
        assert len(place.broker.owners) == SHARDS

        for member in list(place.members)[1:]:
            await place.leave(member)
        begun = place.clock.steady()
        while len(place.broker.owners) < SHARDS:
            await place.clock.sleep(0.05)
            assert place.clock.steady() - begun < 30, "shards without an owner"

        await stuck.session.close()
        for _ in range(2):
            await place.enter()
        await place.fair(within=30, spread=2)


@in_virtual_time
async def test_a_shard_that_the_broker_takes_away_is_owned_again_at_once() -> None:
    async with town() as place:
        for _ in range(3):
            await place.enter()
        await place.fair(within=4)
        await place.clock.sleep(30)

        place.broker.take_inbox(7)

        assert await place.fair(within=2, spread=2) < 1


@pytest.mark.parametrize("seed", range(8))
@in_virtual_time
async def test_whatever_comes_and_goes_it_ends_fair(seed: int) -> None:
    chance = random.Random(seed)
    async with town() as place:
        await place.enter()
        for _ in range(15):
            if len(place.members) > 1 and chance.random() < 0.45:
                await place.leave(chance.choice(place.members))
            else:
                await place.enter()
            await place.clock.sleep(chance.choice([0, 0.1, 1, 5]))

        await place.fair(within=20, spread=2)
        await place.clock.sleep(120)
        assert place.shares()[-1] - place.shares()[0] <= 2


@in_virtual_time
async def test_a_member_that_is_not_counted_yet_does_not_count_without_a_pause() -> None:
    async with town() as place:
        member = await place.enter(joins=False)
        member.task = place.tasks.create_task(member.balance.run())

        await place.clock.sleep(10)  # a loop without a pause would never let virtual time get there

        assert member.shards == {}


@in_virtual_time
async def test_a_balance_that_is_stopped_ends() -> None:
    async with town() as place:
        member = await place.enter()
        await place.clock.sleep(10)

        member.balance.stop()

        assert member.task is not None
        await member.task


SITUATIONS = st.builds(
    Situation,
    shards=st.integers(1, 1024),
    members=st.integers(0, 80),
    owned=st.integers(0, 1024),
    settled=st.booleans(),
    quiet_seconds=st.floats(0, 100),
    bell=st.booleans(),
    bell_again=st.booleans(),
)


@given(SITUATIONS)
def test_a_wish_is_modest(situation: Situation) -> None:
    wanted, fair = wish(situation), share(situation.shards, situation.members)

    assert not (wanted.claim and wanted.give_up)
    assert wanted.give_up == 0 or situation.bell
    assert situation.owned - wanted.give_up >= min(situation.owned, fair.floor)
    if situation.quiet_seconds < ORPHAN_QUIET_SECONDS:
        assert situation.owned + wanted.claim <= max(fair.ceiling, situation.owned)


@given(st.integers(1, 1024), st.integers(1, 80))
def test_shares_add_up(shards: int, members: int) -> None:
    fair = share(shards, members)

    assert fair.floor * members <= shards <= fair.ceiling * members
    assert fair.ceiling - fair.floor <= 1


@given(SITUATIONS)
def test_nobody_is_hungry_with_a_fair_share(situation: Situation) -> None:
    assert is_hungry(situation) == (situation.owned < share(situation.shards, situation.members).floor)


def test_two_bells_at_once_are_two_members_and_a_later_one_is_a_repetition() -> None:
    soonest, latest = BELL_AGAIN_SECONDS

    assert not rings_again([])
    assert not rings_again([10.0])
    assert not rings_again([10.0, 10.1])
    assert rings_again([10.0, 10.1, 10.0 + soonest + 0.5])
    assert not rings_again([10.0, 10.0 + latest + 0.5])
