"""A fair share of the shards: looks at the count of members, claims, and gives up what others hunger for.

Looking means probing the broker, so it happens only for a reason: at the start, when the count of members changes,
when a bell rings, when a shard is lost, and at a safety tick that slows down while nothing moves.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from dispatcher_service.core.balance import (
    BELL_AGAIN_SECONDS,
    Situation,
    Wish,
    is_a_dead_members,
    is_hungry,
    rings_again,
    wish,
)
from dispatcher_service.core.shard import Shard, Stage
from shared.bus.port import BusUnavailable, Session
from shared.clock import Clock, arrives
from shared.observability.logs import get_logger

MEMBERS_EVERY_SECONDS = 0.1  # a dead member is noticed by the count: its shards are silent meanwhile
SAFETY_TICK_SECONDS = (5.0, 60.0)  # doubled while nothing moves
SETTLE_SECONDS = (0.3, 0.8)  # before the extra shard above the floor is taken
CLAIMS_AT_ONCE = 8  # most are refused, and a refusal takes several round trips
LOOK_AGAIN_SECONDS = 0.15
HUNGER_SECONDS = (1.0, 60.0)  # between two bells of ours, doubled

log = get_logger(__name__)


class Bell(Protocol):
    """What hunger needs of a publisher."""

    async def ring_bell(self) -> None:
        """Tell every session."""
        ...


class Balance:
    """One session's share."""

    def __init__(
        self,
        *,
        session: Session,
        shards: Mapping[int, Shard],
        shards_total: int,
        bell: Bell,
        clock: Clock,
        won: Callable[[int, bool], None],  # and whether its owner has died
        give_up: Callable[[list[Shard]], Awaitable[None]],
    ) -> None:
        self._session = session
        self._shards = shards
        self._total = shards_total
        self._bell = bell
        self._clock = clock
        self._won = won
        self._give_up = give_up
        self._reason = asyncio.Event()
        self._stopped = False
        self._members = 0
        self._counted = self._still_counted = float("-inf")  # asked last, and before there were fewer
        self._moved = clock.steady()
        self._settled_at = self._moved
        self._bells: list[float] = []
        self._bell_unheard = False
        self._hunger_seconds = HUNGER_SECONDS[0]
        self._rang = float("-inf")
        self._tick_seconds = SAFETY_TICK_SECONDS[0]
        self._look_at = self._moved

    @property
    def members(self) -> int:
        """How many dispatchers the broker counted last."""
        return self._members

    def bell_rang(self) -> None:
        """Somebody is hungry."""
        now = self._clock.steady()
        self._bells = [*(bell for bell in self._bells if now - bell <= BELL_AGAIN_SECONDS[1]), now]
        self._bell_unheard = True
        self._something_moved()
        self._reason.set()

    def stop(self) -> None:
        """Claim and give up nothing any more; what has begun is finished."""
        self._stopped = True
        self._reason.set()

    def shard_lost(self) -> None:
        """A shard was taken from us, so one may be free."""
        self._something_moved()
        self._reason.set()

    async def run(self) -> None:
        """Keep to a fair share until told to stop."""
        while not self._stopped:
            await self._count()
            if self._members and (self._reason.is_set() or self._clock.steady() >= self._look_at):
                self._reason.clear()
                await self._look()
            await self._rest()

    async def _count(self) -> None:
        asked = self._clock.steady()
        members = await self._session.members()
        if members < self._members:
            self._still_counted = self._counted
        self._counted = asked
        if members != self._members:
            log.info("members.counted", members=members, before=self._members, owned=len(self._shards))
            self._members = members
            self._hunger_seconds, self._rang = HUNGER_SECONDS[0], float("-inf")
            self._something_moved()
            self._reason.set()

    def _something_moved(self) -> None:
        self._moved = self._clock.steady()
        self._settled_at = self._moved + random.uniform(*SETTLE_SECONDS)  # noqa: S311 - spread, not secrecy
        self._tick_seconds = SAFETY_TICK_SECONDS[0]

    async def _look(self) -> None:
        situation = self._situation()
        self._bell_unheard = False
        wanted = wish(situation)
        if wanted.give_up:
            await self._shed(wanted)
        elif wanted.claim:
            await self._claim(wanted)
        self._plan_next_look(situation)
        if is_hungry(self._situation()):
            await self._cry()

    def _situation(self) -> Situation:
        now = self._clock.steady()
        return Situation(
            shards=self._total,
            members=self._members,
            owned=len(self._shards),
            settled=now >= self._settled_at,
            quiet_seconds=now - self._moved,
            bell=self._bell_unheard,
            bell_again=rings_again(self._bells),
        )

    def _plan_next_look(self, situation: Situation) -> None:
        now = self._clock.steady()
        if not situation.settled:
            self._look_at = self._settled_at
            return
        spread = random.uniform(0.8, 1.2)  # noqa: S311 - spread, not secrecy
        self._look_at = now + self._tick_seconds * spread
        self._tick_seconds = min(self._tick_seconds * 2, SAFETY_TICK_SECONDS[1])

    async def _claim(self, wanted: Wish) -> None:
        foreign = [number for number in range(self._total) if number not in self._shards]
        random.shuffle(foreign)
        died = is_a_dead_members(still_counted=self._still_counted, looked=self._clock.steady())
        claimed = 0
        while foreign and claimed < wanted.claim and not (self._bell_unheard or self._stopped):
            room = min(wanted.claim - claimed, CLAIMS_AT_ONCE)
            batch, foreign = foreign[:room], foreign[room:]
            claimed += await self._try_all(batch, died=died)
        if claimed:
            log.info("shards.claimed", count=claimed, owned=len(self._shards), members=self._members)

    async def _try_all(self, batch: list[int], *, died: bool) -> int:
        """How many of these were free and are ours now."""
        failures: list[BusUnavailable] = []

        async def attempt(number: int) -> bool:
            try:
                won = await self._session.claim(number)
            except BusUnavailable as failure:
                failures.append(failure)  # raised below: from a group of tasks it would come as a group
                return False
            if won:
                self._won(number, died)
            return won

        async with asyncio.TaskGroup() as tasks:
            attempts = [tasks.create_task(attempt(number)) for number in batch]
        if failures:
            raise failures[0]
        return sum(one.result() for one in attempts)

    async def _shed(self, wanted: Wish) -> None:
        ours = [shard for shard in self._shards.values() if shard.stage is not Stage.LEAVING]
        excess = random.sample(ours, min(wanted.give_up, len(ours)))
        await self._give_up(excess)
        log.info("shards.given_up", count=len(excess), owned=len(self._shards), members=self._members)

    async def _cry(self) -> None:
        """Ring the bell, less and less often while it does not help, and look again soon after."""
        now = self._clock.steady()
        if now - self._rang >= self._hunger_seconds:
            self._rang = now
            self._hunger_seconds = min(self._hunger_seconds * 2, HUNGER_SECONDS[1])
            try:
                await self._bell.ring_bell()
            except BusUnavailable:
                log.info("bell.failed", owned=len(self._shards), members=self._members)
        if now - self._rang < HUNGER_SECONDS[0] * 2:
            self._look_at = min(self._look_at, self._clock.steady() + LOOK_AGAIN_SECONDS)

    async def _rest(self) -> None:
        """Until there is a reason to look, or it is time to count again."""
        seconds = MEMBERS_EVERY_SECONDS
        if self._members:  # we ourselves may not be counted yet; that is no reason to count without a pause
            seconds = min(seconds, max(self._look_at - self._clock.steady(), 0.0))
        if not self._stopped:
            await arrives(self._reason, within=seconds)
