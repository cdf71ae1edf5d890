"""What a rule comes to, worked out once: instants by index, and how many begin before one or have ended by it.

A plan is derived from a rule that makes sense, kept, and shared by all who ask.
"""

from datetime import date
from functools import lru_cache
from typing import Protocol

from shared.timing.instants import Instant
from shared.timing.recurrence_hours import HOUR, EveryStep, ListedSteps
from shared.timing.recurrence_rule import Rule, Unit
from shared.timing.recurrence_steps import Steps, steps, wall_of
from shared.timing.recurrence_walls import CLOSES, DAY, EPOCH_DAY, WallClock, wall_clock


class Plan(Protocol):
    """The occurrences of a rule in the order of their starts, those that the clock jumps over included."""

    def has(self, index: int) -> bool:
        """Does the rule go on to this index?"""
        ...

    def span(self, index: int) -> tuple[Instant, Instant] | None:
        """When the occurrence of this index is, which the rule has; None if the clock jumps over it."""
        ...

    def begun_before(self, instant: Instant) -> int:
        """How many occurrences start before this instant."""
        ...

    def ended_by(self, instant: Instant) -> int:
        """How many occurrences, the first ones, have surely ended by this instant; at most one more has, too."""
        ...

    def count(self) -> int:
        """How many occurrences there are up to the rule's end, or else the calendar's."""
        ...


class WallPlan:
    """Occurrences that step on the wall clock."""

    def __init__(self, walls: Steps, clock: WallClock, rule: Rule) -> None:
        self._walls, self._clock = walls, clock
        self._count = walls.ends_before(CLOSES)
        if rule.repeat_end is not None:
            self._count = min(self._count, walls.starts_before(_day_after(rule.repeat_end)))
        if rule.terminated_on is not None:
            self._count = self.begun_before(rule.terminated_on)

    def has(self, index: int) -> bool:
        """Does the rule go on to this index?"""
        return 0 <= index < self._count

    def span(self, index: int) -> tuple[Instant, Instant] | None:
        """When the occurrence of this index is, which the rule has; None if the clock jumps over it."""
        return self._clock.span(*self._walls.walls(index))

    def begun_before(self, instant: Instant) -> int:
        """How many occurrences start before this instant."""
        begun = self._clock.count_before(instant, self._walls.starts_before)

        return begun if begun < self._count else self._count

    def ended_by(self, instant: Instant) -> int:
        """How many occurrences, the first ones, have surely ended by this instant; at most one more has, too."""
        ended = self._clock.count_before(instant + 1, self._walls.ends_before)
        surely = ended - self._walls.late if ended else 0

        return surely if surely < self._count else self._count

    def count(self) -> int:
        """How many occurrences there are up to the rule's end, or else the calendar's."""
        return self._count


class ElapsedPlan:
    """Occurrences of one length at equal distances in real time, all of them or those on listed days."""

    def __init__(self, span: tuple[Instant, Instant], every: int, chosen: EveryStep | ListedSteps, steps: int) -> None:
        self._start, self._length = span[0], span[1] - span[0]
        self._every, self._chosen, self._steps = every, chosen, steps

    def has(self, index: int) -> bool:
        """Does the rule go on to this index?"""
        if index < 0 or index >= self._steps:
            return False
        step = self._chosen.step(index)

        return step is not None and step < self._steps

    def span(self, index: int) -> tuple[Instant, Instant] | None:
        """When the occurrence of this index is, which the rule has."""
        step = self._chosen.step(index)
        if step is None:
            return None
        start = self._start + step * self._every

        return start, start + self._length

    def begun_before(self, instant: Instant) -> int:
        """How many occurrences start before this instant."""
        return self._chosen.counted(min(self._steps, max(0, self._steps_before(instant))))

    def ended_by(self, instant: Instant) -> int:
        """How many occurrences have ended by this instant."""
        return self.begun_before(instant + 1 - self._length)

    def count(self) -> int:
        """How many occurrences there are up to the rule's end, or else the calendar's."""
        return self._chosen.counted(self._steps)

    def _steps_before(self, instant: Instant) -> int:
        return -((self._start - instant) // self._every)


def first_span(rule: Rule) -> tuple[Instant, Instant]:
    """The instants that a rule's first start and end mean."""
    clock, begins, ends = wall_clock(rule.zone), wall_of(rule.start), wall_of(rule.end)
    if rule.unit not in {None, Unit.HOURLY}:
        return clock.instant(begins), clock.instant(ends)
    start_fold, end_fold = rule.folds

    return (
        clock.later_instant(begins) if start_fold else clock.instant(begins),
        clock.later_instant(ends) if end_fold else clock.instant(ends),
    )


@lru_cache(maxsize=16_384)
def plan(rule: Rule) -> Plan:
    """The plan of a rule that makes sense."""
    if rule.unit is None:
        return _once(rule)
    if rule.unit is Unit.HOURLY:
        return _hourly(rule)
    walls = steps(rule)

    return ElapsedPlan((0, 0), 1, EveryStep(), 0) if walls is None else WallPlan(walls, wall_clock(rule.zone), rule)


def _once(rule: Rule) -> Plan:
    span = first_span(rule)
    jumped_over = not any(rule.folds) and wall_clock(rule.zone).span(wall_of(rule.start), wall_of(rule.end)) is None
    terminated = rule.terminated_on is not None and rule.terminated_on <= span[0]

    return ElapsedPlan(span, DAY, EveryStep(), 0 if jumped_over or terminated else 1)


def _hourly(rule: Rule) -> Plan:
    clock, (start, end), every = wall_clock(rule.zone), first_span(rule), rule.frequency * HOUR
    closes = CLOSES - (end - start)
    if rule.repeat_end is not None:
        closes = min(closes, clock.reached(_day_after(rule.repeat_end)))
    if rule.terminated_on is not None:
        closes = min(closes, rule.terminated_on)
    chosen = ListedSteps(start, rule.frequency, rule.days_of_week, clock) if rule.days_of_week else EveryStep()

    return ElapsedPlan((start, end), every, chosen, max(0, -((start - closes) // every)))


def _day_after(day: date) -> int:
    """The time on the wall at which a day is over."""
    return (day.toordinal() + 1 - EPOCH_DAY) * DAY
