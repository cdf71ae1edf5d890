"""What a request to /api/v4 brings: a body in JSON or as a form, tags that are expected, a promise, a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from aiohttp import web

from api_service.handlers.requests import check_encoding, is_json, read_bytes
from api_service.schemas.headers import read_idempotency_key
from api_service.schemas.oncall import bodies, etags
from api_service.schemas.oncall.etags import Tags
from api_service.schemas.oncall.lists import read_dry_run
from api_service.usecases.creating import Once
from shared.domain.errors import DomainError
from shared.domain.ids import names_one


async def read_sent(request: web.Request) -> dict[str, Any]:
    """The names and values of the body; raises InvalidInput, or the HTTP error that says why there are none."""
    kind = request.content_type
    if request.body_exists:
        if not is_json(kind) and kind != bodies.FORM:
            raise web.HTTPUnsupportedMediaType(text=f"Content-Type should be application/json or {bodies.FORM}")
        check_encoding(request)
    return bodies.read_sent(await read_bytes(request), kind)


def name_of(request: web.Request, prefix: str, not_found: type[DomainError]) -> str:
    """The ULID or prefix id in the path; what cannot be one is not looked for. Raises `not_found`."""
    name = request.match_info["id"]
    if not names_one(name, prefix):
        raise not_found
    return name


def expected_of(request: web.Request) -> Tags:
    """The tags that the object may have; raises InvalidInput."""
    return etags.read_if_match(request.headers.getall("If-Match", []))


def once_of(request: web.Request, sent: Mapping[str, Any]) -> Once | None:
    """The promise to keep, of this path and what was sent there; raises InvalidInput."""
    key = read_idempotency_key(request.headers.getall("Idempotency-Key", []))
    if key is None:
        return None
    meaning = json.dumps([request.path, sent], sort_keys=True)
    return Once(key=key, request_hash=sha256(meaning.encode()).digest())


def is_dry_run(request: web.Request) -> bool:
    """Is the request only to be tried? Raises InvalidInput."""
    return read_dry_run(request.rel_url.raw_query_string)
