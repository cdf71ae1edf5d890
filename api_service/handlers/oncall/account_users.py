"""Account users over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.oncall.answers import answer_list, answer_object, gone, said_object
from api_service.handlers.oncall.requests import expected_of, name_of, once_of, read_sent
from api_service.schemas.oncall.account_users import (
    ATTRIBUTES,
    read_account_user_changes,
    read_new_account_user,
    show_account_user,
)
from api_service.schemas.oncall.lists import read_list_wanted
from api_service.usecases.creating import earlier_answer
from api_service.usecases.means import Means
from api_service.usecases.oncall import account_users
from shared.domain.errors import AccountUserNotFound
from shared.domain.schedule import ACCOUNT_USER_PREFIX


async def create_account_user(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/account_users."""
    sent = await read_sent(request)
    once = once_of(request, sent)
    if once is not None and (earlier := await earlier_answer(means, once)) is not None:
        return said_object(earlier, status=201)

    return said_object(await account_users.create(means, read_new_account_user(sent), once=once), status=201)


async def list_account_users(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/account_users."""
    wanted = read_list_wanted(request.rel_url.raw_query_string, ATTRIBUTES)

    users, total = await account_users.find(means, wanted)
    return answer_list([show_account_user(user) for user in users], total=total, wanted=wanted)


async def get_account_user(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/account_users/:id."""
    return answer_object(show_account_user(await account_users.get(means, _name_of(request))))


async def change_account_user(request: web.Request, means: Means) -> web.Response:
    """PUT and PATCH /api/v4/account_users/:id."""
    name, expected = _name_of(request), expected_of(request)
    changes = read_account_user_changes(await read_sent(request))

    return answer_object(show_account_user(await account_users.change(means, name, changes, expected=expected)))


async def delete_account_user(request: web.Request, means: Means) -> web.Response:
    """DELETE /api/v4/account_users/:id."""
    await account_users.delete(means, _name_of(request), expected=expected_of(request))
    return gone()


def _name_of(request: web.Request) -> str:
    return name_of(request, ACCOUNT_USER_PREFIX, AccountUserNotFound)
