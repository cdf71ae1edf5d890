"""Which second on the wall is a rule's next? croniter knows the day, and the time of day is a matter of bits.

The days are those of all rules that name them alike, whatever the hour and the zone, so what croniter said of them is
kept for all. It was asked for every moment once: a search of its own costs as much as forty of these.
"""

from contextlib import suppress
from copy import copy
from functools import lru_cache
from typing import Final

from croniter import CroniterBadDateError, croniter

from shared.timing.cron_fields import MONTH, Fields, members
from shared.timing.stretches import CALENDAR_ENDS

DAY: Final = 86_400
# A wall-clock second that no stretch reaches.
NEVER: Final = CALENDAR_ENDS * 2

# The longest silence of any rule that rings at all: a given weekday on 29 February, over a year 2100.
_LONGEST_SILENCE: Final = 50
_NO_DAY: Final = NEVER // DAY
ENGINES_KEPT: Final = 1_024


class Search:
    """The seconds on the wall that are a rule's."""

    __slots__ = ("_days", "_first", "_first_minute", "_first_second", "_hours", "_minutes", "_seconds")

    def __init__(self, fields: Fields) -> None:
        self._seconds, self._minutes, self._hours = fields.seconds, fields.minutes, fields.hours
        self._first_second, self._first_minute = _lowest(fields.seconds), _lowest(fields.minutes) * 60
        self._first = _lowest(fields.hours) * 3_600 + self._first_minute + self._first_second
        self._days = _days(
            fields.days, fields.months, fields.weekdays, fields.nth, fields.last_day, fields.last_weekdays
        )

    def next_after(self, wall: int) -> int:
        """The first of them after this one; NEVER where the calendar ends before it."""
        day, time = divmod(wall + 1, DAY)
        found = self._days.next_from(day)
        if found == day:
            if (at := self._next_from(time)) is not None:
                return day * DAY + at
            found = self._days.next_from(day + 1)
        return NEVER if found >= _NO_DAY else found * DAY + self._first

    def _next_from(self, time: int) -> int | None:
        """The rule's first second of a day that is not before this one."""
        hour, rest = divmod(time, 3_600)
        if self._hours >> hour & 1:
            minute, second = divmod(rest, 60)
            if self._minutes >> minute & 1 and (later := self._seconds >> second):
                return time + _lowest(later)
            if later := self._minutes >> minute + 1:
                return hour * 3_600 + (minute + 1 + _lowest(later)) * 60 + self._first_second
        if later := self._hours >> hour + 1:
            return (hour + 1 + _lowest(later)) * 3_600 + self._first_minute + self._first_second
        return None


class EveryDay:
    """All days."""

    __slots__ = ()

    def next_from(self, day: int) -> int:
        """The first of them that is not before this one, in days since the epoch."""
        return day


class ChosenDays:
    """The days that some croniters find, each of which knows one kind of them."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    @lru_cache(maxsize=65_536)  # noqa: B019 - of a few thousand objects that live as long as the process
    def next_from(self, day: int) -> int:
        """The first of them that is not before this one, in days since the epoch."""
        earliest = _NO_DAY
        for engine in _engines(self._fields):
            # A croniter remembers where it is; a copy keeps the shared one out of everybody's way.
            with suppress(CroniterBadDateError, OverflowError, ValueError):
                earliest = min(earliest, int(copy(engine).get_next(float, start_time=day * DAY - 1.0)) // DAY)
        return earliest


@lru_cache(maxsize=4_096)
def _days(days: int, months: int, weekdays: int, nth: int, last_day: bool, last_weekdays: int) -> EveryDay | ChosenDays:
    """The days of such fields, whatever the hands of the clock."""
    fields = Fields(
        seconds=0, minutes=0, hours=0, days=days, months=months,
        weekdays=weekdays, nth=nth, last_day=last_day, last_weekdays=last_weekdays,
    )  # fmt: skip
    if fields.every_day and fields.months == MONTH.whole:
        return EveryDay()
    return ChosenDays(fields)


# Not in the hands of the days: whoever holds a rule would hold a kilobyte or three more, and many thousands are held.
@lru_cache(maxsize=ENGINES_KEPT)
def _engines(fields: Fields) -> tuple[croniter, ...]:
    """The croniters whose earliest answer is the next day; one for each kind of day that is named.

    croniter would combine the kinds by rules of its own, and reads ranges, steps and sevens differently;
    so it is given nothing but lists of plain numbers and at most one field of days.
    """
    month = "*" if fields.months == MONTH.whole else _listed(fields.months)
    numbered = [*map(str, members(fields.days)), *(["l"] if fields.last_day else [])]
    weekdays = [f"{day}#{fields.nth}" if fields.nth else str(day) for day in members(fields.weekdays)]
    days = [
        ("*" if fields.every_day else ",".join(numbered), "*"),
        ("*", ",".join(weekdays)),
        ("*", ",".join(f"l{day}" for day in members(fields.last_weekdays))),
    ]

    return tuple(
        croniter(f"0 0 {day} {month} {weekday} 0", 0.0, max_years_between_matches=_LONGEST_SILENCE)
        for day, weekday in days
        if day and weekday
    )


def _listed(mask: int) -> str:
    return ",".join(map(str, members(mask)))


def _lowest(mask: int) -> int:
    """The lowest number whose bit is set."""
    return (mask & -mask).bit_length() - 1
