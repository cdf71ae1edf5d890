"""The API as an OpenAPI 3.1 document, drawn from the schemas that really read and write."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from api_service import limits
from api_service.docs.oncall.operations import ONCALL_OPERATIONS
from api_service.docs.operations import OPERATIONS
from api_service.openapi import callback_components, callbacks, oncall, oncall_components
from api_service.schemas import fields as ours
from api_service.schemas.oncall import fields as oncall_fields
from shared.version import VERSION

_FORMATS = {  # umlauts are welcome
    ours.Moment: "date-time",
    ours.Owner: "idn-email",
    ours.CallbackUrl: "iri",
    oncall_fields.Email: "idn-email",
}

_ABOUT = f"""\
Carillon calls your URL on time: an **event** says when (a cron expression), where (a URL) and with what (a JSON
object).

Every answer below `/v1` is `{{"data": …}}`, and lists also have `"meta": {{"total": …}}`, or `next` there. Every error
has one shape, and its `message` lists every problem at once. `X-Request-Id` in an answer names the request: as you
called it in that header, or anew. Dates go out as ISO 8601 in UTC with milliseconds and come in with any offset.

Every path under `/v1/events` also answers under `/v1/event`. Bodies are JSON of at most
{limits.BODY_BYTES // 1024} KiB, or {limits.BATCH_BODY_BYTES // 1024**2} MiB for many events; what is not known, in
a body or in a query string, is refused by name.

Every answer about one event says its `version` in `ETag`. It rises with every change made through this API, not with
rings. Send it back as `If-Match`, and a change is made only if nobody was faster (else: 412). A request that you have
given up may be carried out yet, later: with `If-Match` it undoes nothing that you did since.

Paths under `/api/v4` are about who is on call, and have conventions of their own. A body is JSON or a form, and
what is not known in it is ignored. An answer is the object itself; a list is `{{"data", "has_more", "total_count"}}`.
Every error is `{{"errors": [{{"message"}}], "code"}}` and lists every problem at once. Every read has an `ETag`: send
it as `If-None-Match`, or with a change as `If-Match`. With `dry_run=true` a change of on-call events is only tried.

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
        tags=[{"name": tag} for tag in _tags()],
    )
    for field, kind in _FORMATS.items():
        marshmallow.map_to_openapi_type(field, "string", kind)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("apiKey", {"type": "apiKey", "in": "header", "name": "X-API-Key"})
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for name, schema in (callback_components.SCHEMAS | oncall_components.SCHEMAS).items():
        spec.components.schema(name, schema=schema)
    for name, text in oncall_components.TEXTS.items():
        spec.components.schema(name, text)
    for name, refusal in (*callbacks.refusals(), *oncall.refusals()):
        spec.components.response(name, refusal)
    for path, method, operation in (*callbacks.paths(), *oncall.paths(), *callbacks.service_paths()):
        spec.path(path, operations={method: operation})
    described: dict[str, Any] = spec.to_dict()
    for name in oncall_components.ANSWERS:
        schema = described["components"]["schemas"][name]
        schema["required"] = list(schema["properties"])
    return described


def _tags() -> dict[str, None]:
    return dict.fromkeys([*(each.tag for each in OPERATIONS), *(each.tag for each in ONCALL_OPERATIONS)])
