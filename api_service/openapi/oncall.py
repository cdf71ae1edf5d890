"""The operations of /api/v4, drawn from what is said of them and from the schemas that really read and write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from api_service.docs.oncall.operation import OncallOperation, Shape
from api_service.docs.oncall.operations import ONCALL_OPERATIONS
from api_service.openapi.oncall_components import PARAMETERS, REFUSALS, filter_parameters
from api_service.schemas.oncall.bodies import FORM
from api_service.schemas.oncall.errors import show_errors

_PLACE = re.compile(r"{(\w+)}")
_LIST = ("limit", "offset", "page", "direction", "ops")
_TRIAL = ("dry_run", "start", "end")
_ETAG = {"description": "The tag of this answer.", "schema": {"type": "string", "example": '"n4bQgYhMfWWaL-qgxVrQFa"'}}
_RETRY = {"Retry-After": {"schema": {"type": "integer"}}}


def paths() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every path and method with its operation."""
    for operation in ONCALL_OPERATIONS:
        yield operation.path, operation.method, _operation(operation)


def refusals() -> Iterator[tuple[str, dict[str, Any]]]:
    """The refusals by name."""
    for status, (description, messages) in REFUSALS.items():
        content = {"schema": _ref("Errors"), "example": show_errors(status, messages)}
        refusal: dict[str, Any] = {"description": description, "content": {"application/json": content}}
        yield _refusal_name(status), refusal | ({"headers": _RETRY} if status in {429, 503} else {})


def _operation(operation: OncallOperation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body:
        schema = _ref(operation.body)
        content = {"application/json": {"schema": schema, "example": operation.example}, FORM: {"schema": schema}}
        described["requestBody"] = {"required": True, "content": content}
    if not operation.needs_key:
        described["security"] = []
    return described


def _parameters(operation: OncallOperation) -> list[dict[str, Any]]:
    names = [*_PLACE.findall(operation.path), *operation.query]
    names += ["Idempotency-Key"] if operation.is_once else []
    names += ["If-Match"] if operation.is_matched else []
    names += ["If-None-Match"] if operation.method == "get" else []
    names += _TRIAL if operation.is_trial else ()
    names += _LIST if operation.shape is Shape.LIST else ()
    described = [{"name": name, **PARAMETERS[name]} for name in names]
    return described + (filter_parameters(operation.data) if operation.shape is Shape.LIST else [])


def _responses(operation: OncallOperation) -> dict[str, Any]:
    said: dict[str, Any] = {str(operation.status): _success(operation)}
    if operation.is_trial:
        tried = _response(200, {"application/json": {"schema": _ref("Trial")}})
        said["200"] = _either(said["200"], tried) if operation.status == 200 else tried
    if operation.may_delete:
        said["204"] = _response(204, {})
    if operation.method == "get":
        said["304"] = {"description": "What you have still holds.", "headers": {"ETag": _ETAG}}
    for status in operation.all_refusals:
        said[str(status)] = {"$ref": f"#/components/responses/{_refusal_name(status)}"}
    return said


def _success(operation: OncallOperation) -> dict[str, Any]:
    if operation.shape is Shape.NOTHING:
        return _response(operation.status, {})
    content: dict[str, Any] = {"application/json": {"schema": _schema(operation)}} if operation.data else {}
    content |= {kind: {"schema": {"type": "string"}} for kind in operation.texts}
    success = _response(operation.status, content)
    if operation.method == "get" or operation.shape is Shape.OBJECT:
        success["headers"] = {"ETag": _ETAG}
    return success


def _schema(operation: OncallOperation) -> dict[str, Any]:
    schema = _ref(operation.data)
    if operation.shape is Shape.OBJECT:
        return schema
    if operation.shape is Shape.ARRAY:
        return {"type": "array", "items": schema}
    properties = {
        "data": {"type": "array", "items": schema},
        "has_more": {"type": "boolean", "description": "Whether there are more beyond this part."},
        "total_count": {"type": "integer", "description": "How many match in all."},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A response that is as the one says, or as the other."""
    schemas = [each["content"]["application/json"]["schema"] for each in (one, other)]
    return {"description": one["description"], "content": {"application/json": {"schema": {"anyOf": schemas}}}}


def _response(status: int, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase} | ({"content": content} if content else {})


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _refusal_name(status: int) -> str:
    return f"Oncall{HTTPStatus(status).phrase.title().replace(' ', '').replace(chr(39), '')}"
