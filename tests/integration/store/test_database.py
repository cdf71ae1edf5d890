"""Postgres comes and goes: whoever needs it hears Unavailable, soon, and everything works when it is back."""

from __future__ import annotations

import asyncpg
import pytest

from api_service.store.database import Connection, Database, unavailable_when_away
from shared.domain.errors import Unavailable

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


async def test_it_opens_and_closes_while_postgres_is_away() -> None:
    database = await Database.open(NOWHERE)
    try:
        with pytest.raises(Unavailable) as refused:
            await ask(database)
        assert isinstance(refused.value.__cause__, OSError)
    finally:
        await database.close()


async def ask(database: Database) -> None:
    async with database.connection() as c:
        await c.execute("select")


async def terminate(database: Database, c: Connection) -> None:
    async with database.connection() as other:
        await other.execute("select pg_terminate_backend($1)", c.get_server_pid())


async def test_a_connection_that_breaks_is_unavailable_and_the_next_one_works(database: Database) -> None:
    async def broken() -> None:
        async with database.transaction() as c:
            await terminate(database, c)
            await c.execute("select 1")

    with pytest.raises(Unavailable):
        await broken()
    await ask(database)


async def test_a_connection_that_breaks_before_the_commit_is_unavailable(database: Database) -> None:
    async def broken() -> None:
        async with database.transaction() as c:
            await c.execute("select 1")
            await terminate(database, c)

    with pytest.raises(Unavailable):
        await broken()
    await ask(database)


async def test_a_statement_that_takes_too_long_is_unavailable(dsn: str) -> None:
    database = await Database.open(dsn, command_timeout=0.05)
    try:
        with pytest.raises(Unavailable):
            async with database.connection() as c:
                await c.execute("select pg_sleep(30)")
        await ask(database)
    finally:
        await database.close()


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.DiskFullError(),
        asyncpg.AdminShutdownError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.ReadOnlySQLTransactionError(),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        asyncpg.InterfaceError("connection is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_way_of_being_away_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable) as refused, unavailable_when_away():
        raise error
    assert refused.value.__cause__ is error


async def test_mistakes_are_not_called_absence(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with database.connection() as c:
            await c.execute("select * from nothing")
    with pytest.raises(asyncpg.DataError):
        async with database.connection() as c:
            await c.execute("select $1::integer", "no number")
    async with database.connection() as c, c.transaction():
        cursor = c.cursor("select 1")
    with pytest.raises(asyncpg.InterfaceError):  # outside its transaction
        async with database.connection():
            await cursor


async def test_a_pool_that_is_used_up_is_unavailable(dsn: str) -> None:
    database = await Database.open(dsn, size=1)
    try:
        async with database.connection():
            with pytest.raises(Unavailable):
                await ask(database)
    finally:
        await database.close()
