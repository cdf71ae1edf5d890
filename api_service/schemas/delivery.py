"""How an event is delivered, as it is asked for, changed and shown: in seconds, where the domain has milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.callback_headers import CallbackHeaders
from api_service.schemas.reading import Strict
from shared.domain.delivery import CATCH_UP_MOST, DEFAULT, Delivery, MisfirePolicy, OverlapPolicy, RetryPolicy

_ABOUT: Final = {
    "max_attempts": "How often an occurrence is attempted at the most; 1 is never again.",
    "initial_interval_seconds": "How long to wait after the first attempt, at the most: each wait is drawn at random.",
    "max_interval_seconds": "No wait is longer, unless the receiver asks for it with `Retry-After`.",
    "backoff_coefficient": "By what the bound of the wait grows from attempt to attempt.",
    "retry_policy": "How often to try again, after how long, when no answer came, or 408, 425, 429 or 5xx.",
    "timeout_seconds": "How long an attempt may take, from the connection to the end of the answer.",
    "misfire_policy": (
        "What to do about occurrences that nobody could attempt in time. latest: the latest one rings, the others are "
        f"skipped. skip: none rings. all: all ring, the latest {CATCH_UP_MOST} at the most."
    ),
    "misfire_grace_seconds": "An occurrence that is later than this is skipped, whatever misfirePolicy says.",
    "overlap_policy": (
        "What to do about an occurrence while an earlier one is unfinished, retries included. allow: it rings. skip: "
        "it is skipped."
    ),
    "spread_seconds": (
        "Spreads events that are due together: every occurrence rings later than the interval says, by an offset "
        "below this that is the event's own and never changes."
    ),
    "headers": (
        f"Headers that callbacks carry beside the service's own, at most {limits.HEADERS}. Their values are never "
        "shown again; a change replaces all of them."
    ),
    "header_names": "What the event's headers are called; their values are not shown.",
}
_EXAMPLE: Final = {"headers": {"Authorization": "Bearer 12345"}, "header_names": ["Authorization"]}


def _said(name: str) -> dict[str, Any]:
    """What OpenAPI says of a field."""
    return {"description": _ABOUT[name]} | ({"example": _EXAMPLE[name]} if name in _EXAMPLE else {})


def _whole(name: str, key: str, least: int, most: int, **kwargs: Any) -> ours.Whole:
    return ours.Whole(least=least, most=most, data_key=key, metadata=_said(name), **kwargs)


def _max_attempts(**kwargs: Any) -> ours.Whole:
    return _whole("max_attempts", "maxAttempts", 1, limits.ATTEMPTS, **kwargs)


def _initial_interval(**kwargs: Any) -> ours.Whole:
    return _whole("initial_interval_seconds", "initialIntervalSeconds", 1, limits.RETRY_INTERVAL_SECONDS, **kwargs)


def _max_interval(**kwargs: Any) -> ours.Whole:
    return _whole("max_interval_seconds", "maxIntervalSeconds", 1, limits.RETRY_INTERVAL_SECONDS, **kwargs)


def _backoff_coefficient(**kwargs: Any) -> ours.Number:
    said = _said("backoff_coefficient")
    return ours.Number(least=1, most=limits.BACKOFF_COEFFICIENT, data_key="backoffCoefficient", metadata=said, **kwargs)


class _Policy(Strict):
    @validates_schema(skip_on_field_errors=False)
    def _ordered(self, valid: dict[str, Any], **_: Any) -> None:
        initial, most = valid.get("initial_interval_seconds"), valid.get("max_interval_seconds")
        if initial is not None and most is not None and initial > most:
            raise ValidationError(f"should be at most maxIntervalSeconds, which is {most}", "initialIntervalSeconds")


class RetryPolicyRequest(_Policy):
    """How an occurrence is retried; what is left out is the default."""

    max_attempts = _max_attempts(load_default=DEFAULT.retry.max_attempts)
    initial_interval_seconds = _initial_interval(load_default=DEFAULT.retry.initial_interval_ms // 1000)
    max_interval_seconds = _max_interval(load_default=DEFAULT.retry.max_interval_ms // 1000)
    backoff_coefficient = _backoff_coefficient(load_default=DEFAULT.retry.backoff_coefficient)


class RetryPolicyChange(_Policy):
    """How an occurrence is retried from now on; what is left out stays as it is."""

    max_attempts = _max_attempts()
    initial_interval_seconds = _initial_interval()
    max_interval_seconds = _max_interval()
    backoff_coefficient = _backoff_coefficient()


def retry_policy(policy: type[Schema]) -> fields.Nested:
    """The field `retryPolicy`."""
    return fields.Nested(policy, data_key="retryPolicy", error_messages=ours.SAID, metadata=_said("retry_policy"))


def timeout(**kwargs: Any) -> ours.Whole:
    """The field `timeoutSeconds`."""
    return _whole("timeout_seconds", "timeoutSeconds", 1, limits.TIMEOUT_SECONDS, **kwargs)


def misfire_policy(**kwargs: Any) -> ours.Choice:
    """The field `misfirePolicy`."""
    return ours.Choice(*MisfirePolicy, data_key="misfirePolicy", metadata=_said("misfire_policy"), **kwargs)


def misfire_grace(**kwargs: Any) -> ours.Whole:
    """The field `misfireGraceSeconds`."""
    return _whole("misfire_grace_seconds", "misfireGraceSeconds", 1, limits.MISFIRE_GRACE_SECONDS, **kwargs)


def overlap_policy(**kwargs: Any) -> ours.Choice:
    """The field `overlapPolicy`."""
    return ours.Choice(*OverlapPolicy, data_key="overlapPolicy", metadata=_said("overlap_policy"), **kwargs)


def spread(**kwargs: Any) -> ours.Whole:
    """The field `spreadSeconds`."""
    return _whole("spread_seconds", "spreadSeconds", 0, limits.SPREAD_SECONDS, **kwargs)


def headers() -> CallbackHeaders:
    """The field `headers`, which comes in and never goes out."""
    return CallbackHeaders(load_only=True, metadata=_said("headers"))


def header_names() -> fields.List[str]:
    """The field `headerNames`, which goes out instead."""
    return fields.List(fields.String(), data_key="headerNames", metadata=_said("header_names"))


def word(policy: type[MisfirePolicy | OverlapPolicy], name: str, key: str) -> fields.String:
    """A policy as it is shown."""
    return fields.String(data_key=key, validate=validate.OneOf([one.value for one in policy]), metadata=_said(name))


def new_delivery(given: Mapping[str, Any]) -> Delivery:
    """How a new event is delivered, by the fields that were given; the others are the defaults."""
    if "headers" in given or "retry_policy" in given:
        return Delivery(**changed_fields(given), retry=RetryPolicy(**changed_retry(given)))
    return _plain_delivery(tuple([(sent, given[sent]) for sent in _DELIVERY if sent in given]))


@lru_cache(maxsize=1_024)  # nearly all events share a few; headers, which are secrets as a rule, are not kept here
def _plain_delivery(given: tuple[tuple[str, Any], ...]) -> Delivery:
    return Delivery(**changed_fields(dict(given)))


def changed_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Delivery, but for `retry`, that were given."""
    return {name: of(given[sent]) for sent, (name, of) in _DELIVERY.items() if sent in given}


