"""What a cron rule means once its spelling is forgotten: sets of numbers, each the bits of an integer.

Two rules that ring at the same moments have the same fields and the same canonical text, however they
were written; that likeness is what lets a thousand timers share one answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final, NamedTuple


class InvalidRule(ValueError):
    """This text is no rule; the message says what is wrong, in which field, and what would be right."""


class Field(NamedTuple):
    """One of the six places of an expression, and the numbers it may hold."""

    name: str
    low: int
    high: int
    aliases: tuple[str, ...] = ()

    @property
    def whole(self) -> int:
        """The bits of every number of this field."""
        return span(self.low, self.high)


def span(low: int, high: int) -> int:
    """The bits of every number from low to high, both included."""
    return (1 << high + 1) - (1 << low)


def members(mask: int) -> Iterator[int]:
    """The numbers whose bits are set, in ascending order."""
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit


def brief(number: int) -> str:
    """The number for a message, cut short when somebody sent a thousand digits."""
    digits = str(number)
    return digits if len(digits) <= 12 else f"{digits[:9]}…"


_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

SECOND: Final = Field("second", 0, 59)
MINUTE: Final = Field("minute", 0, 59)
HOUR: Final = Field("hour", 0, 23)
DAY: Final = Field("day-of-month", 1, 31)
MONTH: Final = Field("month", 1, 12, _MONTH_NAMES)
# Written 0 to 7, where 7 is Sunday again; kept as 0 to 6.
WEEKDAY: Final = Field("day-of-week", 0, 7, _DAY_NAMES)
FIELDS: Final = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)

WHOLE_WEEK: Final = span(0, 6)
_KEPT: Final = 2_048  # texts of fields: thousands of rules have hundreds among them
LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The moments of a rule: every field must agree, and of the kinds of days any one suffices.

    A day is meant when its number is in `days`, or it is the month's last and `last_day` holds, or its
    weekday is in `weekdays` (in its `nth` week only, where nth is not 0), or it is among the month's last
    seven days and its weekday is in `last_weekdays`.
    """

    seconds: int
    minutes: int
    hours: int
    days: int
    months: int
    weekdays: int = 0
    nth: int = 0
    last_day: bool = False
    last_weekdays: int = 0

    @property
    def every_hour(self) -> bool:
        """Is no hour of the day left out?"""
        return self.hours == HOUR.whole

    @property
    def every_day(self) -> bool:
        """Is no day of the rule's months left out?"""
        return self.days == DAY.whole

    @property
    def rings(self) -> bool:
        """Is there any day at all on which this rule rings?"""
        return bool(self.days or self.last_day or self.weekdays or self.last_weekdays)


@cache
def longest_of(months: int) -> int:
    """How many days the longest of these months has; a set of months is one of 4,095."""
    return max(LONGEST_MONTHS[month - 1] for month in members(months))


def settled(fields: Fields) -> Fields:
    """The same moments in the one form that all spellings of them share."""
    possible = span(1, longest_of(fields.months))
    days, weekdays, nth = fields.days & possible, fields.weekdays, fields.nth

    if weekdays == WHOLE_WEEK:
        days |= span(7 * nth - 6, min(7 * nth, 31)) & possible if nth else possible
        weekdays = 0
    if not weekdays:
        nth = 0
    last_weekdays = fields.last_weekdays if nth else fields.last_weekdays & ~weekdays
    if days == possible:
        return replace(fields, days=DAY.whole, weekdays=0, nth=0, last_day=False, last_weekdays=0)

    told = (fields.days, fields.weekdays, fields.nth, fields.last_weekdays)
    if told == (days, weekdays, nth, last_weekdays):
        return fields
    return replace(fields, days=days, weekdays=weekdays, nth=nth, last_weekdays=last_weekdays)


def text(fields: Fields) -> str:
    """The canonical expression: six fields, no names, no draws, reading back to these very fields."""
    times = (
        _listed(SECOND, fields.seconds),
        _listed(MINUTE, fields.minutes),
        _listed(HOUR, fields.hours),
        _days_listed(fields.days, fields.last_day),
        _listed(MONTH, fields.months),
        _weekdays_listed(fields.weekdays, fields.nth, fields.last_weekdays),
    )

    return " ".join(times)


def _days_listed(days: int, last_day: bool) -> str:
    listed = [*([_listed(DAY, days)] if days else []), *(["L"] if last_day else [])]
    return ",".join(listed) or "*"


@lru_cache(maxsize=_KEPT)
def _weekdays_listed(weekdays: int, nth: int, last_weekdays: int) -> str:
    if nth:
        listed = [f"{day}#{nth}" for day in members(weekdays)]
    else:
        listed = [*_runs(weekdays), *(f"{day}L" for day in members(last_weekdays))]
    return ",".join(listed) or "*"


@lru_cache(maxsize=_KEPT)
def _listed(field: Field, mask: int) -> str:
    """The numbers of a field as briefly as cron can say them."""
    if mask == field.whole:
        return "*"
    numbers = list(members(mask))
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 0
    if len(numbers) > 2 and numbers == list(range(field.low, field.high + 1, step)):
        return f"*/{step}"

    return ",".join(_runs(mask))


def _runs(mask: int) -> Iterator[str]:
    while mask:
        first = (mask & -mask).bit_length() - 1
        # Adding the lowest bit carries through the run of ones that starts there and clears it.
        last = (((mask >> first) + 1) & ~(mask >> first)).bit_length() - 2 + first
        if last - first > 1:
            yield f"{first}-{last}"
        else:
            yield from map(str, range(first, last + 1))
        mask &= ~span(first, last)
