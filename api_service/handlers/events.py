"""Events over HTTP: the specification's seven endpoints."""

from __future__ import annotations

import msgspec
from aiohttp import web

from api_service.handlers.answers import answer_event, answer_list, envelope, written
from api_service.handlers.requests import event_id_of, expected_of, meaning_of, read_body
from api_service.keys import CREATIONS, EGRESS
from api_service.schemas.events import read_changes, read_new_event, show_event
from api_service.schemas.headers import etag, read_idempotency_key
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import read_events_wanted, refuse_parameters
from api_service.schemas.reading import both
from api_service.usecases import changing, looking
from api_service.usecases.creating import Once, begin, earlier_answer
from api_service.usecases.creating_together import Creation
from api_service.usecases.means import Means
from shared.domain.errors import InvalidInput


class _Version(msgspec.Struct):
    version: int


class _Said(msgspec.Struct):
    data: _Version


_SAID = msgspec.json.Decoder(_Said)  # of all that is said, what the tag needs


async def create_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events."""
    body = await read_body(request)
    once = _once(request, body)
    if once is not None and (said := await earlier_answer(means, once)) is not None:
        return _created(said)

    egress = request.app[EGRESS]
    _, wanted = both(lambda: _check_envelope(request), lambda: read_new_event(read_json(body), means.now, egress))
    creation = Creation(
        begun=begin(means, wanted), once=once, answer=lambda event: envelope(show_event(event, means.now))
    )
    return _created(await request.app[CREATIONS].create(creation))


async def list_events(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events."""
    wanted = read_events_wanted(request.rel_url.raw_query_string)

    events, total = await looking.find_events(means, wanted)
    return answer_list([show_event(event, means.now) for event in events], total=total)


async def get_event(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events/:id."""
    refuse_parameters(request.rel_url.raw_query_string)

    event = await looking.get_event(means, event_id_of(request))
    return answer_event(show_event(event, means.now))


async def change_event(request: web.Request, means: Means) -> web.Response:
    """PATCH /v1/events/:id."""
    body = await read_body(request)
    egress = request.app[EGRESS]
    expected, changes = both(lambda: expected_of(request), lambda: read_changes(read_json(body), means.now, egress))

    event = await changing.change(means, event_id_of(request), changes, expected=expected)
    return answer_event(show_event(event, means.now))


async def delete_event(request: web.Request, means: Means) -> web.Response:
    """DELETE /v1/events/:id."""
    expected = expected_of(request)

    event = await changing.delete(means, event_id_of(request), expected=expected)
    return answer_event(show_event(event, means.now))


async def pause_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/pause."""
    expected = expected_of(request)

    event = await changing.pause(means, event_id_of(request), expected=expected)
    return answer_event(show_event(event, means.now))


async def resume_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/resume."""
    expected = expected_of(request)

    event = await changing.resume(means, event_id_of(request), expected=expected)
    return answer_event(show_event(event, means.now))


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


def _created(said: str) -> web.Response:
    """The words that answer a creation, be it the first time or again."""
    response = written(said, status=201)
    response.headers["ETag"] = etag(_SAID.decode(said).data.version)
    return response


def _keys(request: web.Request) -> list[str]:
    return request.headers.getall("Idempotency-Key", [])
