"""The neutral receiver: an nginx of one worker that answers 200 at once and notes when each request came in.

Nobody reads along while it works: what arrived is read from its log, afterwards or now and then.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from deploy.local.process import ServerDied, TetheredProcess, free_port
from tests.deploy.proxy import nginx
from tests.servers.processes import eventually

LOOK_EVERY: Final = 0.2
STARTS_WITHIN: Final = 10.0

CONFIGURATION: Final = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    # What came in, and when: milliseconds of the wall clock. Our own headers are empty where the floor asks.
    log_format arrivals '$msec $request_uri $http_carillon_event_id $http_carillon_nominal_time $http_carillon_attempt';
    access_log {folder}/arrivals.log arrivals buffer=64k flush=200ms;
    keepalive_requests 100000000;
    keepalive_timeout 75s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request; moments are milliseconds of the wall clock, `nominal` is 0 where the floor asked."""

    arrived: int
    path: str
    event_id: str
    nominal: int
    attempt: int

    @property
    def late(self) -> int:
        """Milliseconds after the nominal instant."""
        return self.arrived - self.nominal


class NginxReceiver:
    """The receiver as a row sees it."""

    def __init__(self, process: TetheredProcess, folder: Path, port: int) -> None:
        self.pid = process.pid
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "arrivals.log"

    def mark(self) -> int:
        """What comes from here on can be asked for by this."""
        return self._log.stat().st_size

    async def settled(self, mark: int) -> int:
        """A later mark, once everything that had come in is in the log."""
        await asyncio.sleep(2 * LOOK_EVERY)
        return max(mark, self.mark())

    def arrivals(self, mark: int, path: str = "/") -> list[Arrival]:
        """What came in since the mark at or below this path."""
        with self._log.open() as log:
            log.seek(mark)
            lines = [line.rstrip("\n") for line in log if line.endswith("\n")]
        return [_arrival(line) for line in lines if line.split(" ", 2)[1].startswith(path)]

    async def counted(self, mark: int, count: int, *, within: float) -> None:
        """Return when so many requests have come in since the mark, or more; AssertionError when they do not."""
        seen, position = 0, mark
        try:
            async with asyncio.timeout(within):
                while seen < count:
                    await asyncio.sleep(LOOK_EVERY)  # the log of another process has no event
                    with self._log.open("rb") as log:
                        log.seek(position)
                        fresh = log.read()
                    seen, position = seen + fresh.count(b"\n"), position + len(fresh)
        except TimeoutError as error:
            raise AssertionError(f"{seen} of {count} requests came in within {within:g} s") from error


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[NginxReceiver]:
    """A receiver on a free port; it ends with the block."""
    folder.mkdir()  # noqa: ASYNC240 - once, at the start
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or nginx()
    words = [program, "-p", str(folder), "-c", str(configuration)]
    process = TetheredProcess(["/bin/sh", "-c", 'exec "$0" "$@" >&2', *words], log=folder / "nginx.log")
    try:
        await eventually(
            lambda: _answers(port, process), within=STARTS_WITHIN, what=lambda: "nginx answers, the receiver"
        )
        yield NginxReceiver(process, folder, port)
    finally:
        process.end()


async def _answers(port: int, process: TetheredProcess) -> bool:
    if not process.is_running:
        raise ServerDied("nginx, the receiver, ended by itself")
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _arrival(line: str) -> Arrival:
    seconds, path, event_id, nominal, attempt = line.split(" ")
    return Arrival(
        arrived=round(float(seconds) * 1000),
        path=path,
        event_id=event_id,
        nominal=0 if nominal == "-" else round(datetime.fromisoformat(nominal).timestamp() * 1000),
        attempt=0 if attempt == "-" else int(attempt),
    )
