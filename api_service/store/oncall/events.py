"""On-call events as rows: written and read in the caller's transaction, always within one application.

An event is a row of `oncall_event` with its attendees, exceptions and schedules; whoever writes it writes all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from api_service import limits
from api_service.store.database import Connection
from api_service.store.oncall import lists
from api_service.store.oncall.lists import Column
from api_service.store.oncall.recent import Recent
from api_service.store.queries import load
from api_service.wanted import ListWanted
from shared.domain.errors import OccurrenceTaken, OnCallEventNotFound, WindowTooFull
from shared.domain.oncall import Role
from shared.domain.oncall_kept import Attendee, KeptEvent, ends_at, rule_of, starts_at
from shared.timing import recurrence
from shared.timing.instants import LAST, Instant, from_datetime, to_datetime
from shared.timing.recurrence import Unit

if TYPE_CHECKING:
    from datetime import datetime

SQL = load(__file__)

_RECENT: Final = Recent[KeptEvent](most=10_000)

COLUMNS: Final[Mapping[str, Column]] = {
    "id": Column("oncall_event_id", "prefix_id"),
    "prefix_id": Column("prefix_id"),
    "tiny_id": Column("tiny_id"),
    "start_datetime": Column("start_at"),
    "end_datetime": Column("end_at"),
    "start_time": Column("start_at"),
    "end_time": Column("end_at"),
    "layer": Column("layer"),
    "time_zone": Column("time_zone"),
    "repeat": Column("repeat"),
    "frequency": Column("frequency"),
    "frequency_unit": Column("frequency_unit"),
    "days_of_week": Column("days_of_week"),
    "repeat_end_datetime": Column("repeat_end::timestamptz"),
    "terminated_on": Column("terminated_on"),
    "rotation": Column("rotation"),
    "parent_id": Column(SQL["names_of_parent"]),
    "role": Column("role"),
    "schedule_ids": Column(SQL["names_of_schedules"]),
    "account_user_ids": Column(SQL["names_of_attendees"]),
    "created_at": Column("created_at"),
    "updated_at": Column("updated_at"),
}


async def get(c: Connection, application_id: int, name: str) -> KeptEvent:
    """The event that has this id or prefix id. Raises OnCallEventNotFound."""
    row = await c.fetchrow(_rows("get"), application_id, name)
    if row is None:
        raise OnCallEventNotFound
    return _kept(row)


async def page(c: Connection, application_id: int, wanted: ListWanted) -> tuple[list[KeptEvent], int]:
    """The events that are wanted, and how many match in all; needs a moment of its own."""
    rows, total = await lists.page(
        c,
        rows=_rows("page"),
        count=SQL["count"],
        fixed=[application_id],
        columns=COLUMNS,
        newest="tiny_id",
        wanted=wanted,
    )
    return [_kept(row) for row in rows], total


async def page_of_schedule(
    c: Connection, application_id: int, schedule_id: str, wanted: ListWanted
) -> tuple[list[KeptEvent], int]:
    """The same of those that are on a schedule."""
    rows, total = await lists.page(
        c,
        rows=_rows("page_of_schedule"),
        count=SQL["count_of_schedule"],
        fixed=[application_id, schedule_id],
        columns=COLUMNS,
        newest="tiny_id",
        wanted=wanted,
    )
    return [_kept(row) for row in rows], total


async def people(c: Connection, application_id: int, account_user_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The name and time zone of each of these account users, by id."""
    rows = await c.fetch(SQL["people"], application_id, list(account_user_ids))
    return {row["account_user_id"]: (row["name"], row["time_zone"]) for row in rows}


async def family(c: Connection, application_id: int, event_id: str) -> list[KeptEvent]:
    """The event, all above it, and all below those; needs the application held."""
    return await _remembered(c, await c.fetch(SQL["family"], application_id, event_id))


async def of_schedules(
    c: Connection, application_id: int, schedule_ids: Sequence[str], start: Instant = 0, end: Instant = LAST
) -> list[KeptEvent]:
    """The events on any of the schedules, but for those that surely have no occurrence in [start, end), by their ids.

    Needs a moment of its own, or the application held. Raises WindowTooFull.
    """
    most = limits.WINDOW_SHIFTS
    window = (to_datetime(start), to_datetime(end))
    versions = await c.fetch(SQL["of_schedules"], application_id, schedule_ids, *window, most + 1)
    if len(versions) > most:
        raise WindowTooFull(most)
    return await _remembered(c, versions)


async def of_each_layer(c: Connection, application_id: int, schedule_id: str) -> list[KeptEvent]:
    """One event on the schedule of each layer that any is in, whenever they are; needs what `of_schedules` does."""
    return await _remembered(c, await c.fetch(SQL["layers_of_schedule"], application_id, schedule_id))


async def of_account_user(
    c: Connection, application_id: int, account_user_id: str, start: Instant, end: Instant
) -> list[KeptEvent]:
    """As `of_schedules`, of the events on any schedule that the account user takes part in."""
    window = (to_datetime(start), to_datetime(end))
    return await _remembered(c, await c.fetch(SQL["of_account_user"], application_id, account_user_id, *window))


