"""The floor of creating in batches: a bare aiohttp handler on uvloop that decodes JSON and inserts as many wide rows.

`python -m tests.bench.bare_batch DSN PORT` answers `POST /` once the rows are committed, by one statement over arrays.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg
import uvloop
from aiohttp import web

from deploy.local.process import free_port
from tests.servers.processes import eventually

ROOT: Final = Path(__file__).parents[2]
STARTS_WITHIN: Final = 20.0
ENDS_WITHIN: Final = 10.0

TABLE: Final = """
create table if not exists bare (
    id text primary key, owner text not null, ends text not null, interval text not null, zone text not null,
    url text not null, context text not null, tags text not null
)
"""
INSERT: Final = """
insert into bare
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
"""


async def _create(request: web.Request) -> web.Response:
    body = await request.read()
    rows = [
        (
            os.urandom(16).hex(),
            event["eventOwner"],
            event["endDate"],
            event["interval"],
            event["timezone"],
            event["callbackUrl"],
            json.dumps(event["context"]),
            ",".join(event["tags"]),
        )
        for event in json.loads(body)["events"]
    ]
    async with request.app[POOL].acquire() as c:
        await c.execute(INSERT, *zip(*rows, strict=True))
    return web.Response(status=201, text=json.dumps({"data": [row[0] for row in rows]}))


POOL: Final = web.AppKey("pool", asyncpg.Pool)


async def _pool(app: web.Application, dsn: str) -> AsyncIterator[None]:
    async with asyncpg.create_pool(dsn, min_size=4, max_size=4) as pool:
        await pool.execute(TABLE)
        app[POOL] = pool
        yield


@contextmanager
def bare_batches(dsn: str) -> Iterator[tuple[str, int]]:
    """Such a handler over this database: its URL, and its process id."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare_batch", dsn, str(port)], cwd=ROOT)
    try:
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait(ENDS_WITHIN)


async def answers(url: str) -> None:
    """Return once it is there."""
    async with aiohttp.ClientSession() as session:

        async def is_there() -> bool:
            try:
                async with session.get(url):
                    return True
            except aiohttp.ClientError:
                return False

        await eventually(is_there, within=STARTS_WITHIN, what=lambda: "the bare handler answers")


def main(dsn: str, port: int) -> None:
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/", _create)
    app.cleanup_ctx.append(lambda app: _pool(app, dsn))
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
