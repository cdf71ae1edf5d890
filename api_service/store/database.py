"""The door to Postgres: a bounded pool, bounded waits, and one refusal, Unavailable, for whatever keeps us from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from shared.domain.errors import Unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

ACQUIRE_TIMEOUT = 2.0
CONNECT_TIMEOUT = 2.0
CLOSE_TIMEOUT = 5.0

# Compiling a statement takes longer than any of ours runs.
_SESSION = {"application_name": "carillon", "timezone": "UTC", "jit": "off"}

_AWAY = (
    OSError,  # refused, reset, no such host; a ConnectionError is one
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.OperatorInterventionError,  # shut down by its administrator, crashed, starting
    asyncpg.ReadOnlySQLTransactionError,  # no longer the primary
    asyncpg.InternalClientError,  # asyncpg's answer to a statement after a farewell that the server sent unasked
    asyncpg.TransactionRollbackError,  # a deadlock, say: the same again may do
)


class Database:
    """A pool of connections that comes and goes with Postgres; it is made even while Postgres is away."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], patience: float = ACQUIRE_TIMEOUT) -> None:
        self._pool = pool
        self._patience = patience
        # However much is asked for in bulk, single requests find connections: at most half of them are its.
        self.for_bulk = max(1, pool.get_max_size() // 2)
        self._turns_in_bulk = asyncio.Semaphore(self.for_bulk)

    @classmethod
    async def open(
        cls, dsn: str, *, size: int = 10, command_timeout: float = 5.0, patience: float = ACQUIRE_TIMEOUT
    ) -> Database:
        """A pool of at most `size` connections, each made when it is first needed.

        `patience`: for how many seconds a connection is waited for before Postgres counts as away.
        """
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=size,
            command_timeout=command_timeout,
            timeout=patience,
            server_settings=_SESSION,
            reset=_as_it_is,
        )
        return cls(pool, patience)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for as long as the block lasts. Raises Unavailable."""
        with unavailable_when_away():
            async with self._pool.acquire(timeout=self._patience) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that commits when the block ends well. After Unavailable it may be committed or not."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[Connection]:
        """A transaction that only reads, and whose statements all see the database as it is at the first one."""
        async with self.connection() as c, c.transaction(isolation="repeatable_read", readonly=True):
            yield c

    @asynccontextmanager
    async def turn_in_bulk(self, seconds: float) -> AsyncIterator[bool]:
        """A turn for one piece of what is done in bulk, or False where none came within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._turns_in_bulk.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            self._turns_in_bulk.release()

    @property
    def limit(self) -> int:
        """How many connections there may be."""
        return self._pool.get_max_size()

    @property
    def idle(self) -> int:
        """Connections that wait to be used."""
        return self._pool.get_idle_size()

    @property
    def used(self) -> int:
        """Connections that are being used."""
        return self._pool.get_size() - self._pool.get_idle_size()

    async def close(self) -> None:
        """Let go of every connection: in peace where that is quick, by force otherwise."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._pool.close()
        except _AWAY:
            self._pool.terminate()


async def _as_it_is(_connection: Connection) -> None:
    """Nothing that a statement of ours sets outlives its transaction, so a round trip to reset it is saved."""


@asynccontextmanager
async def connect(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """One connection of one's own, without a limit on how long a statement may take. Raises Unavailable."""
    with unavailable_when_away():
        connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT, server_settings=_SESSION)
        try:
            yield connection
        finally:
            await connection.close(timeout=CLOSE_TIMEOUT)


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn what Postgres's absence looks like into Unavailable; every other error is somebody's mistake and passes."""
    try:
        yield
    except _AWAY as error:
        raise Unavailable from error
    except asyncpg.InterfaceError as error:
        # A connection that breaks between two statements, or while a transaction rolls back, says no more than this.
        if isinstance(error, asyncpg.DataError | ValueError) or "closed" not in str(error):
            raise
        raise Unavailable from error
