"""Calendars over HTTP: read with the API key, or with a token in the address, for programs that send no headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from api_service.calendars.feed import Feed, fingerprint
from api_service.handlers.oncall.requests import name_of
from api_service.handlers.requests import Handler, for_application, let_in
from api_service.keys import CALENDARS, CLOCK, DATABASE
from api_service.schemas.oncall.etags import etag, is_known
from api_service.usecases.means import Means
from api_service.usecases.oncall import feed_tokens, feeds
from shared.domain.errors import AccountUserNotFound, ScheduleNotFound
from shared.domain.schedule import ACCOUNT_USER_PREFIX, SCHEDULE_PREFIX

_KEPT = {"Cache-Control": "private, no-cache"}


def for_feed(prefix: str, handler: Callable[[web.Request, Means], Awaitable[web.StreamResponse]]) -> Handler:
    """The handler of a feed, reached with a token that opens it, or else as `for_application` has it."""
    with_key = for_application(handler)

    async def authenticated(request: web.Request) -> web.StreamResponse:
        if "token" not in request.query:
            return await with_key(request)
        app, name = request.app, request.match_info["id"]
        token = await feed_tokens.authenticate(app[DATABASE], request.query["token"], prefix, name)
        return await handler(request, let_in(request, token.application_id, token.feed_token_id, app[CLOCK].now()))

    return authenticated


async def schedule_feed(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id.ics."""
    name = name_of(request, SCHEDULE_PREFIX, ScheduleNotFound)
    return await _feed(request, await feeds.feed_of_schedule(means, name))


async def account_user_feed(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/account_users/:id.ics."""
    name = name_of(request, ACCOUNT_USER_PREFIX, AccountUserNotFound)
    return await _feed(request, await feeds.feed_of_account_user(means, name))


async def schedule_rules(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/rules.ics."""
    name = name_of(request, SCHEDULE_PREFIX, ScheduleNotFound)
    return _calendar(request, await feeds.rules_of_schedule(means, name, request.app[CALENDARS]))


async def _feed(request: web.Request, feed: Feed) -> web.Response:
    """The feed, which need not be written for a program that has it."""
    tag = etag(fingerprint(feed))
    if is_known(request.headers.getall("If-None-Match", []), tag):
        return web.Response(status=304, headers=_KEPT | {"ETag": tag})
    return _calendar(request, await feeds.text_of(feed, request.app[CALENDARS]), {"ETag": tag})


def _calendar(request: web.Request, text: bytes, headers: dict[str, str] | None = None) -> web.Response:
    file = f'attachment; filename="{request.match_info["id"]}.ics"'
    return web.Response(
        body=text,
        content_type="text/calendar",
        charset="utf-8",
        headers=_KEPT | {"Content-Disposition": file} | (headers or {}),
    )
