"""What arrived? A receiver for callbacks beside the API, so that ringing can be seen without a second program."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from shared.clock import Clock
from shared.timing.instants import iso

PATH: Final = "/echo"
KEPT: Final = 100
OURS: Final = ("webhook-", "carillon-", "user-agent", "content-type")
SHOWN: Final = 100  # characters of a body on the terminal


class Echo:
    """Keeps the last requests in memory, and tells of each."""

    def __init__(self, *, clock: Clock, tell: Callable[[str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._arrived: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def add_routes(self, app: web.Application) -> None:
        """Put POST /echo and GET /echo beside the routes of the API."""
        app.router.add_post(PATH, self.receive)
        app.router.add_get(PATH, self.show)

    async def receive(self, request: web.Request) -> web.Response:
        """Keep what a callback brings, and say thank you."""
        arrived = {
            "arrived": iso(self._clock.now()),
            "headers": {name.lower(): value for name, value in request.headers.items() if _is_ours(name)},
            "body": _readable(await request.read()),
        }
        self._arrived.appendleft(arrived)
        self._tell(line_of(arrived))
        return web.json_response({"data": {"arrived": arrived["arrived"]}})

    async def show(self, _request: web.Request) -> web.Response:
        """What arrived, newest first."""
        return web.json_response({"data": list(self._arrived), "meta": {"total": len(self._arrived)}})


def line_of(arrived: dict[str, Any]) -> str:
    """One line for the terminal; printable whatever was sent."""
    headers = arrived["headers"]
    body = json.dumps(arrived["body"])
    facts = (
        f"event {headers.get('carillon-event-id', '?')}",
        f"nominal {headers.get('carillon-nominal-time', '?')}",
        f"attempt {headers.get('carillon-attempt', '?')}",
        body if len(body) <= SHOWN else f"{body[:SHOWN]}…",
    )
    return "".join(c if c.isprintable() else "?" for c in f"{arrived['arrived']}  rang  {'  '.join(facts)}")


def _is_ours(name: str) -> bool:
    return name.lower().startswith(OURS)


def _readable(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
