"""What a calendar says, in plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from icalendar import Calendar
from icalendar.cal import Component


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One VEVENT; `people` are the names of its attendees, `emails` their addresses."""

    uid: str
    summary: str
    start: datetime
    end: datetime
    people: tuple[str, ...]
    emails: tuple[str, ...]
    stamp: datetime
    sequence: int
    status: str
    rule: str


def read(text: bytes) -> list[Read]:
    """The events of a calendar, as icalendar reads them."""
    return [read_event(event) for event in Calendar.from_ical(text).events]


def read_event(event: Component | Any) -> Read:
    """One of them."""
    said: Any = event
    attendees = said.get("ATTENDEE", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    rule = said.get("RRULE")
    return Read(
        uid=str(said["UID"]),
        summary=str(said["SUMMARY"]),
        start=said["DTSTART"].dt,
        end=said["DTEND"].dt,
        people=tuple(str(each.params["CN"]) for each in attendees),
        emails=tuple(str(each).removeprefix("mailto:") for each in attendees),
        stamp=said["DTSTAMP"].dt,
        sequence=int(said["SEQUENCE"]),
        status=str(said.get("STATUS", "")),
        rule="" if rule is None else rule.to_ical().decode(),
    )
