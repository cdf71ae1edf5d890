"""Health and metrics on a side port, for whoever operates the dispatcher."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST


@asynccontextmanager
async def probe(
    *, host: str, port: int, unready: Callable[[], list[str]], metrics: Callable[[], bytes]
) -> AsyncIterator[int]:
    """Serve /healthz, /readyz and /metrics; gives the port that is really used (0 asks for a free one)."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"data": {"status": "ok"}})

    async def readyz(_request: web.Request) -> web.Response:
        reasons = unready()
        status = "unavailable" if reasons else "ok"
        return web.json_response({"data": {"status": status, "reasons": reasons}}, status=503 if reasons else 200)

    async def figures(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", figures)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