def changed_retry(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of RetryPolicy that were given."""
    policy = given.get("retry_policy", {})
    return {name: of(policy[sent]) for sent, (name, of) in _RETRY.items() if sent in policy}


@lru_cache(maxsize=1_024)
def show_delivery(delivery: Delivery) -> Mapping[str, Any]:
    """What an answer says of it, by the names of the answer's fields; shared, so not to be changed."""
    retry = delivery.retry
    return {
        "retry_policy": {
            "maxAttempts": retry.max_attempts,
            "initialIntervalSeconds": retry.initial_interval_ms // 1000,
            "maxIntervalSeconds": retry.max_interval_ms // 1000,
            "backoffCoefficient": retry.backoff_coefficient,
        },
        "timeout_seconds": delivery.timeout_ms // 1000,
        "misfire_policy": delivery.misfire_policy,
        "misfire_grace_seconds": delivery.misfire_grace_ms // 1000,
        "overlap_policy": delivery.overlap_policy,
        "spread_seconds": delivery.spread_ms // 1000,
        "header_names": [name for name, _ in delivery.headers],
    }


def _ms(seconds: int) -> int:
    return seconds * 1000


def _in_order(named: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(named.items(), key=lambda header: header[0].lower()))


_RETRY: Final[Mapping[str, tuple[str, Any]]] = {
    "max_attempts": ("max_attempts", int),
    "initial_interval_seconds": ("initial_interval_ms", _ms),
    "max_interval_seconds": ("max_interval_ms", _ms),
    "backoff_coefficient": ("backoff_coefficient", float),
}
_DELIVERY: Final[Mapping[str, tuple[str, Any]]] = {
    "timeout_seconds": ("timeout_ms", _ms),
    "misfire_policy": ("misfire_policy", MisfirePolicy),
    "misfire_grace_seconds": ("misfire_grace_ms", _ms),
    "overlap_policy": ("overlap_policy", OverlapPolicy),
    "spread_seconds": ("spread_ms", _ms),
    "headers": ("headers", _in_order),
}
DELIVERY_FIELDS: Final = frozenset({*_DELIVERY, "retry_policy"})
