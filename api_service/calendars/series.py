"""An on-call event as what iCalendar can say: series by rule, or by list where no rule says it exactly.

Whoever takes part in turns has series of their own: one for each place in the cycle after which days and turns repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from math import gcd, lcm
from typing import Any, Final, TypeAlias

from shared.domain.oncall import OnCallEvent
from shared.timing import recurrence
from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.recurrence import Rule, Unit
from shared.timing.recurrence_steps import Steps, steps
from shared.timing.recurrence_walls import CLOSES, DAY
from shared.timing.zones import zone

Span: TypeAlias = tuple[datetime, datetime]

WEEKDAYS: Final = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")

# How far what steps by months is listed, from its first start on: a hundred years.
LISTED_FOR: Final = 36_524 * DAY

_CYCLE_MONTHS = 4800  # after which the calendar repeats
_LONGEST_SILENCE = 300  # no clock jumps over so many occurrences in a row
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (on the wall)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One VEVENT: a first occurrence, and how it comes again: by `rule` up to `until`, or at `also` (RDATE).

    `without` (EXDATE) are those that do not happen. `number` tells the series of one event apart.
    """

    number: int
    attendees: tuple[str, ...]
    start: datetime
    end: datetime
    rule: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    also: tuple[datetime, ...] = ()
    without: tuple[datetime, ...] = ()


def series_of(event: OnCallEvent, window: tuple[Instant, Instant]) -> list[Series]:
    """The series that together are exactly the event's occurrences.

    Hours on listed days of the week are listed, and only those that overlap the window: a rule would have to know when
    clocks change. Months whose shifts are not all of one length, or on listed days where the turns or a month's end
    matter too, are listed for a hundred years. Everything else is a rule without an end of our making.
    """
    rule = event.rule
    if rule.unit is None:
        return _once(event)
    if rule.unit is Unit.HOURLY:
        if rule.days_of_week:
            return _listed(event, window, partial(_elapsed, rule))
        turns = _turns(event)
        return list(
            _by_rule(event, turns, {"FREQ": "HOURLY", "INTERVAL": rule.frequency * turns}, partial(_elapsed, rule))
        )
    walls = steps(rule)
    if walls is None:
        return []
    span = partial(_on_the_wall, rule, walls)
    said = _months(event, walls) if rule.unit in {Unit.MONTHLY, Unit.YEARLY} else _days(event, walls)
    if said is None:
        first = from_datetime(span(0)[0])
        return _listed(event, (first, first + LISTED_FOR), span)
    return list(_by_rule(event, *said, span))


def _turns(event: OnCallEvent) -> int:
    return len(event.attendees) if event.rotation else 1


def _whose(event: OnCallEvent, index: int) -> tuple[str, ...]:
    return (event.attendees[index % len(event.attendees)],) if event.rotation else event.attendees


def _once(event: OnCallEvent) -> list[Series]:
    found = recurrence.nth(event.rule, 0)
    if found is None or found.start in event.exceptions:
        return []
    start, end = _plainly(found.start, event.rule.zone), _plainly(found.end, event.rule.zone)
    return [Series(number=0, attendees=_whose(event, 0), start=start, end=end)]


def _plainly(instant: Instant, name: str) -> datetime:
    """The instant on the zone's wall, or in UTC where the wall shows this time twice."""
    moment = to_datetime(instant)
    shown = moment.astimezone(zone(name))
    return shown if shown.utcoffset() == shown.replace(fold=not shown.fold).utcoffset() else moment


def _elapsed(rule: Rule, index: int) -> Span:
    """An occurrence of a rule that counts elapsed time: in UTC, where no program can take it for wall-clock time."""
    found = recurrence.nth(rule, index)
    if found is None:
        raise LookupError("elapsed time is never jumped over")
    return to_datetime(found.start), to_datetime(found.end)


def _on_the_wall(rule: Rule, walls: Steps, index: int) -> Span:
    start, end = (
        (_EPOCH + timedelta(milliseconds=wall)).replace(tzinfo=zone(rule.zone)) for wall in walls.walls(index)
    )
    return start, end


