"""Previews over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer
from api_service.handlers.requests import read_body
from api_service.keys import PREVIEWS
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import refuse_parameters
from api_service.schemas.previews import read_preview, show_preview
from api_service.schemas.reading import both
from api_service.usecases.looking import preview
from api_service.usecases.means import Means


async def preview_interval(request: web.Request, means: Means) -> web.Response:
    """POST /v1/preview."""
    body = await read_body(request)
    _, wanted = both(
        lambda: refuse_parameters(request.rel_url.raw_query_string),
        lambda: read_preview(read_json(body), means.now),
    )

    instants, description = await preview(wanted, request.app[PREVIEWS])
    return answer(show_preview(instants, description))
