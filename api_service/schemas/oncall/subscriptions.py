"""Subscriptions as they are asked for, changed, listed and shown: in the words of callback events, which they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from api_service import limits
from api_service.schemas import delivery
from api_service.schemas import fields as strict
from api_service.schemas.oncall import fields as ours
from api_service.schemas.oncall.bodies import with_numbers
from api_service.schemas.oncall.durations import read_duration, show_duration
from api_service.schemas.oncall.reading import Lenient, read_fields
from api_service.schemas.reading import Check
from api_service.schemas.urls import fault_of_target
from api_service.wanted import Kind
from shared.domain.delivery import Delivery, MisfirePolicy
from shared.domain.egress import STRICT, Egress
from shared.domain.errors import Unprocessable
from shared.domain.event import Event, PauseReason
from shared.domain.roster import TransitionKind
from shared.domain.subscription import Asked, asked_of

ATTRIBUTES: Final[Mapping[str, Kind]] = {
    "id": Kind.ID,
    "callbackUrl": Kind.TEXT,
    "eventOwner": Kind.TEXT,
    "createdDate": Kind.MOMENT,
    "updatedDate": Kind.MOMENT,
}

_LEAD_MS: Final = limits.LEAD_DAYS * 86_400_000
_KINDS: Final = tuple(kind.value for kind in TransitionKind)
_NUMBERS: Final = ("timeoutSeconds", "misfireGraceSeconds")
_ABOUT: Final = {
    "callback_url": "Where to POST. http or https, with a host, without user name and password.",
    "on": "What to tell.",
    "lead_time": (
        "How long before a shift starts shift.starting is told, as an ISO 8601 duration; needed for it, and for "
        f"nothing else. At most {limits.LEAD_DAYS} days."
    ),
    "layers": "The layers to tell of; without them all.",
    "event_owner": "E-mail address of whoever is told when callbacks begin to fail; set once.",
    "misfire_policy": (
        "What to do about transitions that nobody could tell in time. all: each is told, the latest 100 at the most; "
        "no transition stands for another. latest: only the latest one is. skip: none is."
    ),
}


class _Transition(ours.Text):
    def understood(self, text: str) -> str:
        if text not in _KINDS:
            raise ValidationError(f"should be one of {', '.join(_KINDS)}")
        return text


class _LeadTime(ours.Text):
    def understood(self, text: str) -> str:
        try:
            lead_ms = read_duration(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if not 0 < lead_ms <= _LEAD_MS:
            raise ValidationError(f"should be longer than nothing and at most {limits.LEAD_DAYS} days")
        return text


def _url(**kwargs: Any) -> strict.CallbackUrl:
    said = {"description": _ABOUT["callback_url"], "example": "https://example.com/oncall"}
    return strict.CallbackUrl(longest=limits.URL_LENGTH, data_key="callbackUrl", metadata=said, **kwargs)


def _on(**kwargs: Any) -> ours.Several:
    said = {"description": _ABOUT["on"], "example": ["shift.started"]}
    return ours.Several(
        _Transition(longest=limits.ONCALL_ID_LENGTH), most=len(_KINDS), metadata=said, validate=_something, **kwargs
    )


def _something(values: list[str]) -> None:
    if not values:
        raise ValidationError(ours.BLANK)


def _lead_time() -> _LeadTime:
    said = {"description": _ABOUT["lead_time"], "example": "PT30M"}
    return _LeadTime(longest=limits.ONCALL_ID_LENGTH, data_key="leadTime", allow_none=True, metadata=said)


def _layers() -> ours.Several:
    layer = ours.Whole(least=1, most=limits.LAYER_MOST)
    return ours.Several(layer, most=limits.LAYERS_ASKED, metadata={"description": _ABOUT["layers"], "example": [1]})


class SubscriptionCreation(Lenient):
    """Which transitions of a schedule are to be called back, and where and how."""

    callback_url = _url(required=True)
    on = _on(required=True)
    lead_time = _lead_time()
    layers = _layers()
    event_owner = ours.Email(
        longest=limits.EMAIL_LENGTH, data_key="eventOwner", metadata={"description": _ABOUT["event_owner"]}
    )
    retry_policy = delivery.retry_policy(delivery.RetryPolicyRequest)
    timeout_seconds = delivery.timeout()
    misfire_policy = delivery.misfire_policy()
    misfire_grace_seconds = delivery.misfire_grace()
    headers = delivery.headers()


class SubscriptionChange(Lenient):
    """What of a subscription is to be different; what is not named stays."""

    callback_url = _url()
    on = _on()
    lead_time = _lead_time()
    layers = _layers()
    retry_policy = delivery.retry_policy(delivery.RetryPolicyChange)
    timeout_seconds = delivery.timeout()
    misfire_policy = delivery.misfire_policy()
    misfire_grace_seconds = delivery.misfire_grace()
    headers = delivery.headers()


class SubscriptionAnswer(Schema):
    """A subscription. Its executions are those of the event of the same id."""

    event_id = fields.String(data_key="id", metadata={"example": "01JD8M2Z9T5R0C4V7K3N6P1QXS"})
    schedule_id = fields.String(data_key="scheduleId", metadata={"example": "01JD8M2Z9T5R0C4V7K3N6P1QXD"})
    callback_url = fields.String(data_key="callbackUrl", metadata={"format": "iri"})
    on = fields.List(fields.String(validate=validate.OneOf(_KINDS)))
    lead_time = fields.String(data_key="leadTime", allow_none=True, metadata={"example": "PT30M"})
    layers = fields.List(fields.Integer())
    event_owner = fields.String(data_key="eventOwner", allow_none=True)
    paused_reason = fields.String(
        data_key="pausedReason", allow_none=True, validate=validate.OneOf([reason.value for reason in PauseReason])
    )
    retry_policy = delivery.retry_policy(delivery.RetryPolicyRequest)
    timeout_seconds = delivery.timeout()
    misfire_policy = delivery.word(MisfirePolicy, "misfire_policy", "misfirePolicy")
    misfire_grace_seconds = delivery.misfire_grace()
    header_names = delivery.header_names()
    created_date = strict.Moment(data_key="createdDate")
    updated_date = strict.Moment(data_key="updatedDate")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionWanted:
    """What is to be subscribed to."""

    callback_url: str
    asked: Asked
    event_owner: str
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChanges:
    """What is to be different: of what is asked, and of how it is delivered, the fields that are given."""

    callback_url: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    delivery: Mapping[str, Any] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)


_CREATION, _CHANGE, _ANSWER = SubscriptionCreation(), SubscriptionChange(), SubscriptionAnswer()


def read_new_subscription(sent: Mapping[str, Any], egress: Egress = STRICT) -> SubscriptionWanted:
    """The subscription that is asked for; raises Unprocessable with every problem."""
    given = read_fields(
        _CREATION, _with_numbers(sent), lambda valid: _wrong_target(valid, egress), _wrong_lead_of(sent)
    )
    return SubscriptionWanted(
        callback_url=given["callback_url"],
        asked=Asked(**_asked(given)),
        event_owner=given.get("event_owner", ""),
        delivery=delivery.new_delivery({"misfire_policy": MisfirePolicy.ALL.value, **given}),
    )


def read_subscription_changes(sent: Mapping[str, Any], egress: Egress = STRICT) -> SubscriptionChanges:
    """What of a subscription is to be different; raises Unprocessable with every problem."""
    given = read_fields(_CHANGE, _with_numbers(sent), lambda valid: _wrong_target(valid, egress))
    asked = _asked(given)
    if "on" in asked and TransitionKind.SHIFT_STARTING not in asked["on"] and "lead_ms" not in asked:
        asked["lead_ms"] = 0  # it goes with what it is for
    return SubscriptionChanges(
        callback_url=given.get("callback_url"),
        asked=asked,
        delivery=delivery.changed_fields(given),
        retry=delivery.changed_retry(given),
    )


def check_asked(asked: Asked) -> Asked:
    """The same, if it goes together; raises Unprocessable."""
    lead_time = show_duration(asked.lead_ms) if asked.lead_ms else None
    if problems := list(_wrong_lead({"on": asked.on, "lead_time": lead_time})):
        raise Unprocessable(problems)
    return asked


def show_subscription(subscription: Event) -> dict[str, Any]:
    """The subscription as JSON; nothing of it changes by itself, so its tag holds until somebody changes something."""
    told, asked = delivery.show_delivery(subscription.delivery), show_asked(subscription)
    shown: dict[str, Any] = _ANSWER.dump({
        **{name: told[name] for name in _DELIVERED},
        **{name: getattr(subscription, name) for name in _OWN},
        "event_owner": subscription.event_owner or None,
    })
    return shown | asked | {"retryPolicy": told["retry_policy"]}  # which are written out already


def show_asked(subscription: Event) -> dict[str, Any]:
    """What is asked of the schedule, by the names of the API."""
    asked = asked_of(subscription)
    return {
        "on": [kind.value for kind in asked.on],
        "leadTime": show_duration(asked.lead_ms) if asked.lead_ms else None,
        "layers": list(asked.layers),
    }


_OWN: Final = ("event_id", "schedule_id", "callback_url", "paused_reason", "created_date", "updated_date")
_DELIVERED: Final = ("timeout_seconds", "misfire_policy", "misfire_grace_seconds", "header_names")


def _with_numbers(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with numbers where a form could only write digits: as events, which take no forms, want them."""
    policy = sent.get("retryPolicy")
    given = {**sent, "retryPolicy": with_numbers(policy, policy)} if isinstance(policy, dict) else sent
    return with_numbers(given, _NUMBERS)


