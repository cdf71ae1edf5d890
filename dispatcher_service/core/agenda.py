"""The agenda: what is due next, over all shards of this dispatcher. A heap with one small entry a timer.

An occurrence that is taken is never handed out again: the timer's `anchor` moves onto it. What was taken and is not
settled is `in_flight`; everything before the first of those is settled, which is what the ledger is told.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias
from zoneinfo import ZoneInfo

from dispatcher_service.core.misfire import MISFIRE_AFTER_MS, is_misfire
from shared.domain.firing import SkipReason
from shared.domain.timer import Timer
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone

_OFF = -1  # the ticket of a timer that is not in the heap
# Entries of timers that were changed or given up lie in the heap until they come up, which may be in years. When more
# than half of it is such waste, and it is more than this, the heap is made anew.
_WASTE_MAX = 1_000


@dataclass(slots=True, eq=False)
class Held:
    """A timer as this dispatcher holds it, on behalf of one shard."""

    timer: Timer
    shard: int
    rule: cron.Rule
    zone: ZoneInfo
    ticket: int = _OFF
    in_flight: list[Instant] | None = None  # None, not []: nearly all of a million timers have nothing in flight

    @property
    def settled_through(self) -> Instant:
        """Every occurrence up to this moment is settled."""
        return min(self.in_flight) - 1 if self.in_flight else self.timer.anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Attempt this occurrence now."""

    held: Held
    nominal: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """These occurrences are not attempted."""

    held: Held
    first: Instant
    last: Instant
    count: int
    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The timer reached its end."""

    held: Held


Decision: TypeAlias = Ring | Skip | Finish


class Agenda:
    """Timers in the order in which they are due."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, Held]] = []
        self._tickets = count()  # an entry is good while its timer has its ticket; ties are broken by age
        self._armed = 0

    def hold(self, timer: Timer, shard: int) -> Held:
        """The timer, ready to be armed."""
        return Held(timer=timer, shard=shard, rule=cron.parse(timer.rule), zone=zone(timer.zone))

    def arm(self, held: Held) -> None:
        """From now on the timer rings; arming again takes its present rule, anchor and end into account."""
        due = self._next_due(held)
        self.disarm(held)
        self._armed += 1
        held.ticket = next(self._tickets)
        heapq.heappush(self._heap, (due, held.ticket, held))
        if len(self._heap) > 2 * self._armed + _WASTE_MAX:
            self._heap = [entry for entry in self._heap if entry[2].ticket == entry[1]]
            heapq.heapify(self._heap)

    def disarm(self, held: Held) -> None:
        """The timer rings no more, until it is armed again."""
        if held.ticket != _OFF:
            held.ticket = _OFF
            self._armed -= 1

    def next_due(self) -> Instant | None:
        """When the next timer is due, or None where there is none."""
        while self._heap and self._heap[0][2].ticket != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: Instant) -> list[Decision] | None:
        """What to do about the first timer that is due, in order; None where none is due."""
        due = self.next_due()
        if due is None or due > now:
            return None
        held = heapq.heappop(self._heap)[2]
        self.disarm(held)
        if now >= held.timer.end:
            return list(self._finished(held))
        decisions = list(self._occurred(held, due, now))
        self.arm(held)
        return decisions

    def _next_due(self, held: Held) -> Instant:
        timer = held.timer
        if timer.paused:
            return timer.end
        following = cron.next_after(held.rule, held.zone, timer.anchor)
        return timer.end if following is None else min(following, timer.end)

    def _occurred(self, held: Held, nominal: Instant, now: Instant) -> Iterator[Decision]:
        timer = held.timer
        if now - nominal > MISFIRE_AFTER_MS:
            latest = cron.latest_through(held.rule, held.zone, nominal - 1, now) or nominal
            if latest > nominal or is_misfire(latest, now):
                skipped_through = latest if is_misfire(latest, now) else latest - 1
                yield from self._skipped(held, skipped_through, SkipReason.MISFIRED)
                nominal = latest
                if is_misfire(latest, now):
                    return
        already = nominal in (held.in_flight or ()) or nominal in timer.settled
        timer.anchor = nominal
        if timer.settled and nominal >= timer.settled[-1]:
            timer.settled = ()
        if not already:
            begin(held, nominal)
            yield Ring(held=held, nominal=nominal)

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
        last = cron.latest_through(held.rule, held.zone, after, through)
        if last is None:
            return
        first = cron.next_after(held.rule, held.zone, after) or last
        many = cron.count_between(held.rule, held.zone, after, last)
        held.timer.anchor = last
        yield Skip(held=held, first=first, last=last, count=many, reason=reason)


def begin(held: Held, nominal: Instant) -> None:
    """This occurrence is being worked on."""
    if held.in_flight is None:
        held.in_flight = []
    held.in_flight.append(nominal)


def settle(held: Held, nominal: Instant) -> Instant:
    """This occurrence needs no more work; returns up to which moment all of the timer's are settled."""
    if held.in_flight and nominal in held.in_flight:
        held.in_flight.remove(nominal)
        held.in_flight = held.in_flight or None
    return held.settled_through
