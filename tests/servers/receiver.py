"""Who was rung, when, and under which name? A neutral receiver in a process of its own: fast, and it forgets nothing.

It answers 200 at once, except below `/status/<code>/…`, `/slow/<milliseconds>/…`, `/hang/…`, and `/flaky/…`, which
refuses first attempts. What a test waits for it waits for here: an answer of the receiver is the event.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import msgspec
import uvloop
from aiohttp import web

ROOT: Final = Path(__file__).parents[2]
ENDS_WITHIN: Final = 5.0
PULSE_SECONDS: Final = 0.02
OURS: Final = ("webhook-id", "carillon-event-id", "carillon-nominal-time", "carillon-attempt", "carillon-epoch")


class Arrival(msgspec.Struct, array_like=True, frozen=True, kw_only=True, gc=False):
    """One request, as it came in; moments are milliseconds of the wall clock."""

    arrived: int
    path: str
    name: str
    event_id: str
    nominal: int
    attempt: int
    epoch: int
    user_agent: str
    body: str

    @property
    def late(self) -> int:
        """Milliseconds after the nominal instant."""
        return self.arrived - self.nominal


class Told(msgspec.Struct):
    """What the receiver knows; `stall` is for how many milliseconds it could not even look at the clock."""

    arrivals: list[Arrival]
    stall: int


_told = msgspec.json.Decoder(Told)


class Receiver:
    """The receiver as a test sees it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self._session: aiohttp.ClientSession | None = None
        self.url = url

    @classmethod
    def started(cls) -> Self:
        """A receiver of its own, listening."""
        command = [sys.executable, "-m", "tests.servers.receiver"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        assert line.startswith("http://"), "the receiver did not start"
        return cls(process, line)

    def end(self) -> None:
        """Stop the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(ENDS_WITHIN)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def arrivals(self, path: str = "/", *, since: int = 0) -> list[Arrival]:
        """What arrived at or below this path since this moment, in order."""
        return (await self.told(path, since=since)).arrivals

    async def told(self, path: str = "/", *, since: int = 0) -> Told:
        """What arrived, and how disturbed the receiver itself was."""
        return _told.decode(await self._get("/arrivals", {"path": path, "since": since}, within=10))

    async def counted(self, path: str, count: int, *, within: float) -> int:
        """Return when so many requests have arrived at exactly this path; how many have."""
        return int(await self._get("/counted", {"path": path, "count": count}, within=within))

    async def reached(self, path: str, nominal: int, *, within: float) -> None:
        """Return when this nominal instant, or a later one, has arrived at exactly this path."""
        await self._get("/reached", {"path": path, "nominal": nominal}, within=within)

    async def past(self, moment: int) -> None:
        """Return when the clock is past this moment; bounded, since it is the clock."""
        await self._get("/past", {"moment": moment}, within=60)

    async def _get(self, path: str, params: dict[str, Any], *, within: float) -> bytes:
        assert self._session is not None, "entered"
        try:
            async with asyncio.timeout(within), self._session.get(path, params=params) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.read()
        except TimeoutError as error:
            raise AssertionError(f"not within {within:g} s: {path.strip('/')} {params}") from error


@dataclass(slots=True)
class _Record:
    """Everything that arrived, and the index that waiting needs."""

    arrivals: list[Arrival]
    counts: Counter[str]
    latest: dict[str, int]
    news: asyncio.Event
    pulse: float = 0.0
    stall: float = 0.0

    def take(self, request: web.BaseRequest, arrived: int, body: bytes) -> None:
        path = request.path
        name, event_id, nominal, attempt, epoch = (request.headers.get(header, "") for header in OURS)
        arrival = Arrival(
            arrived=arrived,
            path=path,
            name=name,
            event_id=event_id,
            nominal=_moment(nominal),
            attempt=int(attempt or 0),
            epoch=int(epoch or 0),
            user_agent=request.headers.get("user-agent", ""),
            body=body.decode(errors="replace"),
        )
        self.arrivals.append(arrival)
        self.counts[path] += 1
        self.latest[path] = max(self.latest.get(path, 0), arrival.nominal)
        self.news.set()
        self.news = asyncio.Event()

    def told(self, path: str, since: int) -> bytes:
        below = path.rstrip("/") + "/"
        chosen = [one for one in self.arrivals if one.arrived >= since and f"{one.path}/".startswith(below)]
        stall, self.stall = round(self.stall * 1000), 0.0
        return msgspec.json.encode(Told(chosen, stall))


def _moment(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000) if text else 0


def _now() -> int:
    return time.time_ns() // 1_000_000


async def _answer(record: _Record, request: web.BaseRequest) -> web.StreamResponse:
    arrived = _now()
    if request.method == "GET":
        return web.Response(body=await _look(record, request))
    record.take(request, arrived, await request.read())
    kind, _, rest = request.path.lstrip("/").partition("/")
    match kind:
        case "status":
            return web.Response(status=int(rest.partition("/")[0]))
        case "flaky":
            return web.Response(status=503 if request.headers.get("carillon-attempt") == "1" else 200)
        case "slow":
            await asyncio.sleep(int(rest.partition("/")[0]) / 1000)
        case "hang":
            await asyncio.Event().wait()
        case _:
            pass
    return web.Response()


async def _look(record: _Record, request: web.BaseRequest) -> bytes:
    asked = request.query
    match request.path:
        case "/arrivals":
            return record.told(asked["path"], int(asked["since"]))
        case "/counted":
            while record.counts[asked["path"]] < int(asked["count"]):
                await record.news.wait()
            return str(record.counts[asked["path"]]).encode()
        case "/reached":
            while record.latest.get(asked["path"], 0) < int(asked["nominal"]):
                await record.news.wait()
            return b""
        case "/past":
            await asyncio.sleep(max(int(asked["moment"]) - _now(), 0) / 1000)
            return b""
        case other:
            raise web.HTTPNotFound(text=other)


async def _feel(record: _Record) -> None:
    """How long is this process kept from running? What it measures late, it may itself have made late."""
    record.pulse = time.monotonic()
    while True:
        await asyncio.sleep(PULSE_SECONDS)
        now = time.monotonic()
        record.stall = max(record.stall, now - record.pulse - PULSE_SECONDS)
        record.pulse = now


async def _serve() -> None:
    record = _Record([], Counter(), {}, asyncio.Event())
    runner = web.ServerRunner(web.Server(lambda request: _answer(record, request), access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    # When whoever started it is gone, however that happened, so is it.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), sys.exit)
    gc.freeze()
    gc.disable()
    await _feel(record)


if __name__ == "__main__":
    uvloop.run(_serve())
