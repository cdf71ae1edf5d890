"""What the operations of /api/v4 refer to: schemas, parameters, and refusals with an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from api_service import limits
from api_service.schemas.oncall import (
    account_users,
    coverage,
    events,
    events_shown,
    feed_tokens,
    overriding,
    schedules,
    subscriptions,
    trials,
    windows,
)
from api_service.schemas.oncall.errors import Errors, Problem
from api_service.schemas.oncall.reading import Lenient
from api_service.schemas.reading import Strict
from api_service.wanted import Kind, Op
from shared.domain.errors import (
    AccountUserNotFound,
    NotAuthenticated,
    ObjectHasChanged,
    QuotaExceeded,
    TooManyRequests,
    Unavailable,
)
from shared.timing.zone_names import LISTED

SCHEMAS: dict[str, type[Schema]] = {
    "AccountUser": account_users.AccountUserAnswer,
    "AccountUserCreation": account_users.AccountUserCreation,
    "AccountUserChange": account_users.AccountUserChange,
    "Schedule": schedules.ScheduleAnswer,
    "ScheduleCreation": schedules.ScheduleCreation,
    "ScheduleChange": schedules.ScheduleChange,
    "EventAttendee": events_shown.EventAttendee,
    "EventException": events_shown.EventException,
    "OnCallEvent": events_shown.EventAnswer,
    "OnCallEventBody": events.EventBody,
    "Override": overriding.OverrideBody,
    "Occurrence": overriding.OccurrenceBody,
    "Shift": windows.ShiftAnswer,
    "Span": trials.SpanAnswer,
    "Held": trials.HeldAnswer,
    "OpenGap": trials.GapAnswer,
    "Window": trials.WindowAnswer,
    "Difference": trials.DifferenceAnswer,
    "Trial": trials.TrialAnswer,
    "Hours": coverage.HoursAnswer,
    "LayerHours": coverage.LayerHoursAnswer,
    "LayerCoverage": coverage.LayerAnswer,
    "PersonHours": coverage.PersonAnswer,
    "Coverage": coverage.CoverageAnswer,
    "FeedToken": feed_tokens.FeedTokenAnswer,
    "NewFeedToken": feed_tokens.NewFeedTokenAnswer,
    "FeedTokens": feed_tokens.FeedTokensAnswer,
    "Subscription": subscriptions.SubscriptionAnswer,
    "SubscriptionCreation": subscriptions.SubscriptionCreation,
    "SubscriptionChange": subscriptions.SubscriptionChange,
    "Problem": Problem,
    "Errors": Errors,
}

# What is shown has all of its fields, always.
ANSWERS = [name for name, schema in SCHEMAS.items() if not issubclass(schema, Lenient | Strict)]

TEXTS: dict[str, dict[str, Any]] = {"TimeZone": {"type": "string", "enum": list(LISTED)}}

# What a list can be filtered by, by the schema of what is in it.
ATTRIBUTES: dict[str, Mapping[str, Kind]] = {
    "AccountUser": account_users.ATTRIBUTES,
    "Schedule": schedules.ATTRIBUTES,
    "Subscription": subscriptions.ATTRIBUTES,
    "OnCallEvent": events_shown.ATTRIBUTES,
}

REFUSALS: dict[int, tuple[str, list[str]]] = {
    400: (
        "The request cannot be read: its body, its query string or one of its headers.",
        ["the body is empty; send a JSON object or a form"],
    ),
    401: ("No valid key.", [str(NotAuthenticated())]),
    403: ("The application may not have more of it.", [str(QuotaExceeded())]),
    404: ("There is no such thing, or it is another application's.", [str(AccountUserNotFound())]),
    408: ("The body did not arrive in time.", [f"the body should arrive within {limits.BODY_SECONDS:g} seconds"]),
    409: ("What was asked does not fit how things stand.", ["The account user attends 01JD8M2Z9T5R0C4V7K3N6P1QXE; …"]),
    412: ("It has changed since the ETag in If-Match was given.", [str(ObjectHasChanged())]),
    413: ("The body is too large.", [f"the body should have at most {limits.BODY_BYTES} bytes"]),
    415: ("The body is neither JSON nor a form.", ["Content-Type should be application/json or …"]),
    422: (
        "What was sent can be read, and something in it cannot be; every problem is listed.",
        ["layer can't be blank", "time_zone is not one to choose from: …"],
    ),
    429: ("The application asks too fast; try again after Retry-After seconds.", [str(TooManyRequests(retry_after=1))]),
    503: ("Something that the service needs is away; try again after Retry-After seconds.", [str(Unavailable())]),
}

_TIME = {"type": "string", "example": "2030-09-02T08:00:00Z"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "start": {
        "in": "query",
        "description": "Where the window begins; a time without an offset is UTC. A trial has a default.",
        "schema": _TIME,
    },
    "end": {"in": "query", "description": "Where the window ends; nothing at that time is in it.", "schema": _TIME},
    "at": {"in": "query", "description": "Which time is meant, if not now.", "schema": _TIME},
    "dry_run": {"in": "query", "description": "Only try it: nothing is written.", "schema": {"type": "boolean"}},
    "restore": {
        "in": "query",
        "description": "Whether what the override had replaced comes back.",
        "schema": {"type": "boolean"},
    },
    "format": {"in": "query", "description": "In what form.", "schema": {"type": "string", "enum": ["json", "csv"]}},
    "id": {"in": "path", "required": True, "schema": {"type": "string", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXC"}},
    "tokenId": {"in": "path", "required": True, "schema": {"type": "string", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXE"}},
    "token": {"in": "query", "description": "What opens the feed instead of a key.", "schema": {"type": "string"}},
    "sid": {"in": "path", "required": True, "schema": {"type": "string", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXS"}},
    "If-Match": {
        "in": "header",
        "description": "Do it only if a read would still answer with one of these tags, as `ETag` shows them, or `*`.",
        "schema": {"type": "string", "example": '"n4bQgYhMfWWaL-qgxVrQFa"'},
    },
    "If-None-Match": {
        "in": "header",
        "description": "Tags of answers that you have: where one still holds, the answer is 304.",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "in": "header",
        "description": "A name for this very request, so that repeating it creates nothing twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": limits.IDEMPOTENCY_KEY_LENGTH},
    },
    "limit": {
        "in": "query",
        "description": "The most that is to be returned.",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": limits.ONCALL_PAGE_MOST,
            "default": limits.ONCALL_PAGE_DEFAULT,
        },
    },
    "offset": {"in": "query", "description": "How many to skip.", "schema": {"type": "integer", "minimum": 0}},
    "page": {
        "in": "query",
        "description": "Which part of `limit` items, from 1; instead of `offset`.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "direction": {
        "in": "query",
        "description": "The least first, or the greatest. Without `sort`: the oldest first, or the newest.",
        "schema": {"type": "string", "enum": ["asc", "desc"]},
    },
    "ops": {
        "in": "query",
        "description": (
            "How attributes are compared where not by equals: `attribute:operation`, separated by commas. Operations "
            f"are {', '.join(Op)}; between takes `a..b`, and beginsWith and contains do not mind upper and lower case."
        ),
        "schema": {"type": "string", "example": "created_at:gte,name:beginsWith"},
    },
}


def filter_parameters(data: str) -> list[dict[str, Any]]:
    """What a list of this can be sorted and filtered by."""
    attributes = ATTRIBUTES[data]
    sortable = [name for name, kind in attributes.items() if not kind.is_set]
    sort = {"name": "sort", "in": "query", "description": "By what.", "schema": {"type": "string", "enum": sortable}}
    filters = [
        {
            "name": name,
            "in": "query",
            "description": f"Only where it is this {kind.words}; repeated, any of these.",
            "schema": {"type": "string"},
        }
        for name, kind in attributes.items()
    ]
    return [sort, *filters]
