"""What a request brings: who asks, and a body that is bounded in size, time and kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from math import ceil
from typing import TypeAlias

from aiohttp import web

from api_service import limits
from api_service.keys import (
    CLOCK,
    DATABASE,
    ENTROPY,
    KNOWN_KEYS,
    LEDGER_SUCCESS_DAYS,
    OUTBOX_WAKE,
    QUOTA_EVENTS,
    RATE,
    REQUEST_ID,
    SHARDS,
)
from api_service.schemas.headers import read_if_match
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import refuse_parameters
from api_service.schemas.reading import both
from api_service.usecases.means import Means
from api_service.usecases.registration import authenticate
from shared.domain.errors import EventNotFound, TooManyRequests
from shared.domain.ids import is_ulid
from shared.observability.logs import add_to_context
from shared.timing.instants import Instant

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Routes: TypeAlias = tuple[tuple[str, str, Handler], ...]


def for_application(handler: Callable[[web.Request, Means], Awaitable[web.StreamResponse]]) -> Handler:
    """The handler, reached only with a valid API key, and given the means to act for its application."""

    async def authenticated(request: web.Request) -> web.StreamResponse:
        app = request.app
        now = app[CLOCK].now()
        key = await authenticate(app[KNOWN_KEYS], _key_of(request), now)
        return await handler(request, let_in(request, key.application_id, key.key_id, now))

    authenticated.__name__ = handler.__name__
    return authenticated


def let_in(request: web.Request, application_id: int, key_id: str, now: Instant) -> Means:
    """The means to act for an application that has shown who it is. Raises TooManyRequests."""
    add_to_context(application_id=application_id)
    _limit_rate(request.app, application_id)
    return _means(request, application_id, key_id, now)


async def read_body(request: web.Request, *, most: int = limits.BODY_BYTES) -> bytes:
    """The body of a request that brings JSON; raises the HTTP error that says why not."""
    if not is_json(request.content_type):
        raise web.HTTPUnsupportedMediaType(text="Content-Type should be application/json")
    check_encoding(request)
    return await read_bytes(request, most=most)


async def read_bytes(request: web.Request, *, most: int = limits.BODY_BYTES) -> bytes:
    """The body, whatever it is, bounded in size and time."""
    if (request.content_length or 0) > most:
        raise _too_large(most, request.content_length or 0)

    # All of it has come with the headers, nearly always; then there is nothing to wait for.
    body = request.content.read_nowait() if request.content.is_eof() else await _arriving(request, most)
    if len(body) > most:
        raise _too_large(most, len(body))
    return body


async def _arriving(request: web.Request, most: int) -> bytes:
    """The body, or enough of it to see that it is too large."""
    body = bytearray()
    try:
        async with asyncio.timeout(limits.BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    break
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"the body should arrive within {limits.BODY_SECONDS:g} seconds") from None
    except ConnectionError:  # whoever sent it is gone; the answer is for the log
        raise web.HTTPBadRequest(text="the body broke off") from None
    return bytes(body)


def _too_large(most: int, size: int) -> web.HTTPException:
    return web.HTTPRequestEntityTooLarge(most, size, text=f"the body should have at most {most} bytes")


def is_json(kind: str) -> bool:
    """Is this media type JSON?"""
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def check_encoding(request: web.Request) -> None:
    """Raise the HTTP error for a body that is not plain UTF-8."""
    if (request.charset or "utf-8").lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise web.HTTPUnsupportedMediaType(text="the charset in Content-Type should be utf-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType(text="Content-Encoding is not understood; send the body as it is")


def meaning_of(body: bytes) -> bytes:
    """A hash of what a body says, however it is spaced and ordered; raises InvalidInput."""
    return sha256(json.dumps(read_json(body), sort_keys=True).encode()).digest()


def event_id_of(request: web.Request) -> str:
    """The event's id in the path; what cannot be one is not looked for. Raises EventNotFound."""
    event_id = request.match_info["event_id"]
    if not is_ulid(event_id):
        raise EventNotFound
    return event_id


def expected_of(request: web.Request) -> frozenset[int] | None:
    """The versions that the event may have, for a request that has no other parameters; raises InvalidInput."""
    _, expected = both(
        lambda: refuse_parameters(request.rel_url.raw_query_string),
        lambda: read_if_match(request.headers.getall("If-Match", [])),
    )
    return expected


def _key_of(request: web.Request) -> str:
    """The key that was sent, in either of its headers; an empty text where none was."""
    if key := request.headers.get("X-API-Key", ""):
        return key
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _limit_rate(app: web.Application, application_id: int) -> None:
    """Raise TooManyRequests where the application asks faster than this process answers it."""
    buckets = app[RATE]
    wait = 0.0 if buckets is None else buckets.take(application_id, app[CLOCK].steady())
    if wait > 0:
        raise TooManyRequests(retry_after=ceil(wait))


def _means(request: web.Request, application_id: int, key_id: str, now: Instant) -> Means:
    app = request.app
    return Means(
        database=app[DATABASE],
        application_id=application_id,
        key_id=key_id,
        request_id=request[REQUEST_ID],
        now=now,
        shards=app[SHARDS],
        quota_events=app[QUOTA_EVENTS],
        ledger_success_days=app[LEDGER_SUCCESS_DAYS],
        entropy=app[ENTROPY],
        wake_relay=app[OUTBOX_WAKE],
    )
