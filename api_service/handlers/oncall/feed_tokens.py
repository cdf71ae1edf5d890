"""Tokens of calendar feeds over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.oncall.answers import answer, gone
from api_service.handlers.oncall.requests import name_of
from api_service.schemas.oncall.feed_tokens import show_feed_token, show_new_feed_token
from api_service.usecases.means import Means
from api_service.usecases.oncall import feed_tokens
from shared.domain.errors import AccountUserNotFound, FeedTokenNotFound, ScheduleNotFound
from shared.domain.ids import is_ulid
from shared.domain.schedule import ACCOUNT_USER_PREFIX, SCHEDULE_PREFIX


async def create_schedule_token(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/schedules/:id/feed_tokens."""
    return await _create(request, means, SCHEDULE_PREFIX, _schedule(request))


async def create_account_user_token(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/account_users/:id/feed_tokens."""
    return await _create(request, means, ACCOUNT_USER_PREFIX, _account_user(request))


async def list_schedule_tokens(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/feed_tokens."""
    return await _list(means, SCHEDULE_PREFIX, _schedule(request))


async def list_account_user_tokens(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/account_users/:id/feed_tokens."""
    return await _list(means, ACCOUNT_USER_PREFIX, _account_user(request))


async def revoke_schedule_token(request: web.Request, means: Means) -> web.Response:
    """DELETE /api/v4/schedules/:id/feed_tokens/:token_id."""
    return await _revoke(request, means, SCHEDULE_PREFIX, _schedule(request))


async def revoke_account_user_token(request: web.Request, means: Means) -> web.Response:
    """DELETE /api/v4/account_users/:id/feed_tokens/:token_id."""
    return await _revoke(request, means, ACCOUNT_USER_PREFIX, _account_user(request))


async def _create(request: web.Request, means: Means, prefix: str, name: str) -> web.Response:
    token, opens = await feed_tokens.make(means, prefix, name)
    feed = request.rel_url.path.removesuffix("/feed_tokens")
    url = f"{_scheme(request)}://{request.host}{feed}.ics?token={opens}"
    response = answer(show_new_feed_token(token, url), status=201)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _list(means: Means, prefix: str, name: str) -> web.Response:
    """All of them: a feed has few, so there are no parts."""
    found = await feed_tokens.find(means, prefix, name)
    return answer({"data": [show_feed_token(token) for token in found], "has_more": False, "total_count": len(found)})


async def _revoke(request: web.Request, means: Means, prefix: str, name: str) -> web.Response:
    token_id = request.match_info["token_id"]
    if not is_ulid(token_id):
        raise FeedTokenNotFound
    await feed_tokens.revoke(means, prefix, name, token_id)
    return gone()


def _scheme(request: web.Request) -> str:
    """How the client has reached us; a proxy that ends TLS says so, and who makes it up deceives themselves alone."""
    said = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return said if said in {"http", "https"} else request.scheme


def _schedule(request: web.Request) -> str:
    return name_of(request, SCHEDULE_PREFIX, ScheduleNotFound)


def _account_user(request: web.Request) -> str:
    return name_of(request, ACCOUNT_USER_PREFIX, AccountUserNotFound)
