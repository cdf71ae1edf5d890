"""Who should own how many shards? Facts in, wishes out; the broker alone decides who gets what.

The number of members is a hint and never a cap: a member that counts but never claims must not leave shards to nobody.
Shards move on demand only: nobody gives up anything until somebody who has too little says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# A bell that rings again, neither sooner nor later than this after another, says that what was given up did not do.
# Sooner it is another member's: nobody repeats itself so soon.
BELL_AGAIN_SECONDS = (1.0, 3.0)
# When nothing has moved for so long, what nobody owns may be taken by anybody.
ORPHAN_QUIET_SECONDS = 3.0
# Between leaving the members and giving up the first shard: the others count again and stand ready; we ring on.
NOTICE_SECONDS = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one member of `members` should own of `shards`: at least `floor`, at most `ceiling`."""

    floor: int
    ceiling: int


def share(shards: int, members: int) -> Share:
    """A fair share; a count of no members means that it is not known yet, and then it is ours alone."""
    count = max(members, 1)
    return Share(floor=shards // count, ceiling=-(-shards // count))


def rings_again(bells: Sequence[float]) -> bool:
    """Does the last of these bells, in order, repeat one before it?"""
    soonest, latest = BELL_AGAIN_SECONDS
    return any(soonest <= bells[-1] - bell <= latest for bell in bells[:-1])


def is_a_dead_members(*, still_counted: float, looked: float) -> bool:
    """Is what was free at this look a dead member's? Who leaves keeps its shards for a while after it was counted."""
    return looked - still_counted < NOTICE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What one member knows when it looks at its share."""

    shards: int
    members: int
    owned: int
    settled: bool  # the extra one above the floor may be taken now: those below the floor have had their chance
    quiet_seconds: float  # since the last bell or change of the number of members
    bell: bool  # somebody else is hungry
    bell_again: bool  # and was already, a moment ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How many shards to claim, if free, and how many to give up."""

    claim: int = 0
    give_up: int = 0


def wish(situation: Situation) -> Wish:
    """What to do now. Never both: who gives up does not claim in the same breath."""
    fair = share(situation.shards, situation.members)
    if situation.bell:
        keep = fair.floor if situation.bell_again else fair.ceiling
        if situation.owned > keep:
            return Wish(give_up=situation.owned - keep)

    if situation.quiet_seconds >= ORPHAN_QUIET_SECONDS:
        foreign = situation.shards - situation.owned
        own_share = max(fair.ceiling - situation.owned, 0)
        return Wish(claim=min(foreign, max(own_share, fair.ceiling // 2, 1)))
    target = fair.ceiling if situation.settled else fair.floor
    return Wish(claim=max(target - situation.owned, 0))


def is_hungry(situation: Situation) -> bool:
    """Is this member below any fair share, so that others should give something up?"""
    return situation.owned < share(situation.shards, situation.members).floor
