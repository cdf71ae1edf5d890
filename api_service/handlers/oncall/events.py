"""On-call events over HTTP: the specification's endpoints, and the occurrences of one event."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.oncall.answers import answer, answer_list, answer_object, gone, said, said_object
from api_service.handlers.oncall.requests import expected_of, is_dry_run, name_of, once_of, read_sent
from api_service.keys import WINDOWS
from api_service.schemas.oncall.events import read_event_changes, read_new_event
from api_service.schemas.oncall.events_shown import ATTRIBUTES, show_event
from api_service.schemas.oncall.lists import read_list_wanted
from api_service.schemas.oncall.overriding import read_action_time, read_override
from api_service.schemas.oncall.trials import show_trial
from api_service.schemas.oncall.windows import read_restore, read_trial_window, read_window, tell_shifts
from api_service.usecases.creating import earlier_answer
from api_service.usecases.means import Means
from api_service.usecases.oncall import events, overriding, windows
from api_service.usecases.oncall.plans import Move, carried_out
from api_service.usecases.oncall.trying import tried
from shared.domain.errors import OnCallEventNotFound
from shared.domain.schedule import ONCALL_EVENT_PREFIX
from shared.timing.zone_names import LISTED


async def list_time_zones(_request: web.Request, _means: Means) -> web.Response:
    """GET /api/v4/events/time_zones."""
    return answer(LISTED)


async def create_event(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/events."""
    sent = await read_sent(request)
    move = events.creating(means, read_new_event(sent))
    return await _made(request, means, move, sent)


async def list_events(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/events."""
    wanted = read_list_wanted(request.rel_url.raw_query_string, ATTRIBUTES)

    found, total = await events.find(means, wanted)
    return answer_list([show_event(kept) for kept in found], total=total, wanted=wanted)


async def get_event(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/events/:id."""
    return answer_object(show_event(await events.get(means, _name_of(request))))


async def change_event(request: web.Request, means: Means) -> web.Response:
    """PUT and PATCH /api/v4/events/:id."""
    name, expected = _name_of(request), expected_of(request)
    asked = read_event_changes(await read_sent(request))
    return await _done(request, means, events.changing(means, name, asked, expected=expected))


async def delete_event(request: web.Request, means: Means) -> web.Response:
    """DELETE /api/v4/events/:id."""
    name, expected = _name_of(request), expected_of(request)
    restore = read_restore(request.rel_url.raw_query_string)
    return await _done(request, means, events.deleting(means, name, expected=expected, restore=restore))


async def override_event(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/events/:id/override."""
    name, expected = _name_of(request), expected_of(request)
    sent = await read_sent(request)
    move = overriding.overriding(means, name, read_override(sent), expected=expected)
    return await _made(request, means, move, sent)


async def add_exception(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/events/:id/add_exception."""
    name, expected = _name_of(request), expected_of(request)
    action_time = read_action_time(await read_sent(request))
    return await _done(request, means, overriding.adding_exception(means, name, action_time, expected=expected))


async def terminate_event(request: web.Request, means: Means) -> web.Response:
    """POST /api/v4/events/:id/terminate_on."""
    name, expected = _name_of(request), expected_of(request)
    action_time = read_action_time(await read_sent(request))
    return await _done(request, means, overriding.terminating(means, name, action_time, expected=expected))


async def list_occurrences(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/events/:id/occurrences."""
    window = read_window(request.rel_url.raw_query_string)
    turn = request.app[WINDOWS]
    return said(await windows.occurrences(means, _name_of(request), window, turn, tell_shifts))


async def _made(request: web.Request, means: Means, move: Move, sent: dict[str, object]) -> web.Response:
    """The answer to whoever wants an event that the move makes, or what that would come to."""
    if is_dry_run(request):
        return await _tried(request, means, move)
    once = once_of(request, sent)
    if once is not None and (earlier := await earlier_answer(means, once)) is not None:
        return said_object(earlier, status=201)
    return said_object(await events.made(means, move, once), status=201)


async def _done(request: web.Request, means: Means, move: Move) -> web.Response:
    """The event as the move leaves it, or that it is gone, or what either would come to."""
    if is_dry_run(request):
        return await _tried(request, means, move)
    kept = await carried_out(means, move)
    return gone() if kept is None else answer_object(show_event(kept))


async def _tried(request: web.Request, means: Means, move: Move) -> web.Response:
    window = read_trial_window(request.rel_url.raw_query_string, means.now)
    trial = await tried(means, move, window, request.app[WINDOWS])
    return answer(show_trial(trial.difference, trial.result))


def _name_of(request: web.Request) -> str:
    return name_of(request, ONCALL_EVENT_PREFIX, OnCallEventNotFound)
