"""A schedule in rule form: what other programs expand to exactly our occurrences, but for those a clock jumps over.

Of a shift that lies wholly within what a clock jumps over they make something else; to us it does not happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from icalendar import Event

from api_service.calendars import wording
from api_service.calendars.nouns import Entry, Person
from api_service.calendars.series import Series, series_of
from api_service.calendars.zones import timezone
from shared.timing.instants import Instant, from_datetime, to_datetime

# Changes of clocks are told for this many years after the last first start.
ZONE_YEARS = 60


def rule_form(name: str, entries: Iterable[Entry], people: Mapping[str, Person], *, now: Instant) -> bytes:
    """The calendar of these events; what has to be listed as of now is listed from a month ago for a year and more."""
    window = listed_window(now)
    written = [(entry, series) for entry in entries for series in series_of(entry.event, window)]
    events = [_event(entry, series, people) for entry, series in written]
    calendar = wording.calendar(name)
    for event in events:
        calendar.add_component(event)
    years = [series.start.year for _, series in written]
    zones = [timezone(each, min(years) - 1, max(years) + ZONE_YEARS) for each in sorted(calendar.get_missing_tzids())]
    calendar.subcomponents = [*zones, *events]
    return wording.written(calendar)


def listed_window(now: Instant) -> tuple[Instant, Instant]:
    """Whole months, so that the same is listed all month long: at least 30 days back and 12 months ahead."""
    moment = to_datetime(now)
    return (
        from_datetime(_month(moment - timedelta(days=30))),
        from_datetime(_month(_month(moment) + timedelta(days=13 * 31))),
    )


def _month(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _event(entry: Entry, series: Series, people: Mapping[str, Person]) -> Event:
    event = entry.event
    written = wording.event(f"{event.event_id}-{series.number}@carillon", entry.changed, event.layer)
    attending = [people[attendee] for attendee in series.attendees]
    written.add("SUMMARY", wording.text(", ".join(person.name for person in attending)))
    wording.attend(written, attending)
    written.add("DTSTART", series.start)
    written.add("DTEND", series.end)
    if series.rule:
        written.add("RRULE", {**series.rule} | ({} if series.until is None else {"UNTIL": series.until}))
    if series.also:
        written.add("RDATE", list(series.also))
    if series.without:
        written.add("EXDATE", list(series.without))
    return written
