"""What are on-call events on? Schedules, of one application each."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from api_service.store.database import Connection
from api_service.store.oncall import lists
from api_service.store.oncall.lists import Column
from api_service.store.queries import load
from api_service.wanted import ListWanted
from shared.domain.errors import ScheduleNotFound
from shared.domain.schedule import Schedule
from shared.timing.instants import from_datetime, to_datetime

if TYPE_CHECKING:
    import asyncpg

SQL = load(__file__)

COLUMNS: Final[Mapping[str, Column]] = {
    "id": Column("schedule_id", "prefix_id"),
    "prefix_id": Column("prefix_id"),
    "tiny_id": Column("tiny_id"),
    "name": Column("name"),
    "time_zone": Column("time_zone"),
    "created_at": Column("created_at"),
    "updated_at": Column("updated_at"),
}


async def insert(c: Connection, application_id: int, schedule: Schedule) -> None:
    """Write a new schedule."""
    await c.execute(
        SQL["insert"],
        application_id,
        schedule.schedule_id,
        schedule.prefix_id,
        schedule.tiny_id,
        schedule.name,
        schedule.time_zone,
        json.dumps(schedule.meta, ensure_ascii=False),
        to_datetime(schedule.created_at),
        to_datetime(schedule.updated_at),
    )


async def get(c: Connection, application_id: int, name: str) -> Schedule:
    """The schedule of this ULID or prefix id. Raises ScheduleNotFound."""
    row = await c.fetchrow(SQL["get"], application_id, name)
    if row is None:
        raise ScheduleNotFound
    return _schedule(row)


async def update(c: Connection, application_id: int, schedule: Schedule) -> None:
    """Write what a client may change of a schedule."""
    await c.execute(
        SQL["update"],
        application_id,
        schedule.schedule_id,
        schedule.name,
        schedule.time_zone,
        json.dumps(schedule.meta, ensure_ascii=False),
        to_datetime(schedule.updated_at),
    )


async def delete(c: Connection, application_id: int, schedule_id: str) -> None:
    """Remove a schedule that nothing is on and nobody subscribes to."""
    await c.execute(SQL["delete"], application_id, schedule_id)


async def detach_all(c: Connection, schedule_id: str) -> tuple[int, frozenset[str]]:
    """Take everything off the schedule; events that are on no other go, and their descendants with them.

    How many were on it, and the ids of the other schedules that lost something by it. Needs the application held.
    """
    row = await c.fetchrow(SQL["going"], schedule_id)
    if row is None:
        raise LookupError("an aggregate is always one row")
    await c.execute(SQL["delete_events"], row["event_ids"])
    await c.execute(SQL["detach"], schedule_id)
    return row["count"], frozenset(row["schedule_ids"])


async def resolve(c: Connection, application_id: int, names: Collection[str]) -> dict[str, str]:
    """The ULID of each of these names, ULIDs or prefix ids, that is a schedule of the application."""
    rows = await c.fetch(SQL["resolve"], application_id, list(names))
    known = {name: row["schedule_id"] for row in rows for name in (row["schedule_id"], row["prefix_id"])}
    return {name: known[name] for name in names if name in known}


async def page(c: Connection, application_id: int, wanted: ListWanted) -> tuple[list[Schedule], int]:
    """The schedules that are wanted, and how many match in all; needs a moment of its own."""
    rows, total = await lists.page(
        c,
        rows=SQL["page"],
        count=SQL["count"],
        fixed=[application_id],
        columns=COLUMNS,
        newest="tiny_id",
        wanted=wanted,
    )
    return [_schedule(row) for row in rows], total


def _schedule(row: asyncpg.Record) -> Schedule:
    return Schedule(
        schedule_id=row["schedule_id"],
        prefix_id=row["prefix_id"],
        tiny_id=row["tiny_id"],
        name=row["name"],
        time_zone=row["time_zone"],
        meta=json.loads(row["meta"]),
        created_at=from_datetime(row["created_at"]),
        updated_at=from_datetime(row["updated_at"]),
    )
