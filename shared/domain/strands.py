"""One kind of moment of a roster each: when shifts start, when they end, and when nobody follows. All of it arithmetic.

Exceptions are occurrences that do not happen. Ends come in the order of starts, as one rule makes both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from shared.domain.oncall import OnCallEvent
from shared.timing import recurrence
from shared.timing.instants import LAST, Instant
from shared.timing.recurrence import Occurrence, Unit

# A gap is looked for so far ahead; where shifts meet for ever in a way that cannot be seen at once, one must stop.
SIGHT_MS: Final = 92 * 86_400_000
_UNSEEN: Final = (0, -1)
_DAY_MS: Final = 86_400_000
_STEPS: Final = {Unit.HOURLY: 3_600_000, Unit.DAILY: _DAY_MS, Unit.WEEKLY: 7 * _DAY_MS}


class Strand(Protocol):
    """Moments of one kind in order."""

    def next_after(self, after: Instant) -> Instant | None:
        """The first of them after this moment, as far as one sees."""
        ...

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last of them after the one moment and not after the other."""
        ...

    def between(self, after: Instant, through: Instant) -> Iterator[Instant]:
        """All of them after the one moment and not after the other, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Starts:
    """The starts of an event's shifts, or moments so long before them."""

    event: OnCallEvent
    lead_ms: int = 0

    def next_after(self, after: Instant) -> Instant | None:
        """The first of them after this moment."""
        found = _first_from(self.event, after + self.lead_ms + 1)
        return None if found is None else found.start - self.lead_ms

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last of them after the one moment and not after the other."""
        found = _last_before(self.event, through + self.lead_ms + 1)
        return None if found is None or found.start - self.lead_ms <= after else found.start - self.lead_ms

    def between(self, after: Instant, through: Instant) -> Iterator[Instant]:
        """All of them after the one moment and not after the other, in order."""
        first, end = after + self.lead_ms + 1, through + self.lead_ms + 1
        return (each.start - self.lead_ms for each in _happening(self.event, first, end) if each.start >= first)


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of an event's shifts."""

    event: OnCallEvent

    def next_after(self, after: Instant) -> Instant | None:
        """The first of them after this moment."""
        under_way = next(_happening(self.event, after, after + 1), None)
        found = under_way or _first_from(self.event, after + 1)
        return None if found is None else found.end

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last of them after the one moment and not after the other."""
        found = _last_before(self.event, through)
        while found is not None and found.end > through:
            found = _last_before(self.event, found.start)
        return None if found is None or found.end <= after else found.end

    def between(self, after: Instant, through: Instant) -> Iterator[Instant]:
        """All of them after the one moment and not after the other, in order."""
        return (each.end for each in _happening(self.event, after, through) if each.end <= through)


@dataclass(slots=True)
class Gaps:
    """The moments from which nobody is on call in a layer, where somebody was: ends that nobody's shift reaches past.

    Looking ahead stops at the end of sight; whoever asks from the same moment once more sees as far again.
    """

    events: Sequence[OnCallEvent]
    _ends: list[Ends] = field(init=False)
    _seen: tuple[Instant, Instant] = _UNSEEN  # there is none after the one moment and not after the other

    def __post_init__(self) -> None:
        self._ends = [Ends(event) for event in self.events]

    def next_after(self, after: Instant) -> Instant | None:
        """The first of them after this moment, as far as one sees."""
        begun, seen = self._seen
        if not begun <= after <= seen:
            begun = seen = after
        self._seen = _UNSEEN
        moment = self._next_end(seen)
        limit = SIGHT_MS + (moment or 0)
        while moment is not None and moment <= limit:
            if (until := self._covered_until(moment)) is None:
                return moment
            moment = until if until < LAST else None
        if moment is not None:
            self._seen = begun, limit
        return None

    def seen_through(self, after: Instant) -> Instant | None:
        """Where there was none in sight after this moment: up to where; None where there is none at all."""
        begun, seen = self._seen
        return seen if begun <= after <= seen else None

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last of them after the one moment and not after the other."""
        moment = through
        while moment > after:
            ends = [end for strand in self._ends if (end := strand.latest_through(after, moment)) is not None]
            if not ends or (since := self._covered_since(max(ends))) is None:
                return max(ends, default=None)
            moment = since - 1
        return None

    def between(self, after: Instant, through: Instant) -> Iterator[Instant]:
        """All of them after the one moment and not after the other, in order."""
        moment = self._next_end(after)
        while moment is not None and moment <= through:
            if (until := self._covered_until(moment)) is None:
                yield moment
                until = self._next_end(moment)
            moment = until

    def _next_end(self, after: Instant) -> Instant | None:
        return min((end for strand in self._ends if (end := strand.next_after(after)) is not None), default=None)

    def _covered_until(self, moment: Instant) -> Instant | None:
        """Until when those who are on call at this moment are; LAST: for ever. None: nobody is."""
        return max((_lasts(event, shift)[1] for event, shift in self._on_call(moment)), default=None)

    def _covered_since(self, moment: Instant) -> Instant | None:
        return min((_lasts(event, shift)[0] for event, shift in self._on_call(moment)), default=None)

    def _on_call(self, moment: Instant) -> Iterator[tuple[OnCallEvent, Occurrence]]:
        return ((event, shift) for event in self.events for shift in _happening(event, moment, moment + 1))


def _lasts(event: OnCallEvent, shift: Occurrence) -> tuple[Instant, Instant]:
    """From when until when the event has somebody on call without a break, this shift being among it, or a part of it.

    Where one shift begins as the last one ends, that is seen at once, however many there are.
    """
    rule = event.rule
    if not _meet(event, shift):
        return shift.start, shift.end
    exceptions = sorted(event.exceptions)
    later = (recurrence.occurrence_at(rule, each) for each in exceptions if each >= shift.end)
    earlier = (recurrence.occurrence_at(rule, each) for each in reversed(exceptions) if each < shift.start)
    until = next((each.start for each in later if each is not None), recurrence.last_end(rule) or LAST)
    first = recurrence.first_from(rule, 0)
    since = next((each.end for each in earlier if each is not None), shift.start if first is None else first.start)
    return since, until


def _meet(event: OnCallEvent, shift: Occurrence) -> bool:
    """Does each occurrence of the event's rule begin as the one before it ends?"""
    rule = event.rule
    if rule.unit not in _STEPS or rule.days_of_week:
        return False
    step = timedelta(milliseconds=_STEPS[rule.unit] * rule.frequency)
    if rule.unit is Unit.HOURLY:  # real time elapses, whatever the wall shows
        return timedelta(milliseconds=shift.end - shift.start) == step
    return rule.end - rule.start == step


def _happening(event: OnCallEvent, start: Instant, end: Instant) -> Iterator[Occurrence]:
    return (each for each in recurrence.occurrences(event.rule, start, end) if each.start not in event.exceptions)


def _first_from(event: OnCallEvent, instant: Instant) -> Occurrence | None:
    found = recurrence.first_from(event.rule, instant)
    while found is not None and found.start in event.exceptions:
        found = recurrence.first_from(event.rule, found.start + 1)
    return found


def _last_before(event: OnCallEvent, instant: Instant) -> Occurrence | None:
    found = recurrence.last_before(event.rule, instant)
    while found is not None and found.start in event.exceptions:
        found = recurrence.last_before(event.rule, found.start)
    return found
