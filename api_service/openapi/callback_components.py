"""What the operations of callback events refer to: schemas, parameters, and refusals with an example of each."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

from api_service import limits
from api_service.schemas import audits
from api_service.schemas.applications import ApplicationAnswer, Registration
from api_service.schemas.batch import BatchCreation
from api_service.schemas.bulk import BulkAnswer, BulkFailure, BulkRequest
from api_service.schemas.changes import ChangeAnswer, ChangesPage, FieldChangeAnswer
from api_service.schemas.delivery import RetryPolicyChange, RetryPolicyRequest
from api_service.schemas.errors import ErrorAnswer
from api_service.schemas.events import EventAnswer, EventChange, EventCreation
from api_service.schemas.executions import (
    AttemptAnswer,
    AttemptDetail,
    ExecutionAnswer,
    ExecutionDetail,
    ResponseAnswer,
)
from api_service.schemas.executions_wanted import ExecutionsPage, ReplayRequest
from api_service.schemas.keys import ApiKeyAnswer, NewApiKeyAnswer, Rotation
from api_service.schemas.listing import ContextRequest, EventsPage, QueryEvent
from api_service.schemas.previews import PreviewAnswer, PreviewRequest
from api_service.schemas.replays import ReplayAnswer
from api_service.schemas.signing import (
    NewSigningSecretAnswer,
    SecretDatesAnswer,
    SigningRotation,
    SigningSecretAnswer,
)
from shared.domain.errors import EventHasChanged, KeyReused, NotAuthenticated, QuotaExceeded, TooManyRequests
from shared.domain.event import Status

SCHEMAS: dict[str, type[Schema]] = {
    "Application": ApplicationAnswer,
    "Registration": Registration,
    "ApiKey": ApiKeyAnswer,
    "NewApiKey": NewApiKeyAnswer,
    "Rotation": Rotation,
    "SecretDates": SecretDatesAnswer,
    "SigningSecret": SigningSecretAnswer,
    "NewSigningSecret": NewSigningSecretAnswer,
    "SigningRotation": SigningRotation,
    "RetryPolicy": RetryPolicyRequest,
    "RetryPolicyChange": RetryPolicyChange,
    "Event": EventAnswer,
    "EventCreation": EventCreation,
    "EventChange": EventChange,
    "EventBatch": BatchCreation,
    "ContextRequest": ContextRequest,
    "QueryEvent": QueryEvent,
    "EventsPage": EventsPage,
    "Attempt": AttemptAnswer,
    "Execution": ExecutionAnswer,
    "Response": ResponseAnswer,
    "AttemptDetail": AttemptDetail,
    "ExecutionDetail": ExecutionDetail,
    "ExecutionsPage": ExecutionsPage,
    "ReplayRequest": ReplayRequest,
    "Replay": ReplayAnswer,
    "BulkRequest": BulkRequest,
    "BulkFailure": BulkFailure,
    "Bulk": BulkAnswer,
    "FieldChange": FieldChangeAnswer,
    "Change": ChangeAnswer,
    "ChangesPage": ChangesPage,
    "AuditTime": audits.AuditTime,
    "Gap": audits.GapAnswer,
    "Gaps": audits.GapsAnswer,
    "Entry": audits.EntryAnswer,
    "Unexpected": audits.UnexpectedAnswer,
    "Recorded": audits.RecordedAnswer,
    "Audit": audits.AuditAnswer,
    "PreviewRequest": PreviewRequest,
    "Preview": PreviewAnswer,
    "Error": ErrorAnswer,
}
REFUSALS: dict[int, tuple[str, list[str]]] = {
    400: (
        "Something in the request is wrong; every problem is listed.",
        ["endDate should be in the future", "interval is not a valid cron expression: …"],
    ),
    401: ("No valid key, or no valid registration token.", [str(NotAuthenticated())]),
    403: ("The application may not have more of it.", [str(QuotaExceeded())]),
    404: ("There is no such thing, or it is another application's.", ["There is no event with this id."]),
    408: ("The body did not arrive in time.", [f"the body should arrive within {limits.BODY_SECONDS:g} seconds"]),
    409: ("What was asked does not fit how things stand.", ["The event is PAUSED; resume it first."]),
    412: ("The event has another version than If-Match asks for.", [str(EventHasChanged())]),
    413: ("The body is too large.", [f"the body should have at most {limits.BODY_BYTES} bytes"]),
    415: ("The body is not JSON in UTF-8.", ["Content-Type should be application/json"]),
    422: ("The Idempotency-Key was used for something else.", [str(KeyReused())]),
    429: ("The application asks too fast; try again after Retry-After seconds.", [str(TooManyRequests(retry_after=1))]),
    503: (
        "Something that the service needs is away; try again after Retry-After seconds.",
        ["The service cannot reach what it needs at the moment; try again shortly."],
    ),
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "eventId": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXA"},
    },
    "executionId": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXA-1900000000000"},
    },
    "keyId": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXB"},
    },
    "Idempotency-Key": {
        "in": "header",
        "description": "A name for this very request, so that repeating it creates nothing twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": limits.IDEMPOTENCY_KEY_LENGTH},
    },
    "If-Match": {
        "in": "header",
        "description": "Do it only if the event still has one of these versions: tags as `ETag` shows them, or `*`.",
        "schema": {"type": "string", "example": '"42"'},
    },
    "X-Registration-Token": {
        "in": "header",
        "description": "The operator's token, where registering needs one.",
        "schema": {"type": "string"},
    },
    "query": {
        "in": "query",
        "style": "deepObject",
        "explode": True,
        "description": "Which events. With brackets or as one JSON string.",
        "schema": {"$ref": "#/components/schemas/QueryEvent"},
    },
    "status": {
        "in": "query",
        "description": "Any of these statuses: the same as `status` inside `query`, and instead of it.",
        "schema": {"type": "array", "items": {"type": "string", "enum": [status.value for status in Status]}},
    },
}
