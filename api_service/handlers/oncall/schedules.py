"""Schedules over HTTP."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.oncall.answers import answer, answer_list, answer_object, gone, said_object
from api_service.handlers.oncall.requests import expected_of, is_dry_run, name_of, once_of, read_sent
from api_service.keys import WINDOWS
from api_service.schemas.oncall.lists import read_list_wanted
from api_service.schemas.oncall.schedules import (
    ATTRIBUTES,
    read_new_schedule,
    read_schedule_changes,
    show_schedule,
)
from api_service.schemas.oncall.trials import show_trial
from api_service.schemas.oncall.windows import read_trial_window
from api_service.usecases.creating import earlier_answer
from api_service.usecases.means import Means
from api_service.usecases.oncall import schedules
from api_service.usecases.oncall.flushing import try_flushing
from shared.domain.errors import ScheduleNotFound
from shared.domain.schedule import SCHEDULE_PREFIX


async def create_schedule(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/schedules."""
    sent = await read_sent(request)
    once = once_of(request, sent)
    if once is not None and (earlier := await earlier_answer(means, once)) is not None:
        return said_object(earlier, status=201)

    return said_object(await schedules.create(means, read_new_schedule(sent), once=once), status=201)


async def list_schedules(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules."""
    wanted = read_list_wanted(request.rel_url.raw_query_string, ATTRIBUTES)

    found, total = await schedules.find(means, wanted)
    return answer_list([show_schedule(schedule) for schedule in found], total=total, wanted=wanted)


async def get_schedule(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id."""
    return answer_object(show_schedule(await schedules.get(means, _name_of(request))))


async def change_schedule(request: web.Request, means: Means) -> web.Response:
    """PUT and PATCH /api/v4/schedules/:id."""
    name, expected = _name_of(request), expected_of(request)
    changes = read_schedule_changes(await read_sent(request))

    return answer_object(show_schedule(await schedules.change(means, name, changes, expected=expected)))


async def delete_schedule(request: web.Request, means: Means) -> web.Response:
    """DELETE /api/v4/schedules/:id."""
    name, expected = _name_of(request), expected_of(request)
    if not is_dry_run(request):
        await schedules.delete(means, name, expected=expected)
        return gone()
    window = read_trial_window(request.rel_url.raw_query_string, means.now)
    trial = await try_flushing(means, name, window, request.app[WINDOWS], expected=expected)
    return answer(show_trial(trial.difference, trial.result))


def _name_of(request: web.Request) -> str:
    return name_of(request, SCHEDULE_PREFIX, ScheduleNotFound)
