"""A time zone as iCalendar tells it: every change of its clock in some years, as it is announced.

icalendar could do it by itself, and says of each clock that goes forward that it does so an hour later (7.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.recurrence_walls import wall_clock
from shared.timing.zones import zone


class _Kind(NamedTuple):
    """What is the same of many changes."""

    before: timedelta
    after: timedelta
    name: str
    standard: bool


def timezone(name: str, first_year: int, last_year: int) -> Timezone:
    """The zone of this IANA name as it is in these years."""
    changes: dict[_Kind, list[datetime]] = {}
    for moment, kind in _changes(name, first_year, last_year):
        changes.setdefault(kind, []).append(moment)
    told = Timezone()
    told.add("TZID", name)
    for kind, moments in changes.items():
        observance = (TimezoneStandard if kind.standard else TimezoneDaylight)()
        observance.add("DTSTART", moments[0])
        if moments[1:]:
            observance.add("RDATE", moments[1:])
        observance.add("TZNAME", kind.name)
        observance.add("TZOFFSETFROM", kind.before)
        observance.add("TZOFFSETTO", kind.after)
        told.add_component(observance)
    return told


def _changes(name: str, first_year: int, last_year: int) -> Iterator[tuple[datetime, _Kind]]:
    """What the wall shows when the clock is changed, and how; the first is where we begin to tell."""
    place, before = zone(name), None
    pieces = wall_clock(name).changes_from(_year_begins(first_year))
    for begins, offset in takewhile(lambda piece: piece[0] < _year_begins(last_year + 1), pieces):
        after = timedelta(milliseconds=offset)
        if before == after:
            continue
        before = after if before is None else before
        there = to_datetime(begins).astimezone(place)
        yield (
            (to_datetime(begins) + before).replace(tzinfo=None),
            _Kind(before, after, there.tzname() or name, not there.dst()),
        )
        before = after


def _year_begins(year: int) -> Instant:
    return from_datetime(datetime.combine(date(year, 1, 1), datetime.min.time(), UTC))
