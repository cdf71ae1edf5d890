"""`make bench`: what the product promises of its speed, beside what bare parts do on this machine in the same run.

`python -m tests.bench burst steady` measures only these rows. A row that fails is said, and the others go on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.bench.figure import Figure, table
from tests.bench.place import Place
from tests.bench.receiver import receiving
from tests.servers import rabbit
from tests.servers.postgres import Postgres

# In this order, and how many seconds each is to take at the most: together, with the servers' start, less than eight
# minutes. What a row took is said beside it.
ROWS: Final = {
    "burst": 70,
    "crash": 35,
    "steady": 130,
    "lone": 10,
    "creation": 22,
    "visible": 12,
    "batch": 10,
    "timers": 90,
    "takeover": 25,
    "ledger": 20,
    "scaleout": 22,
    "timing": 12,
    "oncall": 5,
}
RESULT: Final = Path("bench.json")
SHARED_BUFFERS: Final = "1GB"  # as docs/operations.md asks for where there are a million events
VERSIONS: Final = ("aiohttp", "uvloop", "aio-pika", "asyncpg", "msgspec", "croniter", "marshmallow")


@asynccontextmanager
async def _furnished(folder: Path) -> AsyncIterator[Place]:
    """The servers of a run; they end with it."""
    postgres, broker = (
        Postgres(folder / "postgres", durable=True, shared_buffers=SHARED_BUFFERS),
        await asyncio.to_thread(rabbit.provide, folder / "rabbit"),
    )
    try:
        async with postgres, receiving(folder / "receiver") as receiver:
            assert isinstance(broker, rabbit.RabbitServer), "its processor time is asked for: it must be a process here"
            yield Place(folder=folder, postgres=postgres, rabbit=broker, receiver=receiver)
    finally:
        await asyncio.to_thread(broker.close)


async def _measure(rows: Sequence[str], folder: Path) -> tuple[list[Figure], dict[str, str]]:
    """All figures of these rows, and what went wrong with which."""
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    async with _furnished(folder) as place:
        for row in rows:
            started = time.monotonic()
            try:
                async for figure in import_module(f"tests.bench.rows.{row}").measure(place):
                    figures.append(figure)
                    print("  " + "  ".join(filter(None, figure.cells())), flush=True)
            except Exception:  # noqa: BLE001 - it is told at the end, and is the row's alone
                failures[row] = traceback.format_exc()
            print(f"{row}: {time.monotonic() - started:.0f} of {ROWS[row]} s", flush=True)
    return figures, failures


def _told(figures: Sequence[Figure], failures: dict[str, str], started: datetime, seconds: float) -> dict[str, Any]:
    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "machine": {
            "processors": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in VERSIONS},
        },
        "figures": [figure.told() for figure in figures],
        "failures": failures,
    }


def main(rows: Sequence[str], result: Path) -> int:
    started, begun, load = datetime.now(UTC), time.monotonic(), os.getloadavg()[0]
    print(f"load before: {load:.1f} of {os.cpu_count()} processors", flush=True)
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # Postgres may run as another user
        figures, failures = asyncio.run(_measure(rows, folder))
    seconds = time.monotonic() - begun
    result.write_text(json.dumps(_told(figures, failures, started, seconds), indent=2, ensure_ascii=False) + "\n")
    print(f"\n{table(figures)}\n\n{seconds:.0f} s; the same as JSON: {result}")
    for row, failure in failures.items():
        print(f"\n{row} FAILED\n{failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", choices=[[], *ROWS], help=f"of {', '.join(ROWS)}; default all"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures are written as JSON")
    asked = parser.parse_args()
    sys.exit(main(asked.rows or list(ROWS), asked.result))
