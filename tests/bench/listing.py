"""How long does a listing take? `python -m tests.bench.listing`: the first page and total, of a million events.

Every filter on a database at rest, and again after a twentieth of its rows was written anew and no vacuum came.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from api_service.store import events
from api_service.store.database import Database, connect
from api_service.store.events import ContextFilter, Filters
from api_service.store.migrations import migrate
from deploy.local.postgres import PostgresServer
from shared.domain.event import Status
from tests.bench import population

PAGE = 10
FEW_MATCHES, GOAL_FEW, GOAL = 20_000, 50.0, 500.0

_ACTIVE = frozenset({Status.ACTIVE})
_REGION = ContextFilter(path=("shop", "region"), type="Number", value="7.0")
_LINE = ContextFilter(path=("lines",), type="String", value="sku-7", is_array=True)
_CROWD = tuple(f"user{number}@example.com" for number in range(30))

CASES = {
    "no filter": Filters(),
    "status, huge": Filters(status=_ACTIVE),
    "status, rare": Filters(status=frozenset({Status.PAUSED})),
    "every status": Filters(status=frozenset(Status)),
    "owner, huge": Filters(owners=("ops@example.com",)),
    "owner, some": Filters(owners=("billing@example.com",)),
    "owner, rare": Filters(owners=("rare@example.com",)),
    "any of 30 owners": Filters(owners=_CROWD),
    "tag, huge": Filters(tags=("prod",)),
    "tag, many": Filters(tags=("nightly",)),
    "tag, rare": Filters(tags=("vip",)),
    "tag, nowhere": Filters(tags=("nowhere",)),
    "context, huge": Filters(contexts=(ContextFilter(path=("plan",), type="String", value="pro"),)),
    "context, some": Filters(contexts=(_REGION,)),
    "context, rare": Filters(contexts=(ContextFilter(path=("needle",), type="String", value="found"),)),
    "context, one": Filters(contexts=(ContextFilter(path=("user",), type="Number", value="4711"),)),
    "context, in an array": Filters(contexts=(_LINE,)),
    "rare and huge": Filters(tags=("vip", "prod")),
    "rare, huge and huge": Filters(tags=("vip", "prod", "eu")),
    "some and huge": Filters(tags=("beta", "eu")),
    "some, huge and huge": Filters(tags=("beta", "eu", "prod")),
    "some and some": Filters(tags=("beta",), contexts=(_REGION,)),
    "some and huge status": Filters(tags=("beta",), status=_ACTIVE),
    "huge and rare status": Filters(tags=("prod",), status=frozenset({Status.PAUSED})),
    "some and 30 owners": Filters(tags=("beta",), owners=_CROWD),
    "many and huge": Filters(tags=("nightly", "eu")),
    "huge and huge": Filters(tags=("prod", "eu")),
    "huge and huge, none": Filters(tags=("odd", "even")),
    "huge, huge and huge": Filters(tags=("prod", "eu", "odd")),
    "huge and huge status": Filters(tags=("prod",), status=_ACTIVE),
    "huge and two statuses": Filters(tags=("prod",), status=frozenset({Status.ACTIVE, Status.INACTIVE})),
    "huge and huge owner": Filters(tags=("prod",), owners=("ops@example.com", "billing@example.com")),
    "four huge": Filters(tags=("prod", "eu"), owners=("ops@example.com",), status=_ACTIVE),
}

# What clients change and rings record touches no term; only changing what an event can be found by does.
DISTURBANCES = {
    "5 % of the events changed, ms": """
        create temporary table touched as select event_id from event tablesample bernoulli (5) repeatable (7);
        update event set updated_date = updated_date + interval '1 second' where event_id in (select * from touched);
        update event_state set last_run_date = now() where event_id in (select * from touched);
    """,
    "and all of their terms, ms": """
        with gone as (delete from event_term where event_id in (select * from touched) returning *)
            insert into event_term select * from gone;
    """,
}


async def main(size: int, rounds: int, dsn: str) -> None:
    await migrate(dsn, shards=population.SHARDS, now=population.MILLISECONDS)
    async with connect(dsn) as c:
        started = time.perf_counter()  # a benchmark's own clock
        await population.fill(c, size)
        await c.execute("vacuum analyze")
        print(f"{size:,} events written in {time.perf_counter() - started:.0f} s")

        await measure(dsn, "at rest, ms", rounds)
        for table in ("event", "event_state", "event_term"):
            await c.execute(f"alter table {table} set (autovacuum_enabled = off)")
        for title, disturbance in DISTURBANCES.items():
            await c.execute(disturbance)
            await measure(dsn, title, rounds)


async def measure(dsn: str, title: str, rounds: int) -> None:
    print(f"\n{title:32}{'matches':>10}{'p50':>8}{'p95':>8}{'goal':>6}")
    database = await Database.open(dsn, size=1, command_timeout=60)
    try:
        for name, filters in CASES.items():
            total, times = await repeat(database, filters, rounds)
            goal = GOAL_FEW if total <= FEW_MATCHES else GOAL
            p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
            missed = "" if p95 < goal else "  missed"
            print(f"{name:32}{total:>10,}{statistics.median(times):>8.1f}{p95:>8.1f}{goal:>6.0f}{missed}", flush=True)
    finally:
        await database.close()


async def repeat(database: Database, filters: Filters, rounds: int) -> tuple[int, list[float]]:
    """How many match, and how many milliseconds each round took; two more rounds go before, to warm up."""
    times = []
    for _ in range(rounds + 2):
        started = time.perf_counter()
        async with database.connection() as c:
            _, total = await events.page(c, population.APPLICATION, filters, PAGE, 0)
        times.append((time.perf_counter() - started) * 1_000)
    return total, times[2:]


async def main_in(folder: Path, size: int, rounds: int) -> None:
    async with PostgresServer(folder / "postgres", durable=False) as server:
        await main(size, rounds, server.dsn)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="events, at least 1000")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--dsn", help="an empty database; without it a Postgres is started for the occasion")
    asked = parser.parse_args()
    if asked.dsn:
        asyncio.run(main(asked.size, asked.rounds, asked.dsn))
    else:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            Path(scratch).chmod(0o755)  # the server may run as another user
            asyncio.run(main_in(Path(scratch), asked.size, asked.rounds))
