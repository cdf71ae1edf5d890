"""A proxy before several APIs, as an ingress is: it asks each whether it is ready, and sends requests only to those.

It keeps connections to them for the next request, and sends no request twice, unless nothing of it can have arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from aiohttp import web

PROBE_EVERY: Final = 0.1
PROBE_WITHIN: Final = 2.0
PASSED_ON: Final = ("X-API-Key", "Content-Type")


class Balancer:
    """Sends each request to the next of those that are ready; `refused` is what it could not have answered."""

    def __init__(self, session: aiohttp.ClientSession, urls: Collection[str]) -> None:
        self._session = session
        self._urls = list(urls)
        self._ready: set[str] = set()
        self._turn = 0
        self.refused: list[str] = []
        self.url = ""

    async def watch(self) -> None:
        """Ask each whether it is ready, for ever."""
        while True:
            for url in self._urls:
                await self._probe(url)
            await asyncio.sleep(PROBE_EVERY)

    async def serve(self, request: web.BaseRequest) -> web.Response:
        """The answer of one of them; 502 where there is none."""
        body = await request.read()
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        fault = "there is nobody"
        for url in self._in_turn():
            try:
                async with self._session.request(
                    request.method, f"{url}{request.raw_path}", data=body, headers=headers
                ) as answer:
                    said = await answer.read()
                    return web.Response(status=answer.status, body=said, content_type=answer.content_type)
            except aiohttp.ClientConnectorError as error:  # nothing was sent
                self._ready.discard(url)
                fault = repr(error)
            except aiohttp.ClientError as error:
                fault = repr(error)
                break
        self.refused.append(f"{request.method} {request.path}: {fault}")
        return web.Response(status=502, text=fault)

    def _in_turn(self) -> list[str]:
        # Where none says so, one may be all the same.
        there = [url for url in self._urls if url in self._ready] or self._urls
        self._turn += 1
        return [there[(self._turn + place) % len(there)] for place in range(len(there))]

    async def _probe(self, url: str) -> None:
        timeout = aiohttp.ClientTimeout(total=PROBE_WITHIN)
        try:
            async with self._session.get(f"{url}/readyz", timeout=timeout) as answer:
                is_ready = answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            is_ready = False
        (self._ready.add if is_ready else self._ready.discard)(url)


@asynccontextmanager
async def balancing(urls: Collection[str]) -> AsyncIterator[Balancer]:
    """A balancer before these, listening; it ends with the block."""
    async with aiohttp.ClientSession() as session:
        balancer = Balancer(session, urls)
        runner = web.ServerRunner(web.Server(balancer.serve, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        balancer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        watching = asyncio.create_task(balancer.watch())
        try:
            yield balancer
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            await runner.cleanup()
