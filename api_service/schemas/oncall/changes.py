"""What of a change on call the change log tells, by the names of /api/v4: values only of what can be no secret.

What people are called, their e-mail addresses and all of `meta` are told by name alone: the log outlives its people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.account_users import show_account_user
from api_service.schemas.oncall.events_shown import show_event
from api_service.schemas.oncall.moments import show
from api_service.schemas.oncall.schedules import show_schedule
from shared.domain.changelog import FieldChange
from shared.domain.oncall_kept import KeptEvent, rule_of
from shared.domain.schedule import AccountUser, Schedule
from shared.timing.instants import Instant
from shared.timing.zones import zone

_OF_EVENTS: Final = (
    "start_datetime", "end_datetime", "layer", "time_zone", "repeat", "frequency", "frequency_unit", "days_of_week",
    "repeat_end_datetime", "terminated_on", "rotation", "parent_id", "role", "schedule_ids", "account_user_ids",
)  # fmt: skip
_OF_OVERRIDES: Final = ("start_time", "end_time", "layer", "time_zone", "account_user_ids")


def account_user_differences(before: AccountUser, after: AccountUser) -> list[FieldChange]:
    """What is different of an account user."""
    return _differences(
        show_account_user(before), show_account_user(after), told=("time_zone",), named=("name", "email", "meta")
    )


def schedule_differences(before: Schedule, after: Schedule) -> list[FieldChange]:
    """What is different of a schedule."""
    return _differences(show_schedule(before), show_schedule(after), told=("name", "time_zone"), named=("meta",))


def event_differences(before: KeptEvent, after: KeptEvent) -> list[FieldChange]:
    """What is different of an on-call event; of its exceptions, those that went and those that came."""
    was, now = _shown(before), _shown(after)
    gone, come = before.exceptions.keys() - after.exceptions.keys(), after.exceptions.keys() - before.exceptions.keys()
    was["exceptions"], now["exceptions"] = _times(before, gone), _times(after, come)
    return _differences(was, now, told=(*_OF_EVENTS, "exceptions"), named=("meta",))


def override_made(override: KeptEvent) -> list[FieldChange]:
    """Which event stands for what was overridden, when, and who is on call in it."""
    shown = _shown(override)
    return [came("override_id", override.event_id), *(came(name, shown[name]) for name in _OF_OVERRIDES)]


def came(name: str, value: Any) -> FieldChange:
    """Something that was not there before."""
    return {"name": name, "from": None, "to": value}


def went(name: str, value: Any) -> FieldChange:
    """Something that is not there any more."""
    return {"name": name, "from": value, "to": None}


def _differences(
    was: Mapping[str, Any], now: Mapping[str, Any], *, told: Iterable[str], named: Iterable[str]
) -> list[FieldChange]:
    shown = [{"name": name, "from": was[name], "to": now[name]} for name in told if was[name] != now[name]]
    # To Python 1, 1.0 and True are equal.
    return [*shown, *({"name": name} for name in named if write_json(was[name]) != write_json(now[name]))]


def _shown(kept: KeptEvent) -> dict[str, Any]:
    return {**show_event(kept), "account_user_ids": [attendee.account_user_id for attendee in kept.attendees]}


def _times(kept: KeptEvent, instants: Iterable[Instant]) -> list[str]:
    clock = zone(rule_of(kept).zone)
    return [show(instant, clock) for instant in sorted(instants)]
