"""When, where and what: the fields of an event that whoever asks for it, changes it and shows it has in common."""

from __future__ import annotations

from typing import Any

from api_service import limits
from api_service.schemas import fields as ours

_ABOUT = {
    "event_id": "The event's identifier, a ULID.",
    "status": (
        "INACTIVE: no callback was attempted yet. ACTIVE: at least one was. PAUSED: none is until it is resumed. "
        "FINISHED: endDate has passed and none will be."
    ),
    "paused_reason": "Why the event is PAUSED. client: somebody asked for it. gone: the receiver answered 410.",
    "event_owner": "E-mail address of who asked for the event, or `oncall:` and the id of a schedule: who is on call.",
    "start_date": "No callback before or at this date. Any ISO 8601 date with an offset.",
    "end_date": "No callback at or after this date, which is in the future. Any ISO 8601 date with an offset.",
    "interval": "When to call: a cron expression as cron-parser reads it; where it has six fields, seconds come first.",
    "timezone": "The IANA time zone in which the interval is meant.",
    "callback_url": ("Where to POST. http or https, with a host, without user name and password."),
    "context": (
        f"What to POST: the JSON object that is the callback's body, with at most {limits.CONTEXT_SCALARS} values, "
        f"{limits.CONTEXT_DEPTH} levels deep."
    ),
    "tags": f"Up to {limits.TAGS} different labels to filter by.",
}
_EXAMPLE = {
    "event_id": "01JD8M2Z9T5R0C4V7K3N6P1QXA",
    "status": "ACTIVE",
    "event_owner": "user@example.com",
    "end_date": "2030-09-02T05:11:59.708Z",
    "interval": "* * * 1 * *",
    "timezone": "UTC",
    "callback_url": "https://api.yourapi.com",
    "context": {"user": 12345},
    "tags": ["prod"],
}


def said(name: str) -> dict[str, Any]:
    """What OpenAPI says of a field."""
    return {"description": _ABOUT[name]} | ({"example": _EXAMPLE[name]} if name in _EXAMPLE else {})


def interval(**kwargs: Any) -> ours.Interval:
    """The field `interval`."""
    return ours.Interval(longest=limits.INTERVAL_LENGTH, metadata=said("interval"), **kwargs)


def timezone(**kwargs: Any) -> ours.Timezone:
    """The field `timezone`."""
    return ours.Timezone(longest=limits.TIMEZONE_LENGTH, metadata=said("timezone"), **kwargs)


def callback_url(**kwargs: Any) -> ours.CallbackUrl:
    """The field `callbackUrl`."""
    about = said("callback_url")
    return ours.CallbackUrl(longest=limits.URL_LENGTH, data_key="callbackUrl", metadata=about, **kwargs)


def end_date(**kwargs: Any) -> ours.Moment:
    """The field `endDate`."""
    return ours.Moment(data_key="endDate", metadata=said("end_date"), **kwargs)


def start_date() -> ours.Moment:
    """The field `startDate`."""
    return ours.Moment(data_key="startDate", allow_none=True, metadata=said("start_date"))


def tags() -> ours.Items:
    """The field `tags`."""
    tag = ours.Text(longest=limits.TAG_LENGTH)
    return ours.Items(tag, most=limits.TAGS, distinct=True, metadata=said("tags"))


def context() -> ours.Context:
    """The field `context`."""
    return ours.Context(metadata=said("context"))
