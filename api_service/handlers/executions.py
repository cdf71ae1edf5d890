"""Executions over HTTP: what became of an event's occurrences, and attempting them again."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers.answers import answer, answer_page
from api_service.handlers.requests import event_id_of, expected_of, read_body
from api_service.schemas.executions import show_detail, show_execution
from api_service.schemas.executions_wanted import cursor_after, read_executions_wanted, read_replay
from api_service.schemas.json_text import read_json
from api_service.schemas.listing import refuse_parameters
from api_service.schemas.reading import both
from api_service.schemas.replays import show_replay
from api_service.usecases import changing, looking, replaying
from api_service.usecases.means import Means
from shared.domain.errors import ExecutionNotFound
from shared.domain.ids import parse_firing_name
from shared.timing.instants import Instant


async def trigger_event(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/trigger."""
    expected = expected_of(request)

    execution = await changing.trigger(means, event_id_of(request), expected=expected)
    return answer(show_execution(execution))


async def list_executions(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events/:id/executions."""
    wanted = read_executions_wanted(request.rel_url.raw_query_string)

    executions, total, is_last = await looking.find_executions(means, event_id_of(request), wanted)
    following = None if is_last else cursor_after(executions[-1].nominal, manual=executions[-1].manual)
    return answer_page([show_execution(execution) for execution in executions], total=total, following=following)


async def get_execution(request: web.Request, means: Means) -> web.Response:
    """GET /v1/events/:id/executions/:execution-id."""
    refuse_parameters(request.rel_url.raw_query_string)

    event_id = event_id_of(request)
    execution = await looking.get_execution(means, event_id, _place(request, event_id))
    return answer(show_detail(execution))


async def replay_execution(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/executions/:execution-id/replay."""
    expected = expected_of(request)

    event_id = event_id_of(request)
    execution = await replaying.replay(means, event_id, _place(request, event_id), expected=expected)
    return answer(show_execution(execution), status=202)


async def replay_executions(request: web.Request, means: Means) -> web.Response:
    """POST /v1/events/:id/executions/replay."""
    body = await read_body(request)
    expected, wanted = both(lambda: expected_of(request), lambda: read_replay(read_json(body)))

    replayed = await replaying.replay_failed(means, event_id_of(request), wanted, expected=expected)
    return answer(show_replay(replayed))


def _place(request: web.Request, event_id: str) -> tuple[Instant, bool]:
    """Where the execution of the path is among those of the event; what cannot be one is not looked for."""
    named = parse_firing_name(request.match_info["execution_id"])
    if named is None or named[0] != event_id:
        raise ExecutionNotFound
    return named[1], named[2]
