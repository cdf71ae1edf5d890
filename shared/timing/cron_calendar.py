"""How many? Counting a rule's wall-clock moments in closed form, without visiting them.

The calendar repeats every 400 years and a year is one of fourteen kinds, so any span of time is a few
sums of cached counts. croniter finds the next moment and this counts them; tests hold one to the other.
"""

from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Final

from shared.timing.cron_fields import LONGEST_MONTHS, Fields, members, span

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DAY: Final = 86_400
_CYCLE: Final = 400


def count_between_walls(fields: Fields, first: int, end: int) -> int:
    """How many of the rule's wall-clock seconds lie from first up to, not including, end."""
    return _before(fields, end) - _before(fields, first) if first < end else 0


def shared_moments(fields: Fields, first: int, end: int, apart: int) -> int:
    """How many wall-clock seconds from first up to end are the rule's, and are so again `apart` later."""
    # Whole hours, minutes or seconds later, the smaller hands stand where they stood: either all moments
    # of a piece this long meet theirs, or one of the two has none.
    piece = next(length for length in (3600, 60, 1) if apart % length == 0)
    total = 0
    for begins in range(first - first % piece, end, piece):
        low, high = max(first, begins), min(end, begins + piece)
        if here := count_between_walls(fields, low, high):
            total += min(here, count_between_walls(fields, low + apart, high + apart))

    return total


def _before(fields: Fields, wall: int) -> int:
    """How many of the rule's wall-clock seconds, since the calendar's year 1, come before this one."""
    days, second_of_day = divmod(wall, _DAY)
    day = date.fromordinal(days + _EPOCH_DAY)
    each_day = fields.hours.bit_count() * fields.minutes.bit_count() * fields.seconds.bit_count()
    month_mask = _year_masks(fields, *_kind(day.year))[day.month - 1]
    today = month_mask >> day.day & 1

    return _days_before(fields, day, month_mask) * each_day + (today and _times_before(fields, second_of_day))


def _times_before(fields: Fields, second_of_day: int) -> int:
    hour, rest = divmod(second_of_day, 3600)
    minute, second = divmod(rest, 60)
    seconds = fields.seconds.bit_count()
    total = _below(fields.hours, hour) * fields.minutes.bit_count() * seconds
    if fields.hours >> hour & 1:
        total += _below(fields.minutes, minute) * seconds
        if fields.minutes >> minute & 1:
            total += _below(fields.seconds, second)

    return total


def _below(mask: int, number: int) -> int:
    return (mask & (1 << number) - 1).bit_count()


def _days_before(fields: Fields, day: date, month_mask: int) -> int:
    cycles, year = divmod(day.year - 1, _CYCLE)
    up_to = _cycle_counts(fields)
    months = _year_masks(fields, *_kind(day.year))[: day.month - 1]

    return cycles * up_to[-1] + up_to[year] + sum(mask.bit_count() for mask in months) + _below(month_mask, day.day)


@lru_cache(maxsize=1024)
def _cycle_counts(fields: Fields) -> tuple[int, ...]:
    """How many of the rule's days precede each year of the cycle, and how many the whole cycle has."""
    kinds = (_kind(year) for year in range(1, _CYCLE + 1))
    counts = {kind: sum(mask.bit_count() for mask in _year_masks(fields, *kind)) for kind in set(kinds)}

    return tuple(accumulate((counts[_kind(year)] for year in range(1, _CYCLE + 1)), initial=0))


def _kind(year: int) -> tuple[int, bool]:
    """The weekday of New Year's Day (0 is Sunday), and whether it is a leap year."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, 1, 1).isoweekday() % 7, leap


@lru_cache(maxsize=16_384)
def _year_masks(fields: Fields, new_year: int, leap: bool) -> tuple[int, ...]:
    """The rule's days of each month of such a year, as bits."""
    masks = []
    first_weekday = new_year
    for month, longest in enumerate(LONGEST_MONTHS, start=1):
        length = 28 if month == 2 and not leap else longest
        masks.append(_month_mask(fields, first_weekday, length) if fields.months >> month & 1 else 0)
        first_weekday = (first_weekday + length) % 7

    return tuple(masks)


def _month_mask(fields: Fields, first_weekday: int, length: int) -> int:
    mask = fields.days
    if fields.last_day:
        mask |= 1 << length
    week = span(7 * fields.nth - 6, 7 * fields.nth) if fields.nth else span(1, length)
    mask |= _on_weekdays(fields.weekdays, first_weekday) & week
    mask |= _on_weekdays(fields.last_weekdays, first_weekday) & span(length - 6, length)

    return mask & span(1, length)


def _on_weekdays(weekdays: int, first_weekday: int) -> int:
    """The days of a month beginning on this weekday that fall on these weekdays."""
    mask = 0
    for weekday in members(weekdays):
        for day in range((weekday - first_weekday) % 7 + 1, 32, 7):
            mask |= 1 << day

    return mask
