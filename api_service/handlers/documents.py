"""What the API says of itself: as a document for programs, and as a page for people."""

from __future__ import annotations

from functools import cache

from aiohttp import web

from api_service.docs.page import ASSETS, page
from api_service.openapi.document import document
from api_service.schemas.json_text import write_json

# Nothing but our own files, so that the page works without the internet and nothing can be slipped into it.
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


async def openapi(_request: web.Request) -> web.Response:
    """GET /openapi.json."""
    return web.Response(text=_document_text(), content_type="application/json", headers=_HEADERS)


async def docs(_request: web.Request) -> web.Response:
    """GET /docs."""
    return web.Response(text=_page_text(), content_type="text/html", headers=_HEADERS)


async def asset(request: web.Request) -> web.Response:
    """GET /docs/:name: what the page is dressed in."""
    found = ASSETS.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    text, kind = found
    return web.Response(text=text, content_type=kind, headers=_HEADERS)


@cache
def _document_text() -> str:
    return write_json(document())


@cache
def _page_text() -> str:
    return page(document())
