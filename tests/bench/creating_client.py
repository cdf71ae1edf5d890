"""Whoever creates: keep-alive connections that send the next creation once the last one is answered, at little cost.

`python -m tests.bench.creating_client PORT KEY CONNECTIONS SECONDS` says in one line of JSON what came of it. It speaks
just enough HTTP for the API's answers and the floor's, so that what is measured is the server.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Final, cast

import uvloop

from tests.servers.processes import ROOT

BODIES: Final = 4_000
ENDS_WITHIN: Final = 15.0
CREATED: Final = b"HTTP/1.1 201 "


@dataclass(frozen=True, slots=True)
class Created:
    """What came of one run: how many were created a second, and how many answers said otherwise."""

    count: int
    rate: float
    refused: int
    p50_ms: float
    p99_ms: float


async def create(port: int, key: str, *, connections: int, seconds: float) -> Created:
    """Create at the server on this port for so long, from a process of its own."""
    command = [sys.executable, "-m", "tests.bench.creating_client", str(port), key, str(connections), str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        async with asyncio.timeout(seconds + ENDS_WITHIN):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Created(**json.loads(said))


def request(port: int, key: str, number: int) -> bytes:
    """A creation as most are: a rule of many, a small context, a tag."""
    body = json.dumps({
        "eventOwner": f"user{number % 50}@example.com",
        "endDate": "2035-09-02T05:11:59.708Z",
        "interval": f"{number % 60} {number % 24} * * *",
        "timezone": ("UTC", "Europe/London")[number % 2],
        "callbackUrl": f"https://api.example.com/bells/{number % 1000}",
        "context": {"user": number, "plan": "pro"},
        "tags": ["prod"],
    }).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class _Run:
    requests: list[bytes]
    sent: int = 0
    created: int = 0
    refused: int = 0
    ends: bool = False
    seconds: list[float] = field(default_factory=list)


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = b""
        self._begun = 0.0
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0]):
            return
        self._run.seconds.append(time.perf_counter() - self._begun)
        if head.startswith(CREATED):
            self._run.created += 1
        else:
            self._run.refused += 1
        self._received = b""
        if self._run.ends:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set_result(None)

    def _send(self) -> None:
        self._transport.write(self._run.requests[self._run.sent % BODIES])
        self._run.sent += 1
        self._begun = time.perf_counter()


async def _create(port: int, key: str, connections: int, seconds: float) -> Created:
    run = _Run([request(port, key, number) for number in range(BODIES)])
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    protocols = [
        (await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    created, spent = run.created, time.perf_counter() - begun
    run.ends = True
    await asyncio.gather(*(one.closed for one in protocols))
    took = sorted(run.seconds)
    return Created(
        count=run.created,
        rate=created / spent,
        refused=run.refused,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[len(took) * 99 // 100] * 1000,
    )


def main(port: int, key: str, connections: int, seconds: float) -> None:
    came = uvloop.run(_create(port, key, connections, seconds))
    print(json.dumps({name: getattr(came, name) for name in Created.__slots__}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
