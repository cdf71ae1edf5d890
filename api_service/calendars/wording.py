"""What is said the same way in every calendar: its head, people, and moments; the library folds and escapes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from icalendar import Calendar, Event, vCalAddress, vText

from api_service.calendars.nouns import Person
from shared.timing.instants import Instant, to_datetime

PRODID: Final = "-//Carillon//Carillon//EN"

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
# Everything that is no text in a calendar but the end of a line, which is written \n.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]+")
_NOT_OF_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\x9f]+")


def calendar(name: str) -> Calendar:
    """An empty calendar of this name."""
    begun = Calendar()
    begun.add("PRODID", PRODID)
    begun.add("VERSION", "2.0")
    begun.add("CALSCALE", "GREGORIAN")
    begun.add("NAME", text(name))
    begun.add("X-WR-CALNAME", text(name))
    return begun


def event(uid: str, changed: Instant, layer: int) -> Event:
    """An event that is not said to be when or whose yet; a calendar takes it for newer the later it was changed."""
    begun, moment = Event(), to_datetime(changed)
    begun.add("UID", uid)
    begun.add("DTSTAMP", moment)
    begun.add("LAST-MODIFIED", moment)
    begun.add("SEQUENCE", max(0, int((moment - _BEGINNING).total_seconds())))
    begun.add("CATEGORIES", [f"Layer {layer}"])
    begun.add("TRANSP", "TRANSPARENT")  # whoever is on call is not taken
    return begun


def attend(written: Event, people: Iterable[Person]) -> None:
    """Say who it is."""
    for person in people:
        address = vCalAddress("mailto:" + _NOT_OF_AN_ADDRESS.sub("", person.email))
        address.params["CN"] = text(person.name)
        written.add("ATTENDEE", address)


def text(said: str) -> vText:
    """A text as a calendar can hold it."""
    return vText(_CONTROL.sub(" ", said))


def written(calendar: Calendar) -> bytes:
    """The calendar as it is sent."""
    sent: bytes = calendar.to_ical()
    return sent
