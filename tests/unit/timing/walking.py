"""Recurring shifts by walking: every step from the first on, by plain datetimes and the zone's own answers.

Nothing is shared with what is proved by it but the words of a rule.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from shared.timing.recurrence import Rule, Unit
from shared.timing.zones import zone

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

on_wall = datetime.fromisoformat  # a time on the wall, as one reads it

# (index, start, end), or (index, None, None) where the clock jumps over the occurrence
Walked = tuple[int, int, int] | tuple[int, None, None]


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def instant(wall: datetime, place: ZoneInfo) -> int:
    """Python's own reading: the first of two, and what is jumped over counted with the offset before.

    In the first night of a zone's rules for all years to come Python may take an hour that is there once for the first
    of two (Nuuk, 28 October 2023); what it takes for the second is shown as what was asked for then.
    """
    first, second = (milliseconds(wall.replace(tzinfo=place, fold=fold)) for fold in (0, 1))
    return second if shown(first, place) != wall == shown(second, place) else first


def shown(moment: int, place: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(milliseconds=moment)).astimezone(place).replace(tzinfo=None)


def weekday(day: date) -> int:
    return day.isoweekday() % 7


def walk(rule: Rule, most: int, days: int) -> list[Walked]:
    """All that a rule says of its first days, but no more than so many occurrences."""
    walked: list[Walked] = []
    for start, end in _elapsed(rule) if rule.unit in {None, Unit.HOURLY} else _on_the_wall(rule):
        begins = start if isinstance(start, int) else instant(start, zone(rule.zone))
        over = rule.terminated_on is not None and begins >= rule.terminated_on
        if over or len(walked) == most or begins > instant(rule.start, zone(rule.zone)) + days * 86_400_000:
            break
        index = len(walked)
        if isinstance(start, int) and isinstance(end, int):
            walked.append((index, start, end))
        elif isinstance(start, datetime) and isinstance(end, datetime):
            ends = instant(end, zone(rule.zone))
            occurs = ends > begins and not _jumped_over(start, end, zone(rule.zone))
            walked.append((index, begins, ends) if occurs else (index, None, None))

    return walked


def _elapsed(rule: Rule) -> Iterator[tuple[int, int]]:
    place = zone(rule.zone)
    start, end = (_folded(wall, place) for wall in (rule.start, rule.end))
    for step in range(1 if rule.unit is None else 10_000):
        begins = start + step * rule.frequency * 3_600_000
        on = shown(begins, place).date()
        if rule.unit is not None and rule.repeat_end is not None and on > rule.repeat_end:
            break
        if rule.unit is None or not rule.days_of_week or weekday(on) in rule.days_of_week:
            yield begins, begins + end - start


def _folded(wall: datetime, place: ZoneInfo) -> int:
    """The second of two, if that is meant."""
    second = milliseconds(wall.replace(tzinfo=place))

    return second if shown(second, place) == wall else instant(wall, place)


def _on_the_wall(rule: Rule) -> Iterator[tuple[datetime, datetime]]:
    for start, end in _steps(rule):
        if start.year > 3500 or (rule.repeat_end is not None and start.date() > rule.repeat_end):
            break
        if not rule.days_of_week or weekday(start.date()) in rule.days_of_week:
            yield start, end if end > start else start + (rule.end - rule.start)


def _steps(rule: Rule) -> Iterator[tuple[datetime, datetime]]:
    if rule.unit == Unit.WEEKLY and rule.days_of_week:
        sunday = rule.start.date() - weekday(rule.start.date()) * DAY
        for days in count():
            on = rule.start + days * DAY
            if (on.date() - sunday).days // 7 % rule.frequency == 0:
                yield on, rule.end + days * DAY
    for step in count():
        by = relativedelta(
            days=step * rule.frequency * {Unit.DAILY: 1, Unit.WEEKLY: 7}.get(rule.unit or Unit.HOURLY, 0),
            months=step * rule.frequency * {Unit.MONTHLY: 1, Unit.YEARLY: 12}.get(rule.unit or Unit.HOURLY, 0),
        )
        yield rule.start + by, rule.end + by


def _jumped_over(start: datetime, end: datetime, place: ZoneInfo) -> bool:
    """Is there not a minute of this span, which begins and ends at whole minutes, on the wall?"""
    moment = start
    while moment < end:
        if shown(instant(moment, place), place) == moment:
            return False
        moment += MINUTE

    return True
