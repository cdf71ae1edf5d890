"""Stretches of time as they are asked about, and who is on call in them as it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from marshmallow import Schema, fields

from api_service import limits
from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.events_shown import EventAttendee, show_attendee
from api_service.schemas.oncall.moments import read_instant, show
from api_service.schemas.query_string import parse
from shared.domain.errors import Unprocessable
from shared.domain.oncall import Shift
from shared.domain.oncall_kept import KeptEvent
from shared.timing.instants import Instant
from shared.timing.zones import zone

Window: TypeAlias = tuple[Instant, Instant]

_DAY: Final = 86_400_000
_BACK, _AHEAD = 30 * _DAY, 365 * _DAY  # of what is only tried, where no window is named


class ShiftAnswer(Schema):
    """An occurrence that happens, and who is on call in it."""

    event_id = fields.String()
    parent_id = fields.String(allow_none=True)
    layer = fields.Integer()
    start_time = fields.String(metadata={"format": "date-time"})
    end_time = fields.String(metadata={"format": "date-time"})
    time_zone = fields.String()
    attendees = fields.List(fields.Nested(EventAttendee))


def read_window(raw: str) -> Window:
    """The window that a query string must name; raises Unprocessable with every problem."""
    sent = parse(raw)
    problems = [f"{name} can't be blank" for name in ("start", "end") if not sent.get(name)]
    return _window(sent, problems, (0, 1))


def read_trial_window(raw: str, now: Instant) -> Window:
    """The window that a trial tells about: what a query string names, or a month back and a year ahead.

    Raises Unprocessable with every problem.
    """
    sent = parse(raw)
    default = now - _BACK, now + _AHEAD
    if sent.get("start") and not sent.get("end"):
        return _window(sent, [], default, length=_BACK + _AHEAD)
    return _window(sent, [], default)


def read_restore(raw: str) -> bool:
    """Is an override's deletion to give its hours back? Raises Unprocessable."""
    said = parse(raw).get("restore", "false")
    if said not in ("true", "1", "false", "0"):
        raise Unprocessable(["restore should be true or false"])
    return said in ("true", "1")


def read_at(raw: str, now: Instant) -> Instant:
    """The instant that a query string asks about, or now; raises Unprocessable."""
    sent, problems = parse(raw), list[str]()
    instant = _instant(sent, "at", problems)
    if problems:
        raise Unprocessable(problems)
    return now if instant is None else instant


def show_shift(shift: Shift, kept: KeptEvent) -> dict[str, Any]:
    """An occurrence of an event that is kept as JSON."""
    clock = zone(shift.zone)
    return {
        "event_id": shift.event_id,
        "parent_id": shift.parent_id,
        "layer": shift.layer,
        "start_time": show(shift.start, clock),
        "end_time": show(shift.end, clock),
        "time_zone": kept.time_zone,
        "attendees": [show_attendee(kept, position) for position, _ in shift.attendees],
    }


def tell_shifts(shifts: Iterable[tuple[Shift, KeptEvent]]) -> str:
    """Occurrences, each with its event, as JSON text."""
    return write_json([show_shift(shift, kept) for shift, kept in shifts])


def _window(sent: Mapping[str, Any], problems: list[str], default: Window, length: int | None = None) -> Window:
    start, end = (_instant(sent, name, problems) for name in ("start", "end"))
    start = default[0] if start is None else start
    end = (default[1] if length is None else start + length) if end is None else end
    if not problems and end <= start:
        problems.append("end should be after start")
    if not problems and end - start > limits.WINDOW_DAYS * _DAY:
        problems.append(f"end should be at most {limits.WINDOW_DAYS} days after start; ask for one part after another")
    if problems:
        raise Unprocessable(problems)
    return start, end


def _instant(sent: Mapping[str, Any], name: str, problems: list[str]) -> Instant | None:
    text = sent.get(name)
    if not text:
        return None
    if not isinstance(text, str):
        problems.append(f"{name} should be given once, as a time")
        return None
    try:
        return read_instant(text)
    except ValueError as error:
        problems.append(f"{name} {error}")
        return None
