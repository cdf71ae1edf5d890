"""The floor of creating: a bare aiohttp handler on uvloop, and one statement that writes two rows, event and change.

`python -m tests.bench.bare_creation PORT DSN` listens until it is ended. It validates nothing and asks for no key.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import uvloop
from aiohttp import web

from deploy.local.process import free_port
from tests.servers.processes import ROOT

POOL: Final = 10
STARTS_WITHIN: Final = 15.0
TABLES: Final = (
    """
    create table bare_event (
        id bigint generated always as identity primary key, owner text, interval text, url text, context json, ends text
    )
    """,
    "create table bare_change (id bigint generated always as identity primary key, what bytea)",
)
INSERT: Final = """
    with event as (insert into bare_event (owner, interval, url, context, ends) values ($1, $2, $3, $4, $5))
    insert into bare_change (what) values ($6)
"""


@asynccontextmanager
async def bare_creation(dsn: str) -> AsyncIterator[tuple[int, int]]:
    """The server over this database: its port, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.bare_creation", str(port), dsn]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTS_WITHIN):
            assert await process.stdout.readline() == b"ready\n"
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


async def _serve(port: int, dsn: str) -> None:
    pool = await asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL)
    for table in TABLES:
        await pool.execute(table)

    async def create(request: web.Request) -> web.Response:
        sent = await request.json()
        facts = (sent["eventOwner"], sent["interval"], sent["callbackUrl"], json.dumps(sent["context"]))
        said = json.dumps(sent)
        await pool.execute(INSERT, *facts, sent["endDate"], said.encode())
        return web.Response(text=said, status=201, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/events", create)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))
