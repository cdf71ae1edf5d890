"""The floor of ringing: a bare aiohttp client on uvloop that POSTs the same bodies, and nothing else.

`python -m tests.bench.bare_client URL WORKERS` reads `AT COUNT` a line, begins at that moment of the wall clock (ms),
and answers with a line of JSON when the last answer is in. `BareClients` is how a row speaks to several of them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import uvloop

ROOT: Final = Path(__file__).parents[2]
ENDS_WITHIN: Final = 10.0
ANSWERS_WITHIN: Final = 120.0


def body(number: int) -> str:
    """What is posted, by the floor and by the product: some 60 bytes."""
    return json.dumps({"number": number, "plan": "pro", "region": "eu-central", "kind": "bell"})


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of one run: from the moment it was to begin to its last answer, and what it cost."""

    count: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.count / self.seconds


class BareClients:
    """Some clients, each a process, that begin together and share the work."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self._processes = processes

    async def post(self, count: int, *, clients: int = 1, ahead: float = 0.5) -> Posted:
        """Let the first so many of them post so many requests, beginning shortly."""
        chosen = self._processes[:clients]
        at = time.time_ns() // 1_000_000 + round(ahead * 1000)
        async with asyncio.timeout(ANSWERS_WITHIN), asyncio.TaskGroup() as tasks:
            runs = [
                tasks.create_task(asyncio.to_thread(_ask, one, at, len(range(place, count, clients))))
                for place, one in enumerate(chosen)
            ]
        told = [run.result() for run in runs]
        return Posted(count, max(one["seconds"] for one in told), sum(one["cpu"] for one in told))


@contextmanager
def bare_clients(url: str, *, workers: int, clients: int = 2) -> Iterator[BareClients]:
    """So many clients with so many requests under way each, waiting for work."""
    command = [sys.executable, "-m", "tests.bench.bare_client", url, str(workers)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(clients)
    ]
    try:
        yield BareClients(processes)
    finally:
        for one in processes:
            for pipe in (one.stdin, one.stdout):
                if pipe is not None:
                    pipe.close()
            one.wait(ENDS_WITHIN)


def _ask(process: subprocess.Popen[bytes], at: int, count: int) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{at} {count}\n".encode())
    process.stdin.flush()
    told: dict[str, float] = json.loads(process.stdout.readline())
    return told


async def _post(session: aiohttp.ClientSession, url: str, bodies: list[str]) -> None:
    while bodies:
        async with session.post(url, data=bodies.pop()) as answer:
            await answer.read()


async def _run(url: str, workers: int, at: int, count: int) -> dict[str, float]:
    bodies = [body(number) for number in range(count)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=workers)) as session:
        gc.collect()
        await asyncio.sleep(max(at / 1000 - time.time(), 0))
        before = resource.getrusage(resource.RUSAGE_SELF)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(workers):
                tasks.create_task(_post(session, url, bodies))
        seconds = time.time() - at / 1000
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": seconds, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def main(url: str, workers: int) -> None:
    for line in sys.stdin:
        at, count = map(int, line.split())
        print(json.dumps(uvloop.run(_run(url, workers, at, count))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
