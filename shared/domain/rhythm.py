"""When is what happens to a schedule the same over and over? Then one round is counted, and rounds are multiplied.

Shifts by hours, days and weeks repeat themselves together, but for a while around each moment at which something is
different from then on: a clock is changed, a rule begins or ends, an occurrence is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from math import lcm
from typing import Final

from shared.domain.oncall import OnCallEvent
from shared.timing import recurrence
from shared.timing.instants import Instant
from shared.timing.recurrence import Rule, Unit
from shared.timing.recurrence_walls import wall_clock

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_STEPS: Final = {Unit.HOURLY: _HOUR, Unit.DAILY: _DAY, Unit.WEEKLY: 7 * _DAY}
_WEEK: Final = 7 * _DAY
_MILLISECOND: Final = timedelta(milliseconds=1)
# A clock jumps by a day at most: that much longer a shift may be, and so far from there is what is jumped over.
_UNREST: Final = 3 * _DAY
# For less it is not worth looking.
_ROUNDS: Final = 3
_BEFORE_ALL: Final = -_DAY  # of the first day of 1970, wherever that begins first


class Rhythm:
    """Of some events, whose shifts are told some time before they start as well as when they start and end.

    `period` is after how long all of them repeat themselves together; 0 where they do not.
    """

    __slots__ = ("_reach", "_single", "_zones", "period")

    def __init__(self, events: Sequence[OnCallEvent], lead_ms: int) -> None:
        rules = [event.rule for event in events]
        self.period = _period(rules)
        self._zones = {rule.zone for rule in rules}
        self._single = sorted({moment for event in events for moment in _single(event)}) if self.period else []
        # An instant is decided by shifts that are under way, or that start so long after it.
        self._reach = max((_length(rule) for rule in rules), default=0) + lead_ms + _UNREST

    def rounds(self, after: Instant, through: Instant) -> Iterator[tuple[Instant, int]]:
        """From when on how many periods are all alike, after the one moment and not after the other, in order."""
        if not self.period or through - after < _ROUNDS * self.period:
            return
        for last, following in pairwise(self._differences(after, through)):
            begins, ends = max(after, last + self._reach), min(through, following - self._reach)
            if (number := (ends - begins) // self.period) >= _ROUNDS:
                yield begins, number

    def _differences(self, after: Instant, through: Instant) -> list[Instant]:
        """The moments from which on something is different, and one before and one after all of these."""
        since, until = after - self._reach, through + self._reach
        found = {moment for moment in self._single if since <= moment <= until}
        for zone in self._zones:
            found.update(_changes(zone, since, until))
        return sorted(found | {since, until})


def _period(rules: Iterable[Rule]) -> int:
    period = 1
    for rule in rules:
        if rule.unit is None:
            continue
        if rule.unit not in _STEPS:
            return 0
        step = _STEPS[rule.unit] * rule.frequency
        period = lcm(period, step, _WEEK if rule.days_of_week else 1)
    return period if period > 1 else 0


def _single(event: OnCallEvent) -> Iterator[Instant]:
    """Around which moments an event is not what it is otherwise."""
    yield from event.exceptions
    for edge in (recurrence.first_from(event.rule, _BEFORE_ALL), recurrence.last_end(event.rule)):
        if edge is not None:
            yield edge if isinstance(edge, int) else edge.start


def _changes(zone: str, since: Instant, until: Instant) -> Iterator[Instant]:
    """When the clock of a zone is changed meanwhile."""
    changes = wall_clock(zone).changes_from(since)
    _, before = next(changes, (since, 0))
    for moment, offset in changes:
        if moment > until:
            return
        if offset != before:
            yield moment
        before = offset


def _length(rule: Rule) -> int:
    """How long its occurrences are on the wall; months are longer than others, and have no rhythm."""
    return (rule.end - rule.start) // _MILLISECOND
