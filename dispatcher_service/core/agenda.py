"""The agenda: what is due next, over all shards of this dispatcher; each timer, retry and canary has one entry.

An occurrence that is taken is never handed out again: the timer's `anchor` moves onto it. What was taken and is not
reported holds back what the ledger is told to be settled; a firing that waits for another attempt is known there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from dispatcher_service.core.canary import Canary, Song
from dispatcher_service.core.held import Held, Waiting, begin, remain
from dispatcher_service.core.misfire import misfired_through, out_of_grace_through
from dispatcher_service.core.moments import Moments
from dispatcher_service.core.sharing import Sharing
from shared.domain.delivery import CATCH_UP_MOST, MisfirePolicy, OverlapPolicy, spread_offset
from shared.domain.firing import PendingFiring, SkipReason
from shared.domain.roster_series import RosterSeries
from shared.domain.timer import Timer
from shared.timing.instants import Instant

_END_AGAIN_MS = 500


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """Attempt this occurrence now."""

    held: Held
    nominal: Instant


class Skip(msgspec.Struct, frozen=True, kw_only=True):
    """These occurrences are not attempted. `settled_through`: up to where all are accounted for, these included."""

    held: Held
    first: Instant
    last: Instant
    count: int
    reason: SkipReason
    settled_through: Instant


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """The timer reached its end."""

    held: Held


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """Attempt this firing, which the ledger knows as unfinished."""

    waiting: Waiting


Decision: TypeAlias = Ring | Skip | Finish | Again | Song
_Entry: TypeAlias = Held | Waiting | Canary


class Agenda:
    """Timers in the order in which they are due."""

    def __init__(self) -> None:
        self._moments: Moments[_Entry] = Moments()
        self._retries = 0
        self._sharing = Sharing()

    @property
    def entries(self) -> int:
        """How many entries there are, those that are good for nothing any more included."""
        return len(self._moments)

    @property
    def retries(self) -> int:
        """How many firings wait for another attempt."""
        return self._retries

    def hold(self, timer: Timer, shard: int) -> Held:
        """The timer, ready to be armed. Raises ValueError where nothing can be made of its rule or roster."""
        series = self._sharing.of(timer)
        return Held(timer, shard, series, spread_offset(timer.id, timer.delivery.spread_ms), timer.anchor)

    def arm(self, held: Held) -> None:
        """From now on the timer rings; arming again takes its present rule, anchor and end into account."""
        self._moments.put(held, self._next_due(held))

    def disarm(self, held: Held) -> None:
        """The timer rings no more, until it is armed again; what waits for another attempt is not concerned."""
        self._moments.withdraw(held)

    def await_attempt(self, held: Held, firing: PendingFiring) -> None:
        """The firing is attempted when it is due, unless it is waiting already."""
        if held.waiting is None:
            held.waiting = {}
        name = (firing.nominal, firing.manual)
        if (before := held.waiting.get(name)) is not None:
            self._moments.withdraw(before)
        else:
            self._retries += 1
        waiting = held.waiting[name] = Waiting(
            held, firing.nominal, firing.manual, firing.attempts, firing.attempts_before, firing.due
        )
        if not firing.manual:
            remain(held, firing.nominal)
        self._moments.put(waiting, firing.due)

    def drop_waiting(self, held: Held) -> None:
        """None of the timer's firings that wait is attempted any more."""
        for waiting in (held.waiting or {}).values():
            self._moments.withdraw(waiting)
            self._retries -= 1
        held.waiting = None

    def await_song(self, canary: Canary, now: Instant, steady: float) -> None:
        """The canary is heard of now, and sings at its first turn from here on, once."""
        canary.heard, canary.heard_steady = now, steady
        self._moments.put(canary, canary.next_after(now))

    def silence(self, canary: Canary) -> None:
        """The canary sings no more, until it is awaited again."""
        self._moments.withdraw(canary)

    def next_due(self) -> Instant | None:
        """When the next entry is due, or None where there is none."""
        return self._moments.first_due()

    def take(self, now: Instant) -> list[Decision] | None:
        """What to do about the first entry that is due, in order; None where none is due."""
        due = self._moments.first_due()
        if due is None or due > now:
            return None
        first = self._moments.take_first()
        if isinstance(first, Waiting):
            return [self._again(first)]
        if isinstance(first, Canary):
            return [Song(canary=first, nominal=due)]
        if now >= first.timer.end:
            return self._ended(first, now)
        if _only_looks(first, due):
            self.arm(first)
            return []
        decisions = list(self._occurred(first, due - first.offset, now - first.offset))
        self.arm(first)
        return decisions

    def _next_due(self, held: Held) -> Instant:
        timer = held.timer
        if timer.paused:
            return timer.end
        following = held.series.next_after(timer.anchor)
        if following is not None:
            return min(following + held.offset, timer.end)
        seen = held.series.seen_through(timer.anchor)
        return timer.end if seen is None else min(seen, timer.end)

    def _again(self, waiting: Waiting) -> Again:
        held = waiting.held
        self._retries -= 1
        if held.waiting is not None:
            held.waiting.pop((waiting.nominal, waiting.manual), None)
            held.waiting = held.waiting or None
        return Again(waiting=waiting)

    def _occurred(self, held: Held, nominal: Instant, now: Instant) -> Iterator[Decision]:
        """What to do about the occurrence at `nominal` and what comes with it; both moments as without a spread."""
        timer = held.timer
        if nominal <= misfired_through(now, timer.delivery):
            yield from self._skipped(held, self._written_off(held, nominal, now), SkipReason.MISFIRED)
            following = held.series.next_after(timer.anchor)
            if following is None or following > now:
                return
            nominal = following
        already = nominal in (held.unreported or ()) or nominal in timer.settled
        timer.anchor = nominal
        if timer.settled and nominal >= timer.settled[-1]:
            timer.settled = ()
        if already:
            return
        if timer.delivery.overlap_policy is OverlapPolicy.SKIP and held.unfinished:
            yield _skip(held, nominal, nominal, 1, SkipReason.OVERLAPPED)
        else:
            begin(held, nominal)
            yield Ring(held=held, nominal=nominal)

    def _written_off(self, held: Held, nominal: Instant, now: Instant) -> Instant:
        """Up to which moment the misfire policy skips what is due from `nominal`, a misfire, to now."""
        delivery = held.timer.delivery
        match delivery.misfire_policy:
            case MisfirePolicy.SKIP:
                return misfired_through(now, delivery)
            case MisfirePolicy.LATEST:
                latest = held.series.latest_through(nominal - 1, now) or nominal
                return max(latest - 1, out_of_grace_through(now, delivery))
            case MisfirePolicy.ALL:
                first = held.series.before_the_latest(nominal - 1, now, CATCH_UP_MOST)
                return max(first, out_of_grace_through(now, delivery))

    def _ended(self, held: Held, now: Instant) -> list[Decision]:
        """A timer is not finished while the ledger knows nothing of what is under way: its owner may die before."""
        if held.unreported:
            self._moments.put(held, now + _END_AGAIN_MS)
            return []
        return list(self._finished(held))

    def _finished(self, held: Held) -> Iterator[Decision]:
        reason = SkipReason.PAUSED if held.timer.paused else SkipReason.ENDED
        yield from self._skipped(held, held.timer.end - 1, reason)
        yield Finish(held=held)

    def _skipped(self, held: Held, through: Instant, reason: SkipReason) -> Iterator[Decision]:
        """The stretches from the anchor to this moment, around what is settled already; the anchor moves past them."""
        timer = held.timer
        for settled in [settled for settled in timer.settled if timer.anchor < settled <= through]:
            yield from self._stretch(held, settled - 1, reason)
            timer.anchor = settled
        yield from self._stretch(held, through, reason)

    def _stretch(self, held: Held, through: Instant, reason: SkipReason) -> Iterator[Decision]:
        after = held.timer.anchor
        last = held.series.latest_through(after, through)
        if last is None:
            return
        first = held.series.next_after(after) or last
        many = held.series.count_between(after, last)
        held.timer.anchor = last
        yield _skip(held, first, last, many, reason)


def _only_looks(held: Held, due: Instant) -> bool:
    """Is what it was armed for no occurrence, but how far it was in sight that there is none?"""
    if not isinstance(held.series, RosterSeries):
        return False
    following = held.series.next_after(held.timer.anchor)
    return following is None or following + held.offset > due


def _skip(held: Held, first: Instant, last: Instant, count: int, reason: SkipReason) -> Skip:
    return Skip(held=held, first=first, last=last, count=count, reason=reason, settled_through=held.settled_through)
