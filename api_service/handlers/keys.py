"""API keys over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer, answer_list
from api_service.handlers.requests import read_body
from api_service.schemas.json_text import read_json
from api_service.schemas.keys import read_rotation, show_key, show_new_key
from api_service.schemas.listing import refuse_parameters
from api_service.schemas.reading import both
from api_service.usecases import rotation
from api_service.usecases.means import Means
from shared.domain.errors import KeyNotFound
from shared.domain.ids import is_ulid


async def list_keys(request: web.Request, means: Means) -> web.Response:
    """GET /v1/keys."""
    refuse_parameters(request.rel_url.raw_query_string)

    keys = await rotation.find_keys(means)
    return answer_list([show_key(key, current=means.key_id) for key in keys], total=len(keys))


async def rotate_key(request: web.Request, means: Means) -> web.Response:
    """POST /v1/keys."""
    body = await read_body(request)
    _, overlap_seconds = both(
        lambda: refuse_parameters(request.rel_url.raw_query_string), lambda: read_rotation(read_json(body))
    )

    key, api_key = await rotation.rotate(means, overlap_seconds=overlap_seconds)
    return answer(show_new_key(key, api_key, current=means.key_id), status=201)


async def revoke_key(request: web.Request, means: Means) -> web.Response:
    """DELETE /v1/keys/:key-id."""
    refuse_parameters(request.rel_url.raw_query_string)

    key_id = request.match_info["key_id"]
    if not is_ulid(key_id):
        raise KeyNotFound
    return answer(show_key(await rotation.revoke(means, key_id), current=means.key_id))
