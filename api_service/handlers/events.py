"""Events over HTTP: the specification's seven endpoints, executions and triggering."""

from __future__ import annotations

import json

from aiohttp import web

from api_service.handlers.answers import answer, answer_event, answer_list, envelope, written
from api_service.handlers.requests import meaning_of, read_body
from api_service.keys import EGRESS
from api_service.schemas.events import read_changes, read_new_event, show_event
from api_service.schemas.executions import show_execution
from api_service.schemas.headers import etag, read_idempotency_key, read_if_match
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import read_events_wanted, read_page, refuse_parameters
from api_service.schemas.reading import both
from api_service.usecases import changing, looking
from api_service.usecases.creating import Once, create, earlier_answer
from api_service.usecases.means import Means
from shared.domain.errors import EventNotFound, InvalidInput
from shared.domain.ids import is_ulid


async def create_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events."""
    body = await read_body(request)
    once = _once(request, body)
    if once is not None and (said := await earlier_answer(means, once)) is not None:
        return _created(said)

    egress = request.app[EGRESS]
    _, wanted = both(lambda: _check_envelope(request), lambda: read_new_event(read_json(body), means.now, egress))
    said = await create(means, wanted, once=once, answer=lambda event: envelope(show_event(event, means.now)))
    return _created(said)


async def list_events(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events."""
    wanted = read_events_wanted(request.rel_url.raw_query_string)

    events, total = await looking.find_events(means, wanted)
    return answer_list([show_event(event, means.now) for event in events], total=total)


async def get_event(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events/:id."""
    refuse_parameters(request.rel_url.raw_query_string)

    event = await looking.get_event(means, _event_id(request))
    return answer_event(show_event(event, means.now))


async def change_event(request: web.Request, means: Means) -> web.Response:
    """PATCH /v1/events/:id."""
    body = await read_body(request)
    egress = request.app[EGRESS]
    expected, changes = both(lambda: _expected(request), lambda: read_changes(read_json(body), means.now, egress))

    event = await changing.change(means, _event_id(request), changes, expected=expected)
    return answer_event(show_event(event, means.now))


async def delete_event(request: web.Request, means: Means) -> web.Response:
    """DELETE /v1/events/:id."""
    expected = _expected(request)

    event = await changing.delete(means, _event_id(request), expected=expected)
    return answer_event(show_event(event, means.now))


async def pause_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/pause."""
    expected = _expected(request)

    event = await changing.pause(means, _event_id(request), expected=expected)
    return answer_event(show_event(event, means.now))


async def resume_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/resume."""
    expected = _expected(request)

    event = await changing.resume(means, _event_id(request), expected=expected)
    return answer_event(show_event(event, means.now))


async def trigger_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/trigger."""
    expected = _expected(request)

    execution = await changing.trigger(means, _event_id(request), expected=expected)
    return answer(show_execution(execution))


async def list_executions(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events/:id/executions."""
    limit, offset = read_page(request.rel_url.raw_query_string)

    executions, total = await looking.find_executions(means, _event_id(request), limit=limit, offset=offset)
    return answer_list([show_execution(execution) for execution in executions], total=total)


def _once(request: web.Request, body: bytes) -> Once | None:
    """The promise to keep. What is wrong with header or body is told later, with everything else that is."""
    try:
        key = read_idempotency_key(_keys(request))
        return None if key is None else Once(key=key, request_hash=meaning_of(body))
    except InvalidInput:
        return None


def _check_envelope(request: web.Request) -> None:
    both(
        lambda: refuse_parameters(request.rel_url.raw_query_string),
        lambda: read_idempotency_key(_keys(request)),
    )


def _expected(request: web.Request) -> frozenset[int] | None:
    """The versions that the event may have, for a request that has no other parameters."""
    _, expected = both(
        lambda: refuse_parameters(request.rel_url.raw_query_string),
        lambda: read_if_match(request.headers.getall("If-Match", [])),
    )
    return expected


def _created(said: str) -> web.Response:
    """The words that answer a creation, be it the first time or again."""
    response = written(said, status=201)
    response.headers["ETag"] = etag(json.loads(said)["data"]["version"])
    return response


def _keys(request: web.Request) -> list[str]:
    return request.headers.getall("Idempotency-Key", [])


def _event_id(request: web.Request) -> str:
    """The id in the path; what cannot be one is not looked for."""
    event_id = request.match_info["event_id"]
    if not is_ulid(event_id):
        raise EventNotFound
    return event_id