async def _remembered(c: Connection, versions: Sequence[asyncpg.Record]) -> list[KeptEvent]:
    """The events of these ids and versions: read, where they are not remembered as of just these."""
    known = {event_id: _RECENT.get(event_id, version) for event_id, version in versions}
    unknown = [event_id for event_id, kept in known.items() if kept is None]
    for row in await c.fetch(_rows("these"), unknown) if unknown else ():
        known[row["oncall_event_id"]] = _kept(row)
    found = [(version, kept) for (_, version), kept in zip(versions, known.values(), strict=True) if kept is not None]
    for version, kept in found:
        _RECENT.put(kept.event_id, version, kept)
    return [kept for _, kept in found]


async def insert(c: Connection, kept: KeptEvent) -> None:
    """Write a new event."""
    await c.execute(
        SQL["insert"],
        kept.event_id,
        kept.application_id,
        kept.prefix_id,
        kept.tiny_id,
        *_said(kept),
        to_datetime(kept.created_at),
        to_datetime(kept.updated_at),
        *_attendees(kept),
        *_exceptions(kept, kept.exceptions),
        kept.schedule_ids,
    )


async def update(c: Connection, before: KeptEvent, after: KeptEvent) -> None:
    """Write what has changed of an event. Raises OccurrenceTaken where somebody else has taken out an occurrence."""
    event_id = after.event_id
    await c.execute(SQL["update"], after.application_id, event_id, *_said(after), to_datetime(after.updated_at))
    if after.attendees != before.attendees:
        await c.execute(SQL["drop_attendees"], event_id)
        await c.execute(SQL["add_attendees"], event_id, *_attendees(after))
    if dropped := before.exceptions.keys() - after.exceptions.keys():
        await c.execute(SQL["drop_exceptions"], event_id, [to_datetime(start) for start in sorted(dropped)])
    if added := after.exceptions.keys() - before.exceptions.keys():
        await _add_exceptions(c, after, sorted(added))
    if left := set(before.schedule_ids) - set(after.schedule_ids):
        await c.execute(SQL["leave_schedules"], event_id, sorted(left))
    if joined := set(after.schedule_ids) - set(before.schedule_ids):
        await c.execute(SQL["join_schedules"], event_id, sorted(joined))


async def delete(c: Connection, application_id: int, event_ids: Iterable[str]) -> None:
    """Remove events, and all below them."""
    await c.execute(SQL["delete"], application_id, list(event_ids))


async def _add_exceptions(c: Connection, kept: KeptEvent, starts: Sequence[Instant]) -> None:
    try:
        await c.execute(SQL["add_exceptions"], kept.event_id, *_exceptions(kept, starts))
    except asyncpg.UniqueViolationError:
        raise OccurrenceTaken from None


def _rows(name: str) -> str:
    return SQL[name].replace("{rows}", SQL["rows"])


def _said(kept: KeptEvent) -> tuple[Any, ...]:
    """What may be changed of an event's own row, in the order of its columns."""
    last_end = recurrence.last_end(rule_of(kept))
    return (
        kept.layer,
        kept.time_zone,
        kept.start.replace(fold=0),
        bool(kept.start.fold),
        kept.end.replace(fold=0),
        bool(kept.end.fold),
        to_datetime(starts_at(kept)),
        to_datetime(ends_at(kept)),
        _moment(last_end),
        kept.repeat,
        kept.frequency,
        kept.unit,
        kept.days_of_week,
        kept.repeat_end,
        _moment(kept.terminated_on),
        kept.rotation,
        kept.parent_id,
        kept.role,
        [to_datetime(start) for start in sorted(kept.covers)],
        json.dumps(kept.meta, ensure_ascii=False, separators=(",", ":")),
    )


def _attendees(kept: KeptEvent) -> tuple[list[str], list[str]]:
    return (
        [attendee.attendee_id for attendee in kept.attendees],
        [attendee.account_user_id for attendee in kept.attendees],
    )


def _exceptions(kept: KeptEvent, starts: Iterable[Instant]) -> tuple[list[datetime], list[str]]:
    chosen = list(starts)
    return [to_datetime(start) for start in chosen], [kept.exceptions[start] for start in chosen]


def _kept(row: asyncpg.Record) -> KeptEvent:
    attendees = zip(row["attendee_ids"] or (), row["account_user_ids"] or (), strict=True)
    exceptions = zip(row["exception_starts"] or (), row["exception_ids"] or (), strict=True)
    return KeptEvent(
        event_id=row["oncall_event_id"],
        application_id=row["application_id"],
        prefix_id=row["prefix_id"],
        tiny_id=row["tiny_id"],
        layer=row["layer"],
        time_zone=row["time_zone"],
        start=row["start_wall"].replace(fold=row["start_fold"]),
        end=row["end_wall"].replace(fold=row["end_fold"]),
        repeat=row["repeat"],
        frequency=row["frequency"],
        unit=None if row["frequency_unit"] is None else Unit(row["frequency_unit"]),
        days_of_week=tuple(row["days_of_week"]),
        repeat_end=row["repeat_end"],
        terminated_on=_instant(row["terminated_on"]),
        rotation=row["rotation"],
        parent_id=row["parent_id"],
        role=None if row["role"] is None else Role(row["role"]),
        covers=frozenset(from_datetime(start) for start in row["covers"]),
        attendees=tuple(Attendee(*each) for each in attendees),
        exceptions={from_datetime(start): exception_id for start, exception_id in exceptions},
        schedule_ids=tuple(row["schedule_ids"] or ()),
        meta=json.loads(row["meta"]),
        created_at=from_datetime(row["created_at"]),
        updated_at=from_datetime(row["updated_at"]),
    )


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)
