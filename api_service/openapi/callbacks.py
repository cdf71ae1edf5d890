"""The operations of callback events, drawn from what is said of them and from the schemas that read and write."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from api_service.docs.operation import Operation
from api_service.docs.operations import OPERATIONS, SERVICE_PATHS
from api_service.openapi.callback_components import PARAMETERS, REFUSALS, SCHEMAS
from api_service.schemas.errors import show_error

_EXAMPLE_MOMENT = 1_914_821_236_244


def paths() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every path and method with its operation, in each of its spellings."""
    for operation in OPERATIONS:
        yield operation.path, operation.method, _operation(operation)
        if operation.path.startswith("/v1/events"):
            yield operation.path.replace("/v1/events", "/v1/event", 1), operation.method, _alias(operation)


def service_paths() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The same of what whoever operates the service asks."""
    for path, summary in SERVICE_PATHS.items():
        yield path, "get", _service_operation(path, summary)


def refusals() -> Iterator[tuple[str, dict[str, Any]]]:
    """The refusals by name."""
    for status, (description, message) in REFUSALS.items():
        yield _response_name(status), _refusal(status, description, message)


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
    described = [{"name": name, **PARAMETERS[name]} for name in operation.parameters]
    if operation.page:
        sent = [field.data_key or name for name, field in SCHEMAS[operation.page]().load_fields.items()]
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
            told["total"] = {"type": "integer", "description": operation.counts}
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
