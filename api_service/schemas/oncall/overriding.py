"""What clients say to override an occurrence, to take one out, or to end a series with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api_service import limits
from api_service.schemas.oncall import fields as ours
from api_service.schemas.oncall.events import Asked, Moment
from api_service.schemas.oncall.reading import Lenient, read_fields
from api_service.schemas.reading import read_partly
from shared.domain.oncall_changes import When

_ACTION: Final = {
    "description": "The start of the occurrence that is meant.",
    "example": "2022-11-01T00:00:00.000-07:00",
}


class OverrideBody(Lenient):
    """Who is on call instead, and when, of which occurrence."""

    start_time = Moment(required=True, metadata={"example": "2022-11-01 08:00"})
    end_time = Moment(required=True, metadata={"example": "2022-11-01 17:00"})
    layer = ours.Whole(least=1, most=limits.LAYER_MOST, required=True)
    time_zone = ours.Zone(longest=limits.TIMEZONE_LENGTH, required=True)
    account_user_ids = ours.ids(most=limits.ATTENDEES, required=True)
    action_time = Moment(required=True, metadata=_ACTION)


class OccurrenceBody(Lenient):
    """Which occurrence."""

    action_time = Moment(required=True, metadata=_ACTION)


OVERRIDE: Final = OverrideBody()
OCCURRENCE: Final = OccurrenceBody()


def read_override(sent: Mapping[str, Any]) -> Asked:
    """What an override is to be; its time zone is that of times without an offset."""
    valid, problems = read_partly(OVERRIDE, sent, _somebody)
    words = {name: tuple(value) if isinstance(value, list) else value for name, value in valid.items()}
    words |= {name: words.pop(f"{name}_time") for name in ("start", "end") if f"{name}_time" in words}
    return Asked(words=words, problems=tuple(problems), names={"start": "start_time", "end": "end_time"})


def read_action_time(sent: Mapping[str, Any]) -> When:
    """The start of an occurrence; without an offset, on the wall of the event's zone. Raises Unprocessable."""
    when: When = read_fields(OCCURRENCE, sent)["action_time"]
    return when


def _somebody(valid: Mapping[str, Any]) -> list[str]:
    return [f"account_user_ids {ours.BLANK}"] if valid.get("account_user_ids") == [] else []
