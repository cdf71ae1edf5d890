"""What does recording cost, and reading a shard? `python -m tests.bench.recording`: outcomes a second, and snapshots.

On a real disk, with a million events or fewer, of which all ring or one in a hundred.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from random import Random

from api_service.store import recording, snapshots
from api_service.store.database import Database, connect
from api_service.store.digest import Digest
from api_service.store.migrations import migrate
from deploy.local.postgres import PostgresServer
from shared.domain.firing import Attempted, AttemptError, Outcome
from shared.messages.catalogue import Outcomes, Report

SHARDS = 64
NOW = 1_800_000_000_000
BATCH = 500

_FILL = (
    "insert into application (app_name, created_date) values ('bench', now())",
    """
    insert into event (event_id, application_id, shard, version, event_owner, interval, timezone, end_date,
        callback_url, context, tags, created_date, updated_date, anchor)
    select lpad(n::text, 26, '0'), 1, n % 64, n, 'owner' || n % 5000 || '@example.com', '* * * * * *', 'UTC',
        '2035-01-01', 'https://api.example.com/bells/' || n % 1000, ('{"user":' || n || ',"plan":"pro"}')::json,
        array['prod'], '2027-01-15 08:00+00', '2027-01-15 08:00+00', '2027-01-15 08:00+00'
    from generate_series(0, $1::integer - 1) as n
    """,
    """
    insert into event_state (event_id, application_id, shard, status)
    select event_id, application_id, shard, 'INACTIVE' from event
    """,
)


def event_id(number: int) -> str:
    return f"{number:026}"


async def fill(dsn: str, events: int) -> None:
    await migrate(dsn, shards=SHARDS, now=NOW)
    async with connect(dsn) as c:
        await c.execute(_FILL[0])
        await c.execute(_FILL[1], events, timeout=900)
        await c.execute(_FILL[2], timeout=900)
        await c.execute("update shard set version = $1", events)
        await c.execute("vacuum analyze event", timeout=900)
        await c.execute("vacuum analyze event_state", timeout=900)


def messages(random: Random, hot: range) -> Iterator[Outcomes]:
    """Rings of events among the hot ones, as one dispatcher reports them."""
    second = 0
    while True:
        second += 1
        nominal = NOW + second * 1000
        reports: dict[int, list[Outcome]] = {}
        for number in random.sample(hot, BATCH):
            rung = Attempted(
                timer_id=event_id(number),
                nominal=nominal,
                manual=False,
                attempt=1,
                started=nominal + 5,
                duration_ms=20,
                status_code=200,
                error=AttemptError.NONE,
                settled_through=nominal,
            )
            reports.setdefault(number % SHARDS, []).append(rung)
        yield Outcomes("bench", [Report(shard, "i", 1, told) for shard, told in reports.items()])


async def recording_rate(database: Database, events: int, hot: int, seconds: float) -> float:
    told = messages(Random(hot), range(events) if hot >= events else range(0, events, events // hot))
    count = 0
    began = time.perf_counter()
    spent = 0.0
    while time.perf_counter() - began < seconds:
        message = next(told)
        started = time.perf_counter()
        async with database.transaction() as c:
            await recording.record(c, Digest.of([message]), NOW)
        spent += time.perf_counter() - started
        count += BATCH
    return count / spent


async def reading_seconds(database: Database, shard: int) -> tuple[float, int]:
    """How long a snapshot takes to read, and how many timers are in it."""
    began = time.perf_counter()
    timers = 0
    async with aclosing(snapshots.read(database, shard, now=NOW)) as pages:
        async for page in pages:
            timers += len(page.timers)
    return time.perf_counter() - began, timers


async def measure(dsn: str, size: int, seconds: float) -> None:
    began = time.perf_counter()
    await fill(dsn, size)
    print(f"filled with {size:,} events in {time.perf_counter() - began:.0f} s")

    database = await Database.open(dsn, size=2, command_timeout=60.0)
    try:
        for hot in (size // 100, size):
            rate = await recording_rate(database, size, max(hot, BATCH), seconds)
            print(f"recorded over {hot:>9,} events: {rate:>8,.0f} outcomes/s in messages of {BATCH}")
        for shard in (0, 1, 2):
            spent, timers = await reading_seconds(database, shard)
            print(f"snapshot of {timers:,} timers read in {spent * 1000:.0f} ms")
    finally:
        await database.close()


async def measure_in(folder: Path, size: int, seconds: float) -> None:
    async with PostgresServer(folder / "postgres") as server:
        await measure(server.dsn, size, seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="events, at least 1000")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement of recording")
    parser.add_argument("--dsn", help="an empty database; without it a Postgres is started for the occasion")
    asked = parser.parse_args()
    if asked.dsn:
        asyncio.run(measure(asked.dsn, asked.size, asked.seconds))
    else:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            Path(scratch).chmod(0o755)  # the server may run as another user
            asyncio.run(measure_in(Path(scratch), asked.size, asked.seconds))
