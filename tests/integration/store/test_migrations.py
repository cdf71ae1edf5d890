"""One schema, however a database came by it; and no release runs on a database that is not its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api_service.store import migrations, partitions
from api_service.store.database import Database, connect
from api_service.store.migrations import MigrationRefused, migrate, read, require_schema
from shared.domain.errors import SchemaBehind, Unavailable
from shared.timing.instants import to_datetime
from tests.integration.store.scene import DAY, NOW, SHARDS, waiting_for_a_lock
from tests.servers.processes import ROOT, environment

CATALOGUE = """
    select 'column' as kind, table_name || '.' || column_name as name,
           concat_ws(' ', data_type, is_nullable, column_default, collation_name, is_identity) as what
    from information_schema.columns where table_schema = 'public'
    union all
    select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
    union all
    select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select 'partition', inhrelid::regclass::text, inhparent::regclass || ' ' || pg_get_expr(relpartbound, inhrelid)
    from pg_inherits join pg_class on pg_class.oid = inhrelid where relkind = 'r'
    union all
    select 'options', relname, array_to_string(reloptions, ' ')
    from pg_class where relnamespace = 'public'::regnamespace
    union all
    select 'trigger', tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all
    select 'function', proname, pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
    order by 1, 2, 3
"""


EXECUTION = """
    insert into execution (event_id, nominal, manual, status, last, recorded)
    values ('e', $1, false, 'DELIVERED', $1, $1)
"""
ATTEMPT = """
    insert into attempt (
        event_id, nominal, manual, epoch, attempt, started, duration_ms, status_code, error, dispatcher, stale
    )
    values ('e', $1, false, 1, 1, $1, 1, 200, '', 'd', false)
"""
PATIENCE = 30.0  # seconds; who stood behind a migration would stand for ever


async def catalogue(c: asyncpg.Connection[asyncpg.Record]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await c.fetch(CATALOGUE)]


async def test_all_migrations_make_the_schema(dsn: str) -> None:
    schema = Path(migrations.__file__).with_name("schema.sql").read_text(encoding="utf-8")
    await migrate(dsn, shards=SHARDS, now=NOW)

    c = await asyncpg.connect(dsn)
    try:
        await c.execute("drop table migration")
        migrated = await catalogue(c)
        await c.execute("drop schema public cascade; create schema public")
        await c.execute(schema)
        assert await catalogue(c) == migrated
        assert any(kind == "index" and name == "event_newest" for kind, name, _ in migrated)
    finally:
        await c.close()


async def test_a_ledger_from_before_it_had_weeks_is_kept(dsn: str) -> None:
    async with connect(dsn) as c:
        await c.execute(migrations.SQL["prepare"])
        for migration in read(migrations.FOLDER)[:6]:
            await migrations._apply(c, migration, NOW)
        for nominal in (NOW, NOW - 50 * DAY):
            await c.execute(EXECUTION, to_datetime(nominal))
            await c.execute(ATTEMPT, to_datetime(nominal))

        await migrate(dsn, shards=SHARDS, now=NOW)

        assert partitions.Week.of(NOW) in await partitions.prepare(c, NOW)
        for table in ("execution", "attempt"):
            rows = await c.fetch(f"select tableoid::regclass::text from {table} order by nominal")  # noqa: S608
            assert [row[0] for row in rows] == [f"{table}_default", f"{table}_2027w02"]
        with pytest.raises(asyncpg.UniqueViolationError):
            await c.execute(EXECUTION, to_datetime(NOW))


async def test_several_processes_install_once(dsn: str) -> None:
    async with connect(dsn) as c:
        await c.execute(migrations.SQL["exclude_others"])
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(migrate(dsn, shards=SHARDS, now=NOW))
            await waiting_for_a_lock(c, "advisory")
            assert not await c.fetchval("select to_regclass('migration')")
            await c.execute("select pg_advisory_unlock_all()")

        assert [row[0] for row in await c.fetch("select shard from shard order by shard")] == list(range(SHARDS))
        assert await c.fetchval("select count(*) from migration") == len(read(migrations.FOLDER))


async def test_nobody_stands_for_long_behind_a_migration_that_waits(dsn: str) -> None:
    """Who reads a table keeps a migration from changing it; the migration must not keep others from reading it."""
    async with connect(dsn) as reader, connect(dsn) as other:
        await reader.execute(migrations.SQL["prepare"])
        for migration in read(migrations.FOLDER)[:9]:
            await migrations._apply(reader, migration, NOW)
        async with asyncio.TaskGroup() as group, reader.transaction():
            await reader.execute("select from event_rule")
            migrating = group.create_task(migrate(dsn, shards=SHARDS, now=NOW))
            await waiting_for_a_lock(other, "relation")
            async with asyncio.timeout(PATIENCE):
                await other.execute("select from event_rule")
            assert not migrating.done()

        assert await other.fetchval("select max(number) from migration") == len(read(migrations.FOLDER))


async def test_the_number_of_shards_is_fixed_at_installation(dsn: str) -> None:
    await migrate(dsn, shards=SHARDS, now=NOW)
    with pytest.raises(MigrationRefused, match=f"{SHARDS} shards and SHARDS says {SHARDS + 1}"):
        await migrate(dsn, shards=SHARDS + 1, now=NOW)


async def test_whoever_migrates_is_told_in_one_line_why_it_is_refused(dsn: str) -> None:
    await migrate(dsn, shards=SHARDS, now=NOW)
    told = {"DATABASE_URL": dsn, "AMQP_URL": "amqp://nobody@nowhere/", "SHARDS": str(SHARDS + 1)}
    command = [sys.executable, "-m", "api_service", "migrate"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment(told), capture_output=True, text=True, check=False
    )

    (line,) = done.stderr.splitlines()
    assert (done.returncode, json.loads(line)["event"]) == (1, "api.failed")
    assert f"SHARDS says {SHARDS + 1}" in json.loads(line)["error"]


async def test_an_older_release_refuses_a_newer_database(dsn: str) -> None:
    await migrate(dsn, shards=SHARDS, now=NOW)
    c = await asyncpg.connect(dsn)
    try:
        await c.execute("insert into migration (number, name, applied) values (9999, 'future', now())")
    finally:
        await c.close()

    with pytest.raises(MigrationRefused, match="9999"):
        await migrate(dsn, shards=SHARDS, now=NOW)


async def test_a_release_works_with_its_own_schema_and_with_a_newer_one(dsn: str) -> None:
    last = len(read(migrations.FOLDER))
    database = await Database.open(dsn)
    try:
        with pytest.raises(SchemaBehind, match=f"is at migration 0, and this release needs {last}: run `python -m "):
            await require_schema(database)

        await migrate(dsn, shards=SHARDS, now=NOW)
        await require_schema(database)
        async with database.connection() as c:
            await c.execute("insert into migration values (9999, 'of_tomorrow', now())")
        await require_schema(database)
        async with database.connection() as c:
            await c.execute("delete from migration where number >= $1", last)
        with pytest.raises(SchemaBehind, match=f"is at migration {last - 1}, "):
            await require_schema(database)
    finally:
        await database.close()


async def test_postgres_away_is_said_as_everywhere() -> None:
    with pytest.raises(Unavailable):
        await migrate("postgresql://nobody@127.0.0.1:1/nothing", shards=SHARDS, now=NOW)


@pytest.mark.parametrize("name", ["0002_second.sql", "1_first.sql", "0001-first.sql", "first.sql"])
def test_a_migration_is_named_by_its_place(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("select")
    with pytest.raises(ValueError, match="0001_what_it_does"):
        read(tmp_path)