def _days(event: OnCallEvent, walls: Steps) -> tuple[int, Mapping[str, Any]]:
    """How many series, and the rule of each, for what steps by days or weeks."""
    rule, turns = event.rule, _turns(event)
    listed = {"BYDAY": [WEEKDAYS[day] for day in sorted(rule.days_of_week)]} if rule.days_of_week else {}
    if turns == 1:
        return 1, {"FREQ": str(rule.unit).upper(), "INTERVAL": rule.frequency, "WKST": "SU"} | listed
    every = rule.frequency * (7 if rule.unit is Unit.WEEKLY else 1)
    period = lcm(every, 7) if listed else every
    begins, _ = walls.walls(0)
    places = walls.starts_before(begins + period * DAY)
    series = lcm(places, turns)
    days = period * series // places
    weekly = days % 7 == 0
    return series, {"FREQ": "WEEKLY" if weekly else "DAILY", "INTERVAL": days // 7 if weekly else days}


def _months(event: OnCallEvent, walls: Steps) -> tuple[int, Mapping[str, Any]] | None:
    """The same for what steps by months or years; None where no rule says it."""
    rule, turns = event.rule, _turns(event)
    every, day = rule.frequency * (12 if rule.unit is Unit.YEARLY else 1), rule.start.day
    if not _of_one_length(rule, walls, every):
        return None
    said: dict[str, Any] = {"FREQ": "MONTHLY", "INTERVAL": every * turns}
    if rule.days_of_week:
        days = [WEEKDAYS[listed] for listed in sorted(rule.days_of_week)]
        return (1, said | {"BYMONTHDAY": day, "BYDAY": days}) if turns == 1 and day <= 28 else None
    if day > 28:
        # The day itself, or in a shorter month its last one.
        said |= {"BYMONTHDAY": list(range(28, day + 1)), "BYSETPOS": -1}
    elif said["INTERVAL"] % 12 == 0:
        said = {"FREQ": "YEARLY", "INTERVAL": said["INTERVAL"] // 12}
    return turns, said


def _of_one_length(rule: Rule, walls: Steps, every: int) -> bool:
    """Are all spans equally long on the wall? A rule can say one length only."""
    start, end = rule.start, rule.end
    if start.date() == end.date() or (
        max(start.day, end.day) <= 28 and (start.year, start.month) == (end.year, end.month)
    ):
        return True
    there_are = recurrence.count(rule)
    indexes = range(
        min(_CYCLE_MONTHS // gcd(_CYCLE_MONTHS, every), walls.ends_before(CLOSES) if there_are is None else there_are)
    )
    return len({_length(walls, index) for index in indexes}) <= 1


def _length(walls: Steps, index: int) -> int:
    begins, ends = walls.walls(index)
    return ends - begins


def _by_rule(event: OnCallEvent, series: int, said: Mapping[str, Any], span: Callable[[int], Span]) -> Iterator[Series]:
    """Every so-manieth occurrence, from each of the first so many on."""
    rule, there_are = event.rule, recurrence.count(event.rule)
    gone = _indexes(rule, sorted(event.exceptions))
    for number in range(series):
        first = _first(rule, range(number, number + _LONGEST_SILENCE * series, series))
        if first is None:
            continue
        last = None if there_are is None else number + (there_are - 1 - number) // series * series
        without = [index for index in gone if index % series == number and index >= first]
        if last == first and without:
            continue
        start, end = span(first)
        yield Series(
            number=number,
            attendees=_whose(event, number),
            start=start,
            end=end,
            rule={} if last == first else said,
            until=None if last is None or last == first else span(last)[0].astimezone(UTC),
            without=tuple(span(index)[0] for index in without),
        )


def _first(rule: Rule, indexes: range) -> int | None:
    return next((index for index in indexes if recurrence.nth(rule, index) is not None), None)


def _indexes(rule: Rule, starts: Sequence[Instant]) -> list[int]:
    found = (recurrence.occurrence_at(rule, start) for start in starts)
    return [each.index for each in found if each is not None]


def _listed(event: OnCallEvent, window: tuple[Instant, Instant], span: Callable[[int], Span]) -> list[Series]:
    """A series for everybody's shifts of each length, all by name."""
    lists: dict[tuple[int, timedelta], list[Span]] = {}
    for found in recurrence.occurrences(event.rule, *window):
        if found.start not in event.exceptions:
            start, end = span(found.index)
            lists.setdefault((found.index % _turns(event), end - start), []).append((start, end))
    return [
        Series(
            number=number,
            attendees=_whose(event, turn),
            start=spans[0][0],
            end=spans[0][1],
            also=tuple(start for start, _ in spans[1:]),
        )
        for number, ((turn, _), spans) in enumerate(lists.items())
    ]
