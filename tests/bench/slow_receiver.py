"""A receiver that takes its time: each request is answered so many seconds after it came in, and costs next to nothing.

`python -m tests.bench.slow_receiver SECONDS` says where it listens, and then, for each line that it reads, when the
requests since the line before came in. It is a bare protocol, so that waiting is all that it has to do.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import uvloop

ROOT: Final = Path(__file__).parents[2]
ENDS_WITHIN: Final = 5.0
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class SlowReceiver:
    """The receiver as a row sees it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    def arrivals(self) -> list[int]:
        """When requests came in, in order, since this was asked last: milliseconds of the wall clock."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        told: list[int] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def slow_receiver(seconds: float) -> Iterator[SlowReceiver]:
    """A receiver that answers after so many seconds; it ends with the block."""
    command = [sys.executable, "-m", "tests.bench.slow_receiver", str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield SlowReceiver(process, process.stdout.readline().decode().strip())
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait(ENDS_WITHIN)


class _Slow(asyncio.Protocol):
    """One connection; its requests come one after the other."""

    def __init__(self, seconds: float, arrivals: list[int]) -> None:
        self._seconds = seconds
        self._arrivals = arrivals
        self._transport: asyncio.Transport
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, gap, body = self._read.partition(b"\r\n\r\n")
        if not gap:
            return
        length = LENGTH.search(head)
        if length is None or len(body) >= int(length[1]):
            self._read = b""
            self._arrivals.append(time.time_ns() // 1_000_000)
            asyncio.get_running_loop().call_later(self._seconds, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


async def _serve(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    arrivals: list[int] = []
    server = await loop.create_server(lambda: _Slow(seconds, arrivals), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    over = asyncio.Event()

    def asked() -> None:
        if not sys.stdin.readline():  # whoever started it is gone
            over.set()
            return
        print(json.dumps(arrivals), flush=True)
        arrivals.clear()

    loop.add_reader(sys.stdin.fileno(), asked)
    await over.wait()


if __name__ == "__main__":
    uvloop.run(_serve(float(sys.argv[1])))
