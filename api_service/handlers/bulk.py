"""Many events at once over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer
from api_service.handlers.requests import read_body
from api_service.keys import CLOCK, ENDING
from api_service.schemas.bulk import read_bulk, show_bulk
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import refuse_parameters
from api_service.schemas.reading import both
from api_service.usecases import bulk
from api_service.usecases.bulk import Kind
from api_service.usecases.means import Means


async def pause_events(request: web.Request, means: Means) -> web.Response:
    """POST /v1/bulk/pause."""
    return await _done(request, means, bulk.PAUSE)


async def resume_events(request: web.Request, means: Means) -> web.Response:
    """POST /v1/bulk/resume."""
    return await _done(request, means, bulk.RESUME)


async def delete_events(request: web.Request, means: Means) -> web.Response:
    """POST /v1/bulk/delete."""
    return await _done(request, means, bulk.DELETE)


async def _done(request: web.Request, means: Means, kind: Kind) -> web.Response:
    body = await read_body(request)
    _, wanted = both(lambda: refuse_parameters(request.rel_url.raw_query_string), lambda: read_bulk(read_json(body)))

    if wanted.dry_run:
        came = await bulk.preview(means, kind, wanted.which)
    else:
        came = await bulk.carry_out(means, kind, wanted.which, request.app[CLOCK], request.app[ENDING])
    return answer(show_bulk(came, dry_run=wanted.dry_run))
