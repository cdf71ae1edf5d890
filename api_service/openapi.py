"""The API as an OpenAPI 3.1 document, drawn from the schemas that really read and write."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from api_service import limits
from api_service.docs.operation import Operation
from api_service.docs.operations import OPERATIONS, SERVICE_PATHS
from api_service.schemas import audits
from api_service.schemas import fields as ours
from api_service.schemas.applications import ApplicationAnswer, Registration
from api_service.schemas.bulk import BulkAnswer, BulkFailure, BulkRequest
from api_service.schemas.changes import ChangeAnswer, ChangesPage, FieldChangeAnswer
from api_service.schemas.delivery import RetryPolicyChange, RetryPolicyRequest
from api_service.schemas.errors import ErrorAnswer, show_error
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
from shared.version import VERSION

_SCHEMAS: dict[str, type[Schema]] = {
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
_FORMATS = {ours.Moment: "date-time", ours.Email: "idn-email", ours.CallbackUrl: "iri"}  # umlauts are welcome
_EXAMPLE_MOMENT = 1_914_821_236_244

_REFUSALS: dict[int, tuple[str, list[str]]] = {
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

_PARAMETERS: dict[str, dict[str, Any]] = {
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

_ABOUT = f"""\
Carillon calls your URL on time: an **event** says when (a cron expression), where (a URL) and with what (a JSON
object).

Every answer is `{{"data": …}}`, and lists also have `"meta": {{"total": …}}`, or `next` there. Every error has
one shape, and its `message` lists every problem at once. `X-Request-Id` in an answer names the request: as you called
it in that header, or anew. Dates go out as ISO 8601 in UTC with milliseconds and come in with any offset.

Every path under `/v1/events` also answers under `/v1/event`. Bodies are JSON of at most
{limits.BODY_BYTES // 1024} KiB; what is not known, in a body or in a query string, is refused by name.

Every answer about one event says its `version` in `ETag`. It rises with every change made through this API, not with
rings. Send it back as `If-Match`, and a change is made only if nobody was faster (else: 412). A request that you have
given up may be carried out yet, later: with `If-Match` it undoes nothing that you did since.

A callback is a POST of the event's context, and nothing around it. It comes at least once; repeats carry the same
`webhook-id`.
"""


def document() -> dict[str, Any]:
    """The whole document."""
    marshmallow = MarshmallowPlugin()
    spec = APISpec(
        title="Carillon",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": _ABOUT},
        plugins=[marshmallow],
        security=[{"apiKey": []}, {"bearer": []}],
        tags=[{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
    )
    for field, kind in _FORMATS.items():
        marshmallow.map_to_openapi_type(field, "string", kind)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("apiKey", {"type": "apiKey", "in": "header", "name": "X-API-Key"})
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for name, schema in _SCHEMAS.items():
        spec.components.schema(name, schema=schema)
    for status, (description, message) in _REFUSALS.items():
        spec.components.response(_response_name(status), _refusal(status, description, message))

    for operation in OPERATIONS:
        spec.path(operation.path, operations={operation.method: _operation(operation)})
        if operation.path.startswith("/v1/events"):
            spec.path(
                operation.path.replace("/v1/events", "/v1/event", 1), operations={operation.method: _alias(operation)}
            )
    for path, summary in SERVICE_PATHS.items():
        spec.path(path, operations={"get": _service_operation(path, summary)})
    described: dict[str, Any] = spec.to_dict()
    return described


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(operation),
        "responses": {
            str(operation.status): _success(operation),
            **{
                str(status): {"$ref": f"#/components/responses/{_response_name(status)}"}
                for status in operation.all_refusals
            },
        },
    }
    if operation.body:
        schema = {"$ref": f"#/components/schemas/{operation.body}"}
        content = {"application/json": {"schema": schema, "example": operation.example}}
        described["requestBody"] = {"required": True, "content": content}
    if not operation.needs_key:
        described["security"] = []
    return described


def _alias(operation: Operation) -> dict[str, Any]:
    return _operation(operation) | {
        "operationId": f"{operation.name}ByOtherPath",
        "description": f"The same as `{operation.method.upper()} {operation.path}`.",
        "x-same-as": operation.name,
    }


def _service_operation(path: str, summary: str) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": summary}}
    if path == "/readyz":
        responses["503"] = {"$ref": f"#/components/responses/{_response_name(503)}"}
    name = path.strip("/").removesuffix(".json")
    return {"operationId": name, "tags": ["Service"], "summary": summary, "security": [], "responses": responses}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    """Those with a description of their own, and whatever else there is in the schema of the query string."""
    described = [{"name": name, **_PARAMETERS[name]} for name in operation.parameters]
    if operation.page:
        sent = [field.data_key or name for name, field in _SCHEMAS[operation.page]().load_fields.items()]
        properties = f"#/components/schemas/{operation.page}/properties/"
        described += [
            {"name": name, "in": "query", "schema": {"$ref": properties + name}}
            for name in sent
            if name not in operation.parameters
        ]
    return described


def _success(operation: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{operation.data}"}
    properties = {"data": schema}
    if operation.is_list:
        told: dict[str, Any] = {}
        if operation.is_counted:
            told["total"] = {"type": "integer", "description": "How many match in all."}
        if operation.by_cursor:
            told["next"] = {"type": ["string", "null"], "description": "The next page's `cursor`; null on the last."}
        meta = {"type": "object", "required": list(told), "properties": told}
        properties = {"data": {"type": "array", "items": schema}, "meta": meta}
    body = {"type": "object", "required": list(properties), "properties": properties}
    success: dict[str, Any] = {
        "description": HTTPStatus(operation.status).phrase,
        "content": {"application/json": {"schema": body}},
    }
    if operation.data == "Event" and not operation.is_list:
        said = "The event's version, to be sent back as If-Match."
        success["headers"] = {"ETag": {"description": said, "schema": {"type": "string", "example": '"42"'}}}
    return success


def _refusal(status: int, description: str, message: list[str]) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/Error"},
        "example": show_error(status, message, _EXAMPLE_MOMENT),
    }
    refusal: dict[str, Any] = {"description": description, "content": {"application/json": content}}
    if status in {429, 503}:
        refusal["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return refusal


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")
