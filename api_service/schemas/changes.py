"""The change log as it is asked for and shown, and what of a change may be shown at all.

Of headers, contexts and callback URLs only the names are told: their values may be somebody's secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

from api_service.schemas import fields as ours
from api_service.schemas.cursors import Cursor, instant_part, uuid_part, write_cursor
from api_service.schemas.delivery import show_delivery
from api_service.schemas.oncall.subscriptions import show_asked
from api_service.schemas.paging import Ranged, page_limit
from api_service.schemas.query_string import parse
from api_service.schemas.reading import read
from shared.domain.changelog import Action, FieldChange
from shared.domain.event import Event, body_of
from shared.domain.ids import ULID_LENGTH, is_ulid
from shared.timing.instants import Instant, iso

_WORDS: Final = tuple(action.value for action in Action)


class _Ulid(ours.Text):
    def __init__(self, *, named: str, **kwargs: Any) -> None:
        super().__init__(longest=ULID_LENGTH, shortest=ULID_LENGTH, **kwargs)
        self._named = named

    def understood(self, text: str) -> str:
        if not is_ulid(text):
            raise ValidationError(f"should be {self._named}, e.g. 01JD8M2Z9T5R0C4V7K3N6P1QXA")
        return text


class ChangesPage(Ranged):
    """Which part of which changes."""

    event_id = _Ulid(
        named="an event's id",
        data_key="eventId",
        metadata={"description": "Only what was done to this event, be it deleted."},
    )
    object_id = _Ulid(
        named="the id of an account user, a schedule, an on-call event or a feed token",
        data_key="objectId",
        metadata={
            "description": "Only what was done to this account user, schedule, on-call event or feed token, be it gone."
        },
    )
    action = ours.Items(
        ours.Choice(*_WORDS),
        most=len(_WORDS),
        single=True,
        metadata={"description": "Any of these."},
    )
    since = ours.Moment(data_key="from", metadata={"description": "Not before this date."})
    until = ours.Moment(data_key="to", metadata={"description": "Before this date."})
    limit = page_limit()
    cursor = Cursor(
        instant_part,
        uuid_part,
        metadata={"description": "`meta.next` of the page before, for the page after it."},
    )


class FieldChangeAnswer(Schema):
    """A field that is another than before. Of one that may be a secret, its values are left out."""

    name = fields.String(required=True, metadata={"description": "As it is sent.", "example": "interval"})
    before = fields.Raw(data_key="from", allow_none=True, metadata={"example": "0 0 9 * * *"})
    after = fields.Raw(data_key="to", allow_none=True, metadata={"example": "0 30 9 * * *"})


class ChangeAnswer(Schema):
    """Something that was done."""

    change_id = fields.String(data_key="changeId", metadata={"format": "uuid"})
    happened = ours.Moment(data_key="changedDate")
    action = fields.String(
        validate=validate.OneOf(_WORDS),
        metadata={
            "description": (
                "What was done. An event whose receiver answered 410 is paused by the service itself. What one request "
                "does to on-call events is told once, of the one that it asked about: an override of what was "
                "overridden, a restoration of the override that went. Subscriptions are events here."
            )
        },
    )
    key_id = fields.String(
        data_key="keyId",
        allow_none=True,
        metadata={
            "description": "The API key it was asked with, as /v1/keys calls it; null where nobody asked with a key.",
            "example": "01JD8M2Z9T5R0C4V7K3N6P1QXB",
        },
    )
    request_id = fields.String(
        data_key="requestId",
        allow_none=True,
        metadata={"description": "The `X-Request-Id` of the answer; the same for all that one request did."},
    )
    event_id = fields.String(
        data_key="eventId",
        allow_none=True,
        metadata={"description": "The event it was done to, which may be deleted by now; null where it was none."},
    )
    affected_key_id = fields.String(
        data_key="affectedKeyId", allow_none=True, metadata={"description": "The API key that was made or revoked."}
    )
    object_id = fields.String(
        data_key="objectId",
        allow_none=True,
        metadata={
            "description": (
                "The account user, schedule, on-call event or feed token it was done to, which may be gone by now; "
                "null where it was none."
            )
        },
    )
    fields_ = fields.List(
        fields.Nested(FieldChangeAnswer),
        data_key="fields",
        metadata={"description": "What is different: values of what can be no secret, names of the others."},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesWanted:
    """Which part of which changes."""

    limit: int
    since: Instant | None
    until: Instant | None
    beyond: tuple[Instant, UUID] | None
    event_id: str | None
    object_id: str | None
    actions: tuple[Action, ...]


CHANGES_PAGE = ChangesPage()


def read_changes_wanted(raw: str) -> ChangesWanted:
    """What a query string asks for; raises InvalidInput with every problem."""
    given = read(CHANGES_PAGE, parse(raw), _of_one, name="the query string")
    return ChangesWanted(
        limit=given["limit"],
        since=given.get("since"),
        until=given.get("until"),
        beyond=given.get("cursor"),
        event_id=given.get("event_id"),
        object_id=given.get("object_id"),
        actions=tuple(map(Action, dict.fromkeys(given.get("action", ())))),
    )


def show_change(change: Any) -> dict[str, Any]:
    """A change as JSON."""
    return {
        "changeId": str(change.change_id),
        "changedDate": iso(change.happened),
        "action": change.action,
        "keyId": change.key_id,
        "requestId": change.request_id,
        "eventId": change.event_id,
        "affectedKeyId": change.affected_key_id,
        "objectId": change.object_id,
        "fields": change.fields,
    }


def cursor_after(change: Any) -> str:
    """The cursor of what comes after this change."""
    return write_cursor(change.happened, str(change.change_id))


def differences(before: Event, after: Event) -> list[FieldChange]:
    """What somebody would see to be different between the two, by the names of the API, in the order of its fields."""
    was, now = _harmless(before), _harmless(after)
    shown = [{"name": name, "from": was[name], "to": now[name]} for name in now if was[name] != now[name]]
    return [*shown, *({"name": name} for name in _secret(before, after))]


def _of_one(valid: Mapping[str, Any]) -> Iterator[str]:
    if "event_id" in valid and "object_id" in valid:
        yield "objectId should be left out beside eventId; nothing is done to both"


def _harmless(event: Event) -> dict[str, Any]:
    told = show_delivery(event.delivery)
    return {
        "interval": event.interval,
        "timezone": event.timezone,
        "startDate": None if event.start_date is None else iso(event.start_date),
        "endDate": iso(event.end_date),
        "tags": list(event.tags),
        **{f"retryPolicy.{name}": value for name, value in told["retry_policy"].items()},
        "timeoutSeconds": told["timeout_seconds"],
        "misfirePolicy": told["misfire_policy"],
        "misfireGraceSeconds": told["misfire_grace_seconds"],
        "overlapPolicy": told["overlap_policy"],
        "spreadSeconds": told["spread_seconds"],
        "pausedReason": event.paused_reason,
        **(show_asked(event) if event.roster else {}),
    }


def _secret(before: Event, after: Event) -> Iterator[str]:
    if before.callback_url != after.callback_url:
        yield "callbackUrl"
    if body_of(before.context) != body_of(after.context):
        yield "context"
    if before.delivery.headers != after.delivery.headers:
        yield "headers"
