"""Audits over HTTP: is every occurrence of an event in the ledger?"""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer
from api_service.handlers.requests import event_id_of
from api_service.schemas.audits import read_audit_wanted, show_audit
from api_service.usecases.auditing import audit
from api_service.usecases.means import Means


async def audit_event(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events/:id/audit."""
    wanted = read_audit_wanted(request.rel_url.raw_query_string, means.now)

    return answer(show_audit(await audit(means, event_id_of(request), wanted)))
