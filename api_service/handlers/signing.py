"""Signing secrets over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer
from api_service.handlers.requests import read_body
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import refuse_parameters
from api_service.schemas.reading import both
from api_service.schemas.signing import read_signing_rotation, show_new_secret, show_secrets
from api_service.usecases import signing
from api_service.usecases.means import Means


async def get_signing_secret(request: web.Request, means: Means) -> web.Response:
    """GET /v1/signing-secret."""
    refuse_parameters(request.rel_url.raw_query_string)

    return answer(show_secrets(*await signing.find_secrets(means)))


async def rotate_signing_secret(request: web.Request, means: Means) -> web.Response:
    """POST /v1/signing-secret/rotate."""
    body = await read_body(request)
    _, overlap_seconds = both(
        lambda: refuse_parameters(request.rel_url.raw_query_string), lambda: read_signing_rotation(read_json(body))
    )

    return answer(show_new_secret(*await signing.rotate(means, overlap_seconds=overlap_seconds)))
