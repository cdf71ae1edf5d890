"""Events as they are asked for, changed and shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, ClassVar, Final

from marshmallow import Schema, fields, validate

from api_service import limits
from api_service.schemas import delivery
from api_service.schemas import event_fields as its
from api_service.schemas import fields as ours
from api_service.schemas.reading import Strict, read, read_partly
from api_service.schemas.urls import fault_of_target
from shared.domain.delivery import DEFAULT, Delivery, MisfirePolicy, OverlapPolicy
from shared.domain.egress import STRICT, Egress
from shared.domain.errors import InvalidInput
from shared.domain.event import Changes, Event, PauseReason, Status, is_over, next_run, offset_of
from shared.timing.instants import Instant, iso

_READ_ONLY = dict.fromkeys(
    ("eventId", "createdDate", "updatedDate", "nextRunDate", "nextRunEffectiveDate", "lastRunDate", "version"),
    "is read-only: the service sets it; leave it out",
) | {
    "status": "is read-only: leave it out and use /pause and /resume",
    "pausedReason": "is read-only: leave it out and use /pause and /resume",
    "headerNames": "is read-only: it shows what headers are called; leave it out and send headers",
}


class EventCreation(Strict):
    """What a client says to create an event."""

    refused: ClassVar[Mapping[str, str]] = _READ_ONLY

    event_owner = ours.Owner(
        longest=limits.EMAIL_LENGTH, data_key="eventOwner", required=True, metadata=its.said("event_owner")
    )
    end_date = its.end_date(required=True)
    interval = its.interval(required=True)
    callback_url = its.callback_url(required=True)
    context = its.context()
    tags = its.tags()
    timezone = its.timezone(load_default="UTC")
    start_date = its.start_date()
    retry_policy = delivery.retry_policy(delivery.RetryPolicyRequest)
    timeout_seconds = delivery.timeout(load_default=DEFAULT.timeout_ms // 1000)
    misfire_policy = delivery.misfire_policy(load_default=DEFAULT.misfire_policy.value)
    misfire_grace_seconds = delivery.misfire_grace(load_default=DEFAULT.misfire_grace_ms // 1000)
    overlap_policy = delivery.overlap_policy(load_default=DEFAULT.overlap_policy.value)
    spread_seconds = delivery.spread(load_default=DEFAULT.spread_ms // 1000)
    headers = delivery.headers()


class EventChange(Strict):
    """What a client says to change an event; what is left out stays as it is."""

    refused: ClassVar[Mapping[str, str]] = _READ_ONLY | {
        "eventOwner": "cannot be changed; create another event instead"
    }

    end_date = its.end_date()
    interval = its.interval()
    callback_url = its.callback_url()
    context = its.context()
    tags = its.tags()
    timezone = its.timezone()
    start_date = its.start_date()
    retry_policy = delivery.retry_policy(delivery.RetryPolicyChange)
    timeout_seconds = delivery.timeout()
    misfire_policy = delivery.misfire_policy()
    misfire_grace_seconds = delivery.misfire_grace()
    overlap_policy = delivery.overlap_policy()
    spread_seconds = delivery.spread()
    headers = delivery.headers()


class EventAnswer(Schema):
    """An event."""

    event_id = fields.String(data_key="eventId", metadata=its.said("event_id"))
    status = fields.String(validate=validate.OneOf([status.value for status in Status]), metadata=its.said("status"))
    paused_reason = fields.String(
        data_key="pausedReason",
        allow_none=True,
        validate=validate.OneOf([reason.value for reason in PauseReason]),
        metadata=its.said("paused_reason"),
    )
    created_date = ours.Moment(data_key="createdDate")
    updated_date = ours.Moment(data_key="updatedDate")
    event_owner = fields.String(data_key="eventOwner", metadata=its.said("event_owner") | {"format": "idn-email"})
    start_date = ours.Moment(data_key="startDate", allow_none=True, metadata=its.said("start_date"))
    end_date = ours.Moment(data_key="endDate", metadata=its.said("end_date"))
    interval = fields.String(metadata=its.said("interval"))
    timezone = fields.String(metadata=its.said("timezone"))
    callback_url = fields.String(data_key="callbackUrl", metadata=its.said("callback_url") | {"format": "iri"})
    context = fields.Dict(metadata=its.said("context"))
    tags = fields.List(fields.String(), metadata=its.said("tags"))
    retry_policy = delivery.retry_policy(delivery.RetryPolicyRequest)
    timeout_seconds = delivery.timeout()
    misfire_policy = delivery.word(MisfirePolicy, "misfire_policy", "misfirePolicy")
    misfire_grace_seconds = delivery.misfire_grace()
    overlap_policy = delivery.word(OverlapPolicy, "overlap_policy", "overlapPolicy")
    spread_seconds = delivery.spread()
    header_names = delivery.header_names()
    next_run_date = ours.Moment(
        data_key="nextRunDate",
        allow_none=True,
        metadata={"description": "The next occurrence, as the interval says; null where none is due."},
    )
    next_run_effective_date = ours.Moment(
        data_key="nextRunEffectiveDate",
        allow_none=True,
        metadata={"description": "When it is called back: later by the event's share of spreadSeconds."},
    )
    last_run_date = ours.Moment(
        data_key="lastRunDate", allow_none=True, metadata={"description": "The start of the latest attempt, or null."}
    )
    schedule_id = fields.String(
        data_key="scheduleId",
        metadata={"description": "Of a subscription: the schedule whose transitions it calls back; others have none."},
    )
    version = fields.Integer(
        metadata={
            "description": "Rises with every change made through this API, and not with rings; `ETag` says it too."
        }
    )


# Not frozen, since a frozen one takes three times as long to make; nobody changes it.
@dataclass(slots=True, kw_only=True)
class NewEvent:
    """What is to be created."""

    event_owner: str
    end_date: Instant
    interval: str
    callback_url: str
    context: Mapping[str, Any]
    tags: tuple[str, ...]
    timezone: str
    start_date: Instant | None
    delivery: Delivery = DEFAULT


CREATION = EventCreation()
CHANGE = EventChange()
ANSWER = EventAnswer()


def read_new_event(sent: Any, now: Instant, egress: Egress = STRICT) -> NewEvent:
    """The event that was asked for; raises InvalidInput with every problem."""
    new, problems = read_one_of(sent, now, egress)
    if new is None:
        raise InvalidInput(problems)
    return new


def read_one_of(
    sent: Any, now: Instant, egress: Egress = STRICT, *, place: str = ""
) -> tuple[NewEvent | None, list[str]]:
    """The event that was asked for, or every problem with it, named by its place where there are others."""
    given, problems = read_partly(
        CREATION,
        sent,
        lambda valid: _wrong_dates(valid, now),
        lambda valid: _wrong_target(valid, egress),
        place=place,
    )
    return None if problems else _new_event(given), problems


def _new_event(given: Mapping[str, Any]) -> NewEvent:
    return NewEvent(
        event_owner=given["event_owner"],
        end_date=given["end_date"],
        interval=given["interval"],
        callback_url=given["callback_url"],
        context=given.get("context", {}),
        tags=tuple(given.get("tags", ())),
        timezone=given["timezone"],
        start_date=given.get("start_date"),
        delivery=delivery.new_delivery(given),
    )


def read_changes(sent: Any, now: Instant, egress: Egress = STRICT) -> Changes:
    """The changes that were asked for; raises InvalidInput with every problem."""
    given = read(CHANGE, sent, lambda valid: _wrong_dates(valid, now), lambda valid: _wrong_target(valid, egress))
    if "tags" in given:
        given["tags"] = tuple(given["tags"])
    plain = {name: value for name, value in given.items() if name not in delivery.DELIVERY_FIELDS}
    return Changes(
        given=frozenset({*plain, "delivery"} if len(plain) < len(given) else plain),
        **plain,
        delivery=delivery.changed_fields(given),
        retry=delivery.changed_retry(given),
    )


def show_event(event: Event, now: Instant) -> dict[str, Any]:
    """The event as JSON, as it stands at this moment."""
    over, due = is_over(event, now), next_run(event, now)
    shown = dict(zip(_SHOWN, _stored(event), strict=True))
    shown.update(_show_delivery(event.delivery))
    shown["status"] = Status.FINISHED if over else event.status
    shown["pausedReason"] = None if over else event.paused_reason
    shown["nextRunDate"] = due
    shown["nextRunEffectiveDate"] = None if due is None else due + offset_of(event)
    for key in _MOMENTS:
        if (moment := shown[key]) is not None:
            shown[key] = iso(moment)
    if event.schedule_id is not None:
        shown["scheduleId"] = event.schedule_id
    return shown


@lru_cache(maxsize=1_024)
def _show_delivery(of_event: Delivery) -> Mapping[str, Any]:
    told = delivery.show_delivery(of_event)
    return {key: told[name] for key, (name, _) in _DUMPED.items() if name in told}


# What ANSWER.dump would do, at a tenth of its time: a page shows up to a thousand events. Each key has its place here;
# what is no attribute of an event is put there later.
_DUMPED: Final = {
    field.data_key or name: (name, field) for name, field in ANSWER.dump_fields.items() if name != "schedule_id"
}
_SHOWN: Final = tuple(_DUMPED)
_MOMENTS: Final = tuple(key for key, (_, field) in _DUMPED.items() if isinstance(field, ours.Moment))
_OF_AN_EVENT: Final = {field.name for field in dataclasses.fields(Event)}
_stored: Final = attrgetter(*(name if name in _OF_AN_EVENT else "event_id" for name, _ in _DUMPED.values()))


def _wrong_dates(valid: Mapping[str, Any], now: Instant) -> Iterator[str]:
    """What is wrong between the dates and the moment."""
    start, end = valid.get("start_date"), valid.get("end_date")
    if end is not None and end <= now:
        yield "endDate should be in the future"
    if start is not None and end is not None and start >= end:
        yield "startDate should be before endDate"


def _wrong_target(valid: Mapping[str, Any], egress: Egress) -> Iterator[str]:
    """What is wrong with where the callback leads, in this installation."""
    url = valid.get("callback_url")
    if url is not None and (fault := fault_of_target(url, egress)) is not None:
        yield f"callbackUrl {fault}"
