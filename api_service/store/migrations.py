"""How does a database get our schema? Numbered files, each applied once, in order, while others read and write it.

A file is applied in a transaction of its own, which is tried again where another one holds a table that it changes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncpg

from api_service.store.database import Connection, Database, connect
from api_service.store.queries import load
from shared.domain.errors import SchemaBehind
from shared.timing.instants import Instant, to_datetime

SQL = load(__file__)

FOLDER = Path(__file__).with_name("migrations")
TIME_LIMIT = 600.0

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class MigrationRefused(Exception):
    """This release must not run on this database; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    text: str


async def migrate(dsn: str, *, shards: int, now: Instant) -> None:
    """Bring the database to this release's schema; at first installation also write its shards.

    Safe to run from several processes at once, and while the previous release works. Raises MigrationRefused where the
    database belongs to a newer release or to an installation with another number of shards, and Unavailable.
    """
    async with connect(dsn) as c, asyncio.timeout(TIME_LIMIT):
        await c.execute(SQL["exclude_others"])
        await c.execute(SQL["prepare"])

        for migration in await _pending(c, read(FOLDER)):
            await _apply(c, migration, now)
        async with c.transaction():
            await _install(c, shards)


async def require_schema(database: Database) -> None:
    """Return where the database has what this release needs, and maybe more. Raises SchemaBehind and Unavailable.

    More is a newer release's, which is being rolled out or was taken back: its migrations leave this one able to work.
    """
    async with database.connection() as c:
        await require_schema_of(c)


async def require_schema_of(c: Connection) -> None:
    """The same, over a connection. Raises SchemaBehind."""
    found = await schema_version(c)
    if found < _needed():
        raise SchemaBehind(found, _needed())


async def schema_version(c: Connection) -> int:
    """The number of the newest migration that this database has seen; 0 where nothing was ever installed."""
    try:
        version: int = await c.fetchval(SQL["version"])
    except asyncpg.UndefinedTableError:
        return 0
    return version


def read(folder: Path) -> list[Migration]:
    """The migrations in a folder, in order; their numbers are 1, 2, 3 and so on."""
    migrations = []
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        named = _FILE_NAME.fullmatch(path.name)
        if named is None or int(named[1]) != number:
            raise ValueError(f"{path.name}: the migration in this place must be called {number:04}_what_it_does.sql")
        migrations.append(Migration(number=number, name=named[2], text=path.read_text(encoding="utf-8")))
    return migrations


@cache
def _needed() -> int:
    return len(read(FOLDER))


async def _pending(c: Connection, known: Sequence[Migration]) -> list[Migration]:
    applied = {row["number"] for row in await c.fetch(SQL["applied"])}
    if newer := sorted(applied - {migration.number for migration in known}):
        raise MigrationRefused(
            f"the database has migration {newer[-1]}, and this release ends at {len(known)}: upgrade it"
        )
    return [migration for migration in known if migration.number not in applied]


async def _apply(c: Connection, migration: Migration, now: Instant) -> None:
    while not await _is_applied(c, migration, now):
        await c.execute(SQL["pause"])


async def _is_applied(c: Connection, migration: Migration, now: Instant) -> bool:
    """Try to apply it; False where another transaction held a table that it changes."""
    try:
        async with c.transaction():
            await c.execute(SQL["wait_no_longer"])
            await c.execute(migration.text)
            await c.execute(SQL["record"], migration.number, migration.name, to_datetime(now))
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def _install(c: Connection, shards: int) -> None:
    installed = await c.fetchval(SQL["count_shards"])
    if installed == 0:
        await c.execute(SQL["install_shards"], shards)
    elif installed != shards:
        raise MigrationRefused(
            f"this installation has {installed} shards and SHARDS says {shards}: the number is fixed at installation"
        )
