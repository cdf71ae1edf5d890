"""Schedules as they are asked for, changed, listed and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, fields

from api_service import limits
from api_service.schemas import fields as strict
from api_service.schemas.oncall import fields as ours
from api_service.schemas.oncall.reading import Lenient, read_fields
from api_service.wanted import Kind
from shared.domain.schedule import Schedule
from shared.timing.zone_names import iana

ATTRIBUTES: Final[Mapping[str, Kind]] = {
    "id": Kind.ID,
    "prefix_id": Kind.ID,
    "tiny_id": Kind.WHOLE,
    "name": Kind.TEXT,
    "time_zone": Kind.TEXT,
    "created_at": Kind.MOMENT,
    "updated_at": Kind.MOMENT,
}

_ABOUT: Final = {
    "name": {"description": "What the schedule is called.", "example": "Core on call"},
    "time_zone": {
        "description": "The team's time zone: a listed name, or IANA's.",
        "example": "Berlin",
    },
    "meta": {"description": "Whatever you like, as a JSON object; it is kept and shown.", "example": {"team": "core"}},
}


class ScheduleCreation(Lenient):
    """What on-call events are to be on."""

    name = ours.Text(longest=limits.ONCALL_NAME_LENGTH, required=True, metadata=_ABOUT["name"])
    time_zone = ours.Zone(longest=limits.TIMEZONE_LENGTH, load_default="UTC", metadata=_ABOUT["time_zone"])
    meta = ours.Meta(load_default=dict, metadata=_ABOUT["meta"])


class ScheduleChange(Lenient):
    """What of a schedule is to be different; what is not named stays."""

    name = ours.Text(longest=limits.ONCALL_NAME_LENGTH, metadata=_ABOUT["name"])
    time_zone = ours.Zone(longest=limits.TIMEZONE_LENGTH, metadata=_ABOUT["time_zone"])
    meta = ours.Meta(metadata=_ABOUT["meta"])


class ScheduleAnswer(Schema):
    """A schedule."""

    schedule_id = fields.String(data_key="id", metadata={"example": "01JD8M2Z9T5R0C4V7K3N6P1QXD"})
    prefix_id = fields.String(metadata={"example": "skd_8Yw1nR5vJ0cTqP"})
    tiny_id = fields.Integer(metadata={"description": "Counts your schedules, from 1.", "example": 1})
    name = fields.String()
    time_zone = fields.String(metadata={"example": "Berlin"})
    iana_time_zone = fields.Function(
        lambda one: iana(one.time_zone), metadata={"type": "string", "example": "Europe/Berlin"}
    )
    meta = fields.Dict()
    created_at = strict.Moment()
    updated_at = strict.Moment()


_CREATION, _CHANGE, _ANSWER = ScheduleCreation(), ScheduleChange(), ScheduleAnswer()


def read_new_schedule(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What a new schedule is to be; raises Unprocessable with every problem."""
    return read_fields(_CREATION, sent)


def read_schedule_changes(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What of a schedule is to be different; raises Unprocessable with every problem."""
    return read_fields(_CHANGE, sent)


def show_schedule(schedule: Schedule) -> dict[str, Any]:
    """The schedule as JSON."""
    shown: dict[str, Any] = _ANSWER.dump(schedule)
    return shown
