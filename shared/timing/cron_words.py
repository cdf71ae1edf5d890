"""What does this rule say, in plain English? True of every rule first, pleasant for the usual ones.

A sentence is the time of day, then the days, then the months. Nothing is rounded off: "every 7 minutes"
is never said of a rule that starts again at each full hour, because it would not be so.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from shared.timing.cron_fields import HOUR, MINUTE, MONTH, SECOND, Field, Fields, members

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ORDINALS: Final = ("", "first", "second", "third", "fourth", "fifth")
_HOUR_STEPS: Final = {2: "2nd", 3: "3rd", 4: "4th", 6: "6th", 8: "8th", 12: "12th"}

# More single times of day than this are told by their hours and minutes instead.
_TIMES_LISTED: Final = 6
_SPANS_LISTED: Final = 3


def describe(fields: Fields) -> str:
    """The rule as one sentence without its full stop."""
    time = _time_of_day(fields)
    days = _days(fields) or ("every day" if _is_clock_times(fields) else "")
    months = "" if fields.months == MONTH.whole or _is_date(fields) else f"in {_runs(fields.months, _month)}"
    sentence = ", ".join(part for part in (time, days, months) if part)

    return sentence[0].upper() + sentence[1:]


def _time_of_day(fields: Fields) -> str:
    seconds, minutes = list(members(fields.seconds)), list(members(fields.minutes))
    if _is_clock_times(fields):
        times = (_clock(hour, minute, seconds[0]) for hour in members(fields.hours) for minute in minutes)
        return f"at {_joined(times)}"
    if len(seconds) == 1 and len(minutes) == 1:
        return _once_an_hour(fields, minutes[0], seconds[0])

    return ", ".join(part for part in (_within_the_hour(fields, seconds, minutes), _hours(fields)) if part)


def _is_clock_times(fields: Fields) -> bool:
    """Are there few enough times in a day to name each as a clock shows it?"""
    times = fields.hours.bit_count() * fields.minutes.bit_count()
    return fields.seconds.bit_count() == 1 and not fields.every_hour and times <= _TIMES_LISTED


def _once_an_hour(fields: Fields, minute: int, second: int) -> str:
    past = [_counted(minute, "minute")] if minute else []
    past += [_counted(second, "second")] if second else []
    if fields.every_hour:
        return f"at {_joined(past)} past every hour" if past else "every hour, on the hour"

    moment = f"at {_joined(past)} past the hour" if past else "on the hour"
    return f"{moment}, {_hours(fields).replace('during every', 'every')}"


def _within_the_hour(fields: Fields, seconds: list[int], minutes: list[int]) -> str:
    every_minute = fields.minutes == MINUTE.whole
    of_each = " of every hour" if fields.every_hour else " of the hour"
    named = f"{_plural('minute', minutes)} {_runs(fields.minutes, str)}"
    if seconds == [0]:
        return _steady(MINUTE, minutes) or f"at {named}{of_each}"

    steady = _steady(SECOND, seconds)
    chosen = steady or f"at {_plural('second', seconds)} {_runs(fields.seconds, str)}"
    if every_minute:
        return chosen if steady else f"{chosen} of every minute"

    return f"{chosen} of {named}{of_each}"


def _steady(field: Field, numbers: list[int]) -> str:
    """'every 5 minutes', if that is so across the borders of the hour too; or nothing."""
    step = (field.high + 1) // len(numbers)
    if len(numbers) < 2 or numbers != list(range(0, field.high + 1, step)) or (field.high + 1) % step:
        return ""

    return f"every {field.name}" if step == 1 else f"every {step} {field.name}s"


def _hours(fields: Fields) -> str:
    if fields.every_hour:
        return ""
    hours = list(members(fields.hours))
    step = 24 // len(hours)
    spans = list(_spans(fields.hours))
    if step in _HOUR_STEPS and hours == list(range(0, HOUR.high + 1, step)):
        return f"during every {_HOUR_STEPS[step]} hour from midnight"
    if len(spans) <= _SPANS_LISTED:
        return _joined(f"between {first:02}:00 and {last:02}:59" for first, last in spans)

    return f"during the hours {_joined(f'{hour:02}' for hour in hours)}"


def _days(fields: Fields) -> str:
    kinds = []
    if _is_date(fields):
        return f"on {next(members(fields.days))} {_runs(fields.months, _month)}"
    if fields.days and not fields.every_day:
        kinds.append(f"on {_plural('day', list(members(fields.days)))} {_runs(fields.days, str)} of the month")
    if fields.last_day:
        kinds.append("on the last day of the month")
    if fields.weekdays:
        weekdays = _runs(fields.weekdays, _weekday)
        rarely = " (when there is one)" if fields.nth == 5 else ""
        kinds.append(
            f"on the {_ORDINALS[fields.nth]} {weekdays} of the month{rarely}" if fields.nth else f"on {weekdays}"
        )
    if fields.last_weekdays:
        lasts = (f"the last {_weekday(day)}" for day in members(fields.last_weekdays))
        kinds.append(f"on {_joined(lasts)} of the month")

    # A day of any kind will do, so no kind narrows another.
    return ", and also ".join(kinds)


def _is_date(fields: Fields) -> bool:
    """Is this one day of one month, such as 29 February, and nothing else?"""
    others = fields.last_day or fields.weekdays or fields.last_weekdays
    return fields.days.bit_count() == 1 and fields.months.bit_count() == 1 and not others


def _runs(mask: int, name: Callable[[int], str]) -> str:
    """The members by name, three and more in a row as 'this through that'."""
    parts: list[str] = []
    for first, last in _spans(mask):
        if last - first < 2:
            parts.extend(name(number) for number in range(first, last + 1))
        else:
            parts.append(f"{name(first)} through {name(last)}")

    return _joined(parts)


def _spans(mask: int) -> Iterator[tuple[int, int]]:
    first = last = -1
    for number in members(mask):
        if number != last + 1 or first < 0:
            if first >= 0:
                yield first, last
            first = number
        last = number
    if first >= 0:
        yield first, last


def _joined(parts: Iterable[str]) -> str:
    *most, final = parts
    return f"{', '.join(most)} and {final}" if most else final


def _clock(hour: int, minute: int, second: int) -> str:
    return f"{hour:02}:{minute:02}:{second:02}" if second else f"{hour:02}:{minute:02}"


def _plural(noun: str, numbers: list[int]) -> str:
    return noun if len(numbers) == 1 else f"{noun}s"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _month(number: int) -> str:
    return _MONTHS[number - 1]


def _weekday(number: int) -> str:
    return _WEEKDAYS[number]
