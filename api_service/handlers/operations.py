"""What whoever operates the service asks: does it live, can it work, how is it doing?"""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import generate_latest

from api_service.handlers.answers import answer
from api_service.keys import CLOCK, ENDING, READINESS, Check
from api_service.middleware import error_response
from shared.bus.port import BusUnavailable
from shared.domain.errors import SchemaBehind, Unavailable

_CHECK_SECONDS = 3.0
# Without the bus every request is answered, and changes wait in the outbox: no reason to send clients away.
_NEED_NOT_BE_THERE = frozenset({"bus"})


async def healthz(_request: web.Request) -> web.Response:
    """GET /healthz: the process lives."""
    return answer({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: everything that requests need is there, or which is not; and it is not about to end."""
    if request.app[ENDING].is_set():
        return error_response(503, ["the process is ending"], request.app[CLOCK].now())
    checks = request.app[READINESS]
    async with asyncio.TaskGroup() as tasks:
        running = {name: tasks.create_task(_fault(check)) for name, check in checks.items()}
    faults = {name: task.result() for name, task in running.items()}

    if any(fault is not None and name not in _NEED_NOT_BE_THERE for name, fault in faults.items()):
        failed = [f"{name} {fault}" for name, fault in faults.items() if fault is not None]
        return error_response(503, failed, request.app[CLOCK].now())
    return answer({name: fault or "ok" for name, fault in faults.items()})


async def metrics(_request: web.Request) -> web.Response:
    """GET /metrics: for Prometheus."""
    return web.Response(body=generate_latest(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _fault(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except TimeoutError:
        return f"did not answer within {_CHECK_SECONDS:g} seconds"
    except SchemaBehind as error:
        return str(error)
    except (Unavailable, BusUnavailable, OSError):
        return "cannot be reached"
    return None
