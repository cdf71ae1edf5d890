"""What is refused before there is a request, in the same shape: what is not HTTP, and expectations we do not meet.

And how connections end: once the process has been told to, each with its next answer, which says so.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from api_service import limits
from api_service.keys import CLOCK, ENDING
from api_service.middleware import error_response
from shared.clock import Clock
from shared.observability.logs import get_logger
from shared.observability.tracebacks import said_of

# Bodies are left as they come: nobody may send a compressed one, and what is refused need not be inflated first.
_CONNECTION = {
    "auto_decompress": False,
    "keepalive_timeout": limits.IDLE_SECONDS,
    "max_line_size": limits.LINE_BYTES,
    "max_field_size": limits.LINE_BYTES,
}

log = get_logger(__name__)


class _Protocol(web.RequestHandler):
    """aiohttp's connection, with our errors instead of plain text."""

    __slots__ = ("_clock", "_ending")

    def __init__(self, server: web.Server, *, clock: Clock, ending: asyncio.Event, **kwargs: Any) -> None:
        super().__init__(server, **kwargs)
        self._clock = clock
        self._ending = ending

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer where no handler could be asked; the connection ends with it."""
        # The text of a parser's error holds what was sent, which may be a key.
        _tell(status, request, exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer is sent already")

        response = error_response(status, [_said(status, exc)], self._clock.now())
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer. An HTTPException that no middleware has seen (417) is shaped first."""
        if isinstance(resp, web.HTTPException):
            _tell(resp.status, request, resp)
            resp = error_response(resp.status, [_refused(resp)], self._clock.now(), path=request.path)
        if self._ending.is_set():
            resp.force_close()
        return await super().finish_response(request, resp, start_time)


class _Server(web.Server):
    """aiohttp's server, with our connections."""

    def __init__(self, server: web.Server, clock: Clock, ending: asyncio.Event) -> None:
        super().__init__(
            server.request_handler,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            loop=asyncio.get_running_loop(),
            **server._kwargs | _CONNECTION,  # noqa: SLF001 - aiohttp offers no other way to name the connection's class
        )
        self._clock = clock
        self._ending = ending

    def __call__(self) -> web.RequestHandler:
        """A new connection."""
        return _Protocol(self, loop=self._loop, clock=self._clock, ending=self._ending, **self._kwargs)


class Runner(web.AppRunner):
    """Runs the application as aiohttp's AppRunner does, and answers in our shape where aiohttp would not."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self.app[CLOCK], self.app[ENDING])


def _tell(status: int, request: web.BaseRequest, fault: BaseException | None) -> None:
    tell = log.error if status >= 500 else log.info
    error = "" if fault is None else said_of(fault)
    tell("http.refused", status=status, remote=request.remote, error=error, exc_info=fault if status >= 500 else None)


def _refused(refusal: web.HTTPException) -> str:
    if refusal.status == 417:
        return "Expect should be 100-continue, or left out"
    return f"{refusal.reason}: this server cannot do that"


def _said(status: int, fault: BaseException | None) -> str:
    if isinstance(fault, LineTooLong):
        return f"the request line and every header should have at most {limits.LINE_BYTES} bytes"
    return "the request is not valid HTTP" if status == 400 else "the request could not be handled"
