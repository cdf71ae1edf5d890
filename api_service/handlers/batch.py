"""Many new events over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from aiohttp import web

from api_service import limits
from api_service.handlers.answers import written
from api_service.handlers.requests import read_body
from api_service.keys import BATCHES, CLOCK, EGRESS
from api_service.schemas.batch import read_batch, read_new_events, write_events
from api_service.schemas.headers import read_idempotency_key
from api_service.schemas.json_steps import Steps
from api_service.schemas.listing import refuse_parameters
from api_service.usecases.batch import create_all
from api_service.usecases.creating import Once, earlier_answer
from api_service.usecases.means import Means
from api_service.usecases.slices import Pace, in_slices
from shared.domain.errors import InvalidInput


async def create_events(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/batch."""
    clock = request.app[CLOCK]
    pace = Pace(clock=clock, until=clock.steady() + limits.BATCH_SECONDS)
    async with request.app[BATCHES].turn(means.application_id, within=pace.left):
        body = await read_body(request, most=limits.BATCH_BODY_BYTES)
        return written(await _created(request, means, body, pace), status=201)


async def _created(request: web.Request, means: Means, body: bytes, pace: Pace) -> str:
    """The words that answer it, be it the first time or again: then whatever is wrong with it by now is not told."""
    key, problems = _envelope(request)
    with _after(problems):
        sent = await in_slices(read_batch(body), pace)
    once = None
    if key is not None:
        once = Once(key=key, request_hash=await in_slices(_meaning_of(sent), pace))
        if (said := await earlier_answer(means, once)) is not None:
            return said

    with _after(problems):
        wanted = await in_slices(read_new_events(sent, means.now, request.app[EGRESS]), pace)
    if problems:
        raise InvalidInput(problems)
    _check_there(request)
    return await create_all(means, wanted, once=once, answer=lambda events: write_events(events, means.now), pace=pace)


def _envelope(request: web.Request) -> tuple[str | None, list[str]]:
    """The Idempotency-Key, and what is wrong with all that is around the body."""
    key: str | None = None
    problems: list[str] = []
    try:
        refuse_parameters(request.rel_url.raw_query_string)
    except InvalidInput as error:
        problems += error.problems
    try:
        key = read_idempotency_key(request.headers.getall("Idempotency-Key", []))
    except InvalidInput as error:
        problems += error.problems
    return key, problems


@contextmanager
def _after(problems: Sequence[str]) -> Iterator[None]:
    """Tell the problems that are found here after these. Raises InvalidInput."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput([*problems, *error.problems]) from None


def _meaning_of(sent: Any) -> Steps[bytes]:
    """A hash of what the body says, however it is spaced and ordered; no event that comes alone has the same."""
    meaning = sha256(b"batch")
    events = sent.get("events") if isinstance(sent, dict) else None
    for part in [{**sent, "events": len(events)}, *events] if isinstance(events, list) else [sent]:
        meaning.update(json.dumps(part, sort_keys=True).encode())
        yield
    return meaning.digest()


def _check_there(request: web.Request) -> None:
    """Whoever has hung up does not learn what was created: so nothing is, as long as that can be said."""
    if request.transport is None or request.transport.is_closing():
        raise web.HTTPBadRequest(text="the client has hung up, and nothing was created")
