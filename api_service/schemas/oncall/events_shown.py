"""On-call events as they are shown: the vendor's fields, in both of its namings, and times in the event's own zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final

from marshmallow import Schema, fields, validate

from api_service.schemas import fields as strict
from api_service.schemas.oncall.moments import show
from api_service.wanted import Kind
from shared.domain.oncall import Role
from shared.domain.oncall_kept import KeptEvent, ends_at, instant_on, starts_at
from shared.timing.recurrence import Unit
from shared.timing.zone_names import iana
from shared.timing.zones import zone

ATTENDEE_TYPE: Final = "AccountUser"
ATTRIBUTES: Final[Mapping[str, Kind]] = {
    "id": Kind.ID,
    "prefix_id": Kind.ID,
    "tiny_id": Kind.WHOLE,
    "start_datetime": Kind.MOMENT,
    "end_datetime": Kind.MOMENT,
    "start_time": Kind.MOMENT,
    "end_time": Kind.MOMENT,
    "layer": Kind.WHOLE,
    "time_zone": Kind.TEXT,
    "repeat": Kind.FLAG,
    "frequency": Kind.WHOLE,
    "frequency_unit": Kind.TEXT,
    "days_of_week": Kind.WHOLES,
    "repeat_end_datetime": Kind.MOMENT,
    "terminated_on": Kind.MOMENT,
    "rotation": Kind.FLAG,
    "parent_id": Kind.IDS,
    "role": Kind.TEXT,
    "schedule_ids": Kind.IDS,
    "account_user_ids": Kind.IDS,
    "created_at": Kind.MOMENT,
    "updated_at": Kind.MOMENT,
}

_TIME: Final = {"format": "date-time", "example": "2022-11-01T00:00:00.000-07:00"}


class EventAttendee(Schema):
    """Who takes part in an event."""

    id = fields.String(metadata={"description": "Of the place, not of the person."})
    attendee_id = fields.String(metadata={"description": "The account user."})
    attendee_type = fields.String(validate=validate.OneOf([ATTENDEE_TYPE]))
    position = fields.Integer(metadata={"description": "From 1; a rotation goes by it."})


class EventException(Schema):
    """An occurrence that does not happen."""

    id = fields.String()
    start_datetime = fields.String(metadata=_TIME)


class EventAnswer(Schema):
    """An on-call event."""

    event_id = fields.String(data_key="id", metadata={"example": "01JD8M2Z9T5R0C4V7K3N6P1QXE"})
    prefix_id = fields.String(metadata={"example": "evt_8Yw1nR5vJ0cTqP"})
    tiny_id = fields.Integer(metadata={"description": "Counts your on-call events, from 1.", "example": 1})
    start_datetime = fields.String(metadata=_TIME | {"description": "When the first occurrence starts."})
    end_datetime = fields.String(metadata=_TIME | {"description": "When the first occurrence ends."})
    start_time = fields.String(metadata=_TIME | {"description": "The same as start_datetime."})
    end_time = fields.String(metadata=_TIME | {"description": "The same as end_datetime."})
    layer = fields.Integer(metadata={"example": 1})
    time_zone = fields.String(metadata={"example": "Arizona"})
    iana_time_zone = fields.String(metadata={"example": "America/Phoenix"})
    repeat = fields.Boolean()
    frequency = fields.Integer(allow_none=True)
    unit = fields.String(data_key="frequency_unit", allow_none=True, validate=validate.OneOf(list(Unit)))
    days_of_week = fields.List(fields.Integer(), metadata={"description": "Sunday is 0; none: every day."})
    repeat_end_datetime = fields.String(
        allow_none=True, metadata=_TIME | {"description": "The beginning of the last day on which it may start."}
    )
    terminated_on = fields.String(
        allow_none=True, metadata=_TIME | {"description": "Where the series was ended: nothing starts from here on."}
    )
    rotation = fields.Boolean()
    parent_id = fields.String(allow_none=True)
    role = fields.String(
        allow_none=True,
        validate=validate.OneOf(list(Role)),
        metadata={"description": "What it is of its parent's occurrence, where that was overridden."},
    )
    covers = fields.List(
        fields.String(), metadata={"description": "The starts of its parent's occurrences that it stands for."}
    )
    schedule_ids = fields.List(fields.String())
    event_attendees = fields.List(fields.Nested(EventAttendee))
    exceptions = fields.List(fields.Nested(EventException))
    meta = fields.Dict()
    created_at = strict.Moment()
    updated_at = strict.Moment()


_ANSWER: Final = EventAnswer()


def show_event(kept: KeptEvent) -> dict[str, Any]:
    """The event as JSON."""
    clock = zone(iana(kept.time_zone))
    start, end = show(starts_at(kept), clock), show(ends_at(kept), clock)
    repeat_end = None if kept.repeat_end is None else instant_on(datetime.combine(kept.repeat_end, time()), kept)
    shown: dict[str, Any] = _ANSWER.dump({
        "event_id": kept.event_id,
        "prefix_id": kept.prefix_id,
        "tiny_id": kept.tiny_id,
        "start_datetime": start,
        "end_datetime": end,
        "start_time": start,
        "end_time": end,
        "layer": kept.layer,
        "time_zone": kept.time_zone,
        "iana_time_zone": clock.key,
        "repeat": kept.repeat,
        "frequency": kept.frequency,
        "unit": kept.unit,
        "days_of_week": kept.days_of_week,
        "repeat_end_datetime": None if repeat_end is None else show(repeat_end, clock),
        "terminated_on": None if kept.terminated_on is None else show(kept.terminated_on, clock),
        "rotation": kept.rotation,
        "parent_id": kept.parent_id,
        "role": kept.role,
        "covers": [show(start, clock) for start in sorted(kept.covers)],
        "schedule_ids": kept.schedule_ids,
        "event_attendees": [show_attendee(kept, position) for position in range(1, len(kept.attendees) + 1)],
        "exceptions": [
            {"id": name, "start_datetime": show(start, clock)} for start, name in sorted(kept.exceptions.items())
        ],
        "meta": kept.meta,
        "created_at": kept.created_at,
        "updated_at": kept.updated_at,
    })
    return shown


def show_attendee(kept: KeptEvent, position: int) -> dict[str, Any]:
    """Whoever has this position in an event."""
    attendee = kept.attendees[position - 1]
    return {
        "id": attendee.attendee_id,
        "attendee_id": attendee.account_user_id,
        "attendee_type": ATTENDEE_TYPE,
        "position": position,
    }
