"""A calendar to subscribe to: every shift of every person by itself, in UTC, so that no program has to compute it.

The same facts are the same bytes. A shift keeps its UID whatever becomes of others, and when its own time changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec
from icalendar import Calendar, Event

from api_service.calendars import wording
from api_service.calendars.nouns import Entry, Person
from api_service.calendars.shown import form_of
from shared.domain.oncall import OnCallEvent, shift_of
from shared.timing import recurrence
from shared.timing.instants import Instant, iso, to_datetime
from shared.version import VERSION

REFRESH: Final = timedelta(hours=1)

# What one calendar holds at most; later shifts come in as time goes on.
MOST_SHIFTS: Final = 10_000
MOST_CANCELLED: Final = 2_000

_DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What a feed is written from. `gone` are events as they were shown, each with when it was noticed to be gone.

    Of one `person` only their own shifts are in it, and `places` has the names of each event's schedules.
    """

    name: str
    window: tuple[Instant, Instant]
    entries: tuple[Entry, ...]
    people: Mapping[str, Person]
    gone: tuple[tuple[OnCallEvent, Instant], ...] = ()
    person: str | None = None
    places: Mapping[str, str] | None = None


class _Moment(NamedTuple):
    """A shift of one person."""

    start: Instant
    uid: str
    end: Instant
    event: OnCallEvent
    account_user_id: str
    changed: Instant


def feed_window(now: Instant) -> tuple[Instant, Instant]:
    """Whole days in UTC, so that a feed is the same all day long: from 30 days back to 12 months ahead."""
    today = now // _DAY * _DAY
    return today - 30 * _DAY, today + 367 * _DAY


def fingerprint(feed: Feed) -> bytes:
    """What differs between two feeds if their texts do; much sooner known than the text."""
    facts = (
        VERSION,
        feed.name,
        feed.window,
        [(form_of(entry.event), entry.changed) for entry in feed.entries],
        sorted((known, person.name, person.email) for known, person in feed.people.items()),
        [(form_of(event), noticed) for event, noticed in feed.gone],
        feed.person,
        None if feed.places is None else sorted(feed.places.items()),
    )
    return sha256(msgspec.msgpack.encode(facts)).digest()


def feed_text(feed: Feed) -> bytes:
    """The feed as calendar programs read it."""
    calendar = wording.calendar(feed.name)
    calendar.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT1H")
    shifts = _shifts(feed)
    if len(shifts) > MOST_SHIFTS:
        shifts = shifts[:MOST_SHIFTS]
        _say_that_there_are_more(calendar, shifts[-1].start)
    for shift in shifts:
        calendar.add_component(_event(feed, shift, "CONFIRMED"))
    for shift in _cancelled(feed):
        calendar.add_component(_event(feed, shift, "CANCELLED"))
    return wording.written(calendar)


def _shifts(feed: Feed) -> list[_Moment]:
    """The first shifts of the window, and one more than are shown if there are more."""
    each = (_moments(feed, entry.event, entry.changed) for entry in feed.entries)
    return sorted(islice(merge(*each, key=attrgetter("start")), MOST_SHIFTS + 1), key=_order)


def _cancelled(feed: Feed) -> list[_Moment]:
    """What was shown and is no more, as it was when it was shown last."""
    touched = {event.event_id for event, _ in feed.gone}
    known = [entry for entry in feed.entries if entry.event.event_id in touched]
    there = {shift.uid for entry in known for shift in _moments(feed, entry.event, entry.changed)}
    found: dict[str, _Moment] = {}
    for event, noticed in sorted(feed.gone, key=lambda each: each[1]):
        for shift in _moments(feed, event, noticed):
            if shift.uid not in there:
                found[shift.uid] = shift
    return sorted(found.values(), key=_order)[:MOST_CANCELLED]


def _order(shift: _Moment) -> tuple[Instant, str]:
    return shift.start, shift.uid


def _moments(feed: Feed, event: OnCallEvent, changed: Instant) -> Iterator[_Moment]:
    for occurrence in recurrence.occurrences(event.rule, *feed.window):
        if occurrence.start in event.exceptions:
            continue
        for _, attendee in shift_of(event, occurrence).attendees:
            if feed.person in {None, attendee}:
                uid = f"{event.event_id}-{occurrence.index}-{attendee}@carillon"
                yield _Moment(occurrence.start, uid, occurrence.end, event, attendee, changed)


def _event(feed: Feed, shift: _Moment, status: str) -> Event:
    written = wording.event(shift.uid, shift.changed, shift.event.layer)
    person = feed.people.get(shift.account_user_id)
    if feed.places is not None:
        place = feed.places.get(shift.event.event_id)
        what = "On call" if place is None else f"On call: {place}"
    else:
        what = "On call" if person is None else person.name
    written.add("SUMMARY", wording.text(f"{what} (layer {shift.event.layer})"))
    wording.attend(written, [] if person is None else [person])
    written.add("DTSTART", to_datetime(shift.start))
    written.add("DTEND", to_datetime(shift.end))
    written.add("STATUS", status)
    return written


def _say_that_there_are_more(calendar: Calendar, last: Instant) -> None:
    words = f"Shifts that start up to {iso(last)}: a calendar holds {MOST_SHIFTS}, and there are more."
    calendar.add("DESCRIPTION", words)
    calendar.add("X-WR-CALDESC", words)
