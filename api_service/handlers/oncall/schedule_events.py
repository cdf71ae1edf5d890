"""What is on a schedule over HTTP: its events, who is on call in it, how it is covered, and that all of it goes."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.oncall.answers import answer, answer_list, gone, said
from api_service.handlers.oncall.requests import expected_of, is_dry_run, name_of
from api_service.keys import WINDOWS
from api_service.schemas.oncall.coverage import coverage_table, show_coverage, wants_table
from api_service.schemas.oncall.events_shown import ATTRIBUTES, show_event
from api_service.schemas.oncall.lists import read_list_wanted
from api_service.schemas.oncall.trials import show_trial
from api_service.schemas.oncall.windows import read_at, read_trial_window, read_window, tell_shifts
from api_service.usecases.means import Means
from api_service.usecases.oncall import covering, events, flushing, windows
from shared.domain.errors import ScheduleNotFound
from shared.domain.schedule import SCHEDULE_PREFIX
from shared.timing.zone_names import iana


async def list_schedule_events(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/events."""
    wanted = read_list_wanted(request.rel_url.raw_query_string, ATTRIBUTES)

    found, total = await events.find_on_schedule(means, _name_of(request), wanted)
    return answer_list([show_event(kept) for kept in found], total=total, wanted=wanted)


async def list_window_events(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/window_events."""
    window = read_window(request.rel_url.raw_query_string)
    return said(await windows.window(means, _name_of(request), window, request.app[WINDOWS], tell_shifts))


async def list_current_oncall(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/current_oncall."""
    at = read_at(request.rel_url.raw_query_string, means.now)
    return said(tell_shifts(await windows.current(means, _name_of(request), at)))


async def get_coverage(request: web.Request, means: Means) -> web.Response:
    """GET /api/v4/schedules/:id/coverage, and coverage.csv."""
    query = request.rel_url.raw_query_string
    as_table = request.path.endswith(".csv") or wants_table(query, request.headers.get("Accept", ""))
    found = await covering.cover(means, _name_of(request), read_window(query), request.app[WINDOWS])

    clock = iana(found.schedule.time_zone)
    if not as_table:
        return answer(show_coverage(found.coverage, found.people, found.schedule.time_zone, clock))
    return web.Response(
        text=coverage_table(found.coverage, found.people, clock),
        content_type="text/csv",
        charset="utf-8",
        headers={"Cache-Control": "private, no-cache", "Content-Disposition": 'attachment; filename="coverage.csv"'},
    )


async def flush_schedule(request: web.Request, means: Means) -> web.Response:
    """DELETE /api/v4/schedules/:id/flush."""
    name, expected = _name_of(request), expected_of(request)
    if not is_dry_run(request):
        await flushing.flush(means, name, expected=expected)
        return gone()
    window = read_trial_window(request.rel_url.raw_query_string, means.now)
    trial = await flushing.try_flushing(means, name, window, request.app[WINDOWS], expected=expected)
    return answer(show_trial(trial.difference, trial.result))


def _name_of(request: web.Request) -> str:
    return name_of(request, SCHEDULE_PREFIX, ScheduleNotFound)