def _asked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Asked that were given."""
    found: dict[str, Any] = {}
    if "on" in given:
        found["on"] = tuple(kind for kind in TransitionKind if kind.value in given["on"])
    if "lead_time" in given:
        found["lead_ms"] = read_duration(given["lead_time"]) if given["lead_time"] else 0
    if "layers" in given:
        found["layers"] = tuple(sorted(given["layers"]))
    return found


def _wrong_lead_of(sent: Mapping[str, Any]) -> Check:
    """The same of a body, where what is wrong with the duration itself is told already."""
    return lambda valid: () if sent.get("leadTime") and "lead_time" not in valid else _wrong_lead(valid)


def _wrong_lead(valid: Mapping[str, Any]) -> Iterator[str]:
    is_asked = TransitionKind.SHIFT_STARTING.value in valid.get("on", ())
    if is_asked and not valid.get("lead_time"):
        yield "leadTime can't be blank with shift.starting: say how long before"
    elif valid.get("on") and not is_asked and valid.get("lead_time"):
        yield "leadTime belongs to shift.starting; ask for that too, or leave it out"


def _wrong_target(valid: Mapping[str, Any], egress: Egress) -> Iterator[str]:
    url = valid.get("callback_url")
    if url is not None and (fault := fault_of_target(url, egress)) is not None:
        yield f"callbackUrl {fault}"
