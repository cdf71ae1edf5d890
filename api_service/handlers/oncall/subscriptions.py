"""Subscriptions to a schedule's transitions over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.oncall.answers import answer_list, answer_object, gone, said_object
from api_service.handlers.oncall.requests import expected_of, name_of, once_of, read_sent
from api_service.keys import EGRESS
from api_service.schemas.oncall.lists import read_list_wanted
from api_service.schemas.oncall.subscriptions import (
    ATTRIBUTES,
    read_new_subscription,
    read_subscription_changes,
    show_subscription,
)
from api_service.usecases.creating import earlier_answer
from api_service.usecases.means import Means
from api_service.usecases.oncall import subscriptions
from shared.domain.errors import ScheduleNotFound, SubscriptionNotFound
from shared.domain.ids import is_ulid
from shared.domain.schedule import SCHEDULE_PREFIX


async def create_subscription(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/schedules/:id/subscriptions."""
    sent = await read_sent(request)
    once = once_of(request, sent)
    if once is not None and (earlier := await earlier_answer(means, once)) is not None:
        return said_object(earlier, status=201)

    wanted = read_new_subscription(sent, request.app[EGRESS])
    return said_object(await subscriptions.create(means, _schedule_of(request), wanted, once=once), status=201)


async def list_subscriptions(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/subscriptions."""
    wanted = read_list_wanted(request.rel_url.raw_query_string, ATTRIBUTES)

    found, total = await subscriptions.find(means, _schedule_of(request), wanted)
    return answer_list([show_subscription(one) for one in found], total=total, wanted=wanted)


async def get_subscription(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/subscriptions/:sid."""
    return answer_object(show_subscription(await subscriptions.get(means, *_names_of(request))))


async def change_subscription(request: web.Request, means: Means) -> web.Response:
    """PUT and PATCH /api/v4/schedules/:id/subscriptions/:sid."""
    names, expected = _names_of(request), expected_of(request)
    changes = read_subscription_changes(await read_sent(request), request.app[EGRESS])

    return answer_object(show_subscription(await subscriptions.change(means, *names, changes, expected=expected)))


async def delete_subscription(request: web.Request, means: Means) -> web.Response:
    """DELETE /api/v4/schedules/:id/subscriptions/:sid."""
    await subscriptions.delete(means, *_names_of(request), expected=expected_of(request))
    return gone()


def _schedule_of(request: web.Request) -> str:
    return name_of(request, SCHEDULE_PREFIX, ScheduleNotFound)


def _names_of(request: web.Request) -> tuple[str, str]:
    schedule, subscription = _schedule_of(request), request.match_info["sid"]
    if not is_ulid(subscription):
        raise SubscriptionNotFound
    return schedule, subscription
