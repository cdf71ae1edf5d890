"""Applications over HTTP: the one endpoint that needs no key, because it gives one."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer
from api_service.handlers.requests import read_body
from api_service.keys import CLOCK, DATABASE, ENTROPY, REGISTRATION_TOKEN, REQUEST_ID
from api_service.schemas.applications import read_registration, show_application
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import refuse_parameters
from api_service.schemas.reading import both
from api_service.usecases.registration import check_token, register


async def register_application(request: web.Request) -> web.Response:
    """POST /v1/register."""
    app = request.app
    check_token(app[REGISTRATION_TOKEN], request.headers.get("X-Registration-Token", ""))
    body = await read_body(request)
    _, app_name = both(
        lambda: refuse_parameters(request.rel_url.raw_query_string), lambda: read_registration(read_json(body))
    )

    registered = await register(
        app[DATABASE],
        app_name=app_name,
        request_id=request[REQUEST_ID],
        now=app[CLOCK].now(),
        entropy=app[ENTROPY],
    )
    return answer(show_application(app_name, registered.api_key, registered.signing_secret), status=201)
