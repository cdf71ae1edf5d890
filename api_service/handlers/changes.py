"""The change log over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer_page
from api_service.schemas.changes import cursor_after, read_changes_wanted, show_change
from api_service.usecases import noting
from api_service.usecases.means import Means


async def list_changes(request: web.Request, means: Means) -> web.Response:
    """GET /v1/changes."""
    wanted = read_changes_wanted(request.rel_url.raw_query_string)

    changes, more = await noting.find_changes(means, wanted)
    return answer_page([show_change(one) for one in changes], following=cursor_after(changes[-1]) if more else None)
