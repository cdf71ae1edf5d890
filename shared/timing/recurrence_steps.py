"""Which wall-clock times does a rule step on? By index, and how many there are before a time; nothing is walked.

The calendar repeats itself, so whatever a rule picks out of it is the same few places of a period, over and over.
"""

from bisect import bisect_left
from calendar import isleap
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import gcd
from typing import Final, Protocol

from shared.timing.recurrence_rule import Rule, Unit, weekday
from shared.timing.recurrence_walls import DAY, EPOCH_DAY

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  (on the wall)
_MILLISECOND = timedelta(milliseconds=1)
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CYCLE_MONTHS: Final = 4800


def wall_of(moment: datetime) -> int:
    """A naive datetime as milliseconds on the wall."""
    return (moment - _EPOCH) // _MILLISECOND


class Pattern:
    """The whole numbers from `first` on that are at certain places of a period, counted from 0."""

    __slots__ = ("_passed", "_period", "_places")

    def __init__(self, period: int, places: Sequence[int], first: int = 0) -> None:
        self._period = period
        self._places = places
        self._passed = bisect_left(places, first)

    def __bool__(self) -> bool:
        return bool(self._places)

    def at(self, index: int) -> int:
        """The number of this index."""
        rounds, place = divmod(index + self._passed, len(self._places))

        return rounds * self._period + self._places[place]

    def below(self, number: int) -> int:
        """How many of them are less than this one."""
        rounds, rest = divmod(number, self._period)
        count = rounds * len(self._places) + bisect_left(self._places, rest) - self._passed

        return count if count > 0 else 0


class Steps(Protocol):
    """Spans on the wall at least a day apart, by index from 0 on."""

    # How many spans may end later than `ends_before` says.
    late: int

    def walls(self, index: int) -> tuple[int, int]:
        """Where the span of this index begins and ends."""
        ...

    def starts_before(self, wall: int) -> int:
        """How many spans begin before this time."""
        ...

    def ends_before(self, wall: int) -> int:
        """How many spans end before this time."""
        ...


def steps(rule: Rule) -> Steps | None:
    """The steps of a rule that repeats on the wall clock; None if no day that it steps on is listed."""
    if rule.unit in {Unit.MONTHLY, Unit.YEARLY}:
        months = rule.frequency * (12 if rule.unit is Unit.YEARLY else 1)
        pattern = _listed_months(rule.start.date(), months, rule.days_of_week)
        return Months(rule.start, rule.end, months, pattern) if pattern else None
    pattern, before = _days(rule)

    return Days(rule.start, rule.end, pattern, before) if pattern else None


class Days:
    """Spans of one length that begin at the same time of certain days, counted from some days before the first."""

    late = 0

    def __init__(self, start: datetime, end: datetime, pattern: Pattern, before: int) -> None:
        self._origin = wall_of(start) - before * DAY
        self._length = (end - start) // _MILLISECOND
        self._pattern = pattern

    def walls(self, index: int) -> tuple[int, int]:
        """Where the span of this index begins and ends."""
        begins = self._origin + self._pattern.at(index) * DAY

        return begins, begins + self._length

    def starts_before(self, wall: int) -> int:
        """How many spans begin before this time."""
        return self._pattern.below(-((self._origin - wall) // DAY))

    def ends_before(self, wall: int) -> int:
        """How many spans end before this time."""
        return self._pattern.below(-((self._origin + self._length - wall) // DAY))


class Months:
    """Spans whose beginning and end step by months, each on its own day of the month or that month's last."""

    def __init__(self, start: datetime, end: datetime, every: int, pattern: Pattern) -> None:
        self._begins, self._ends = _MonthDay(start), _MonthDay(end)
        self._length = (end - start) // _MILLISECOND
        self._every, self._pattern = every, pattern
        # Only a short span can lose all its length to the end of a month.
        self.late = 1 if self._length < 4 * DAY else 0

    def walls(self, index: int) -> tuple[int, int]:
        """Where the span of this index begins and ends.

        Where both come to lie on a month's last day nothing may be left of it; then it keeps its first length.
        """
        months = self._pattern.at(index) * self._every
        begins, ends = self._begins.wall(months), self._ends.wall(months)

        return begins, ends if ends > begins else begins + self._length

    def starts_before(self, wall: int) -> int:
        """How many spans begin before this time."""
        return self._pattern.below(self._begins.steps_before(wall, self._every))

    def ends_before(self, wall: int) -> int:
        """How many spans end before this time."""
        return self._pattern.below(self._ends.steps_before(wall, self._every))


class _MonthDay:
    """A time of a day of the month, in every month from a first one on."""

    __slots__ = ("_day", "_month", "_time")

    def __init__(self, first: datetime) -> None:
        self._month = first.year * 12 + first.month - 1
        self._day = first.day
        self._time = wall_of(first) % DAY

    def wall(self, months: int) -> int:
        """That time so many months after the first."""
        return (_ordinal(self._month + months, self._day) - EPOCH_DAY) * DAY + self._time

    def steps_before(self, wall: int, every: int) -> int:
        """How many of these times, of every so-manieth month, come before one."""
        day = date.fromordinal(wall // DAY + EPOCH_DAY)
        steps, rest = divmod(day.year * 12 + day.month - 1 - self._month, every)
        if steps < 0:
            return 0

        return steps + (rest > 0 or self.wall(steps * every) < wall)


def _ordinal(month: int, day: int) -> int:
    """The day number of a day in a month, months being counted from the year 0, or of that month's last day."""
    year, month = divmod(month, 12)
    if day > 28:
        day = min(day, 29 if month == 1 and isleap(year) else _LENGTHS[month])

    return date(year, month + 1, day).toordinal()


def _days(rule: Rule) -> tuple[Pattern, int]:
    """The days that a rule steps on, and how many days before the first start they are counted from."""
    first, listed = weekday(rule.start.date()), rule.days_of_week
    if rule.unit is Unit.WEEKLY and listed:
        return Pattern(7 * rule.frequency, sorted(listed), first), first
    every = rule.frequency * (7 if rule.unit is Unit.WEEKLY else 1)
    if not listed:
        return Pattern(every, (0,)), 0
    period = every * 7 // gcd(every, 7)

    return Pattern(period, [day for day in range(0, period, every) if (first + day) % 7 in listed]), 0


def _listed_months(first: date, every: int, listed: frozenset[int]) -> Pattern:
    """The steps by so many months that come to a listed day of the week."""
    if not listed:
        return Pattern(1, (0,))
    month = first.year * 12 + first.month - 1

    return Pattern(*_month_places(month % _CYCLE_MONTHS, first.day, every % _CYCLE_MONTHS, listed))


@lru_cache(maxsize=256)
def _month_places(month: int, day: int, every: int, listed: frozenset[int]) -> tuple[int, list[int]]:
    period = _CYCLE_MONTHS // gcd(_CYCLE_MONTHS, every)
    days = _weekdays(day)

    return period, [step for step in range(period) if days[(month + step * every) % _CYCLE_MONTHS] in listed]


@lru_cache(maxsize=31)
def _weekdays(day: int) -> bytes:
    """The day of the week of this day, or of the last one, in each month of the calendar's cycle."""
    return bytes(_ordinal(2000 * 12 + month, day) % 7 for month in range(_CYCLE_MONTHS))
