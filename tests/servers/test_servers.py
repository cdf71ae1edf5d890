"""The servers themselves: they come up, survive what tests do to them, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres import PostgresServer
from deploy.local.process import ServerDied
from tests.servers.postgres import Postgres

STARTED = """
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from deploy.local.postgres import PostgresServer

server = PostgresServer(Path(sys.argv[1]), durable=False)
server.start()
print(server.dsn, flush=True)
sys.stdin.read()
"""


@contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has started a server, and the server's DSN."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTED, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with starter:
        assert starter.stdout is not None
        yield starter, starter.stdout.readline().strip()


async def make_table(dsn: str) -> None:
    await execute(dsn, "CREATE TABLE kept (number int)")


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def count(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        number: int = await connection.fetchval("SELECT count(*) FROM kept")
    finally:
        await connection.close()
    return number


async def test_a_fresh_database_is_as_it_was_filled_and_nobody_elses(postgres: Postgres) -> None:
    one = await postgres.fresh_database(make_table)
    other = await postgres.fresh_database(make_table)

    await execute(one, "INSERT INTO kept VALUES (1)")

    assert await count(one) == 1
    assert await count(other) == 0


async def test_what_was_committed_outlives_a_crash(postgres: Postgres) -> None:
    dsn = await postgres.fresh_database(make_table)
    await execute(dsn, "INSERT INTO kept VALUES (1)")

    await asyncio.to_thread(postgres.restart)

    assert await count(dsn) == 1


async def test_nobody_gets_in_without_the_password(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn.replace("@", "x@"))


async def test_a_server_ends_with_whoever_started_it_however_that_ends(scratch: Path) -> None:
    folder = scratch / "orphan"
    with started(folder) as (starter, dsn):
        await make_table(dsn)
        starter.kill()

    # A successor finds the lock free, hence nobody alive, and the data.
    async with PostgresServer(folder, durable=False) as successor:
        assert await count(successor.dsn) == 0
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(dsn)
    successor.erase()


async def test_two_servers_never_share_their_data(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.postgres.LOCK_SECONDS", 0.2)

    with pytest.raises(ServerDied, match="another Postgres is running"):
        await asyncio.to_thread(PostgresServer(postgres.folder).start)

    await execute(postgres.dsn, "SELECT 1")
