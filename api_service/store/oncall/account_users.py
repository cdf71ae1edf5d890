"""Who may be on call? Account users, of one application each."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from api_service.store.database import Connection
from api_service.store.oncall import lists
from api_service.store.oncall.lists import Column
from api_service.store.queries import load
from api_service.wanted import ListWanted
from shared.domain.errors import AccountUserNotFound
from shared.domain.schedule import AccountUser
from shared.timing.instants import from_datetime, to_datetime

if TYPE_CHECKING:
    import asyncpg

SQL = load(__file__)

COLUMNS: Final[Mapping[str, Column]] = {
    "id": Column("account_user_id", "prefix_id"),
    "prefix_id": Column("prefix_id"),
    "tiny_id": Column("tiny_id"),
    "name": Column("name"),
    "email": Column("email"),
    "time_zone": Column("time_zone"),
    "created_at": Column("created_at"),
    "updated_at": Column("updated_at"),
}


async def insert(c: Connection, application_id: int, user: AccountUser) -> None:
    """Write a new account user."""
    await c.execute(
        SQL["insert"],
        application_id,
        user.account_user_id,
        user.prefix_id,
        user.tiny_id,
        user.name,
        user.email,
        user.time_zone,
        json.dumps(user.meta, ensure_ascii=False),
        to_datetime(user.created_at),
        to_datetime(user.updated_at),
    )


async def get(c: Connection, application_id: int, name: str) -> AccountUser:
    """The account user of this ULID or prefix id. Raises AccountUserNotFound."""
    row = await c.fetchrow(SQL["get"], application_id, name)
    if row is None:
        raise AccountUserNotFound
    return _account_user(row)


async def update(c: Connection, application_id: int, user: AccountUser) -> None:
    """Write what a client may change of an account user."""
    await c.execute(
        SQL["update"],
        application_id,
        user.account_user_id,
        user.name,
        user.email,
        user.time_zone,
        json.dumps(user.meta, ensure_ascii=False),
        to_datetime(user.updated_at),
    )


async def delete(c: Connection, application_id: int, account_user_id: str) -> None:
    """Remove an account user who attends nothing."""
    await c.execute(SQL["delete"], application_id, account_user_id)


async def attended(c: Connection, account_user_id: str, most: int) -> tuple[list[str], int]:
    """The ids of the first few on-call events that the account user attends, and how many there are."""
    rows = await c.fetch(SQL["attended"], account_user_id, most)
    return [row["oncall_event_id"] for row in rows], rows[0]["events"] if rows else 0


async def addresses(c: Connection, application_id: int, account_user_ids: Collection[str]) -> list[str]:
    """The mailboxes of these account users, each once."""
    return [row["email"] for row in await c.fetch(SQL["addresses"], application_id, list(account_user_ids))]


async def scheduled(c: Connection, account_user_id: str) -> list[str]:
    """The ids of the schedules with events that the account user attends."""
    return [row["schedule_id"] for row in await c.fetch(SQL["scheduled"], account_user_id)]


async def resolve(c: Connection, application_id: int, names: Collection[str]) -> dict[str, str]:
    """The ULID of each of these names, ULIDs or prefix ids, that is an account user of the application."""
    rows = await c.fetch(SQL["resolve"], application_id, list(names))
    known = {name: row["account_user_id"] for row in rows for name in (row["account_user_id"], row["prefix_id"])}
    return {name: known[name] for name in names if name in known}


async def page(c: Connection, application_id: int, wanted: ListWanted) -> tuple[list[AccountUser], int]:
    """The account users that are wanted, and how many match in all; needs a moment of its own."""
    rows, total = await lists.page(
        c,
        rows=SQL["page"],
        count=SQL["count"],
        fixed=[application_id],
        columns=COLUMNS,
        newest="tiny_id",
        wanted=wanted,
    )
    return [_account_user(row) for row in rows], total


def _account_user(row: asyncpg.Record) -> AccountUser:
    return AccountUser(
        account_user_id=row["account_user_id"],
        prefix_id=row["prefix_id"],
        tiny_id=row["tiny_id"],
        name=row["name"],
        email=row["email"],
        time_zone=row["time_zone"],
        meta=json.loads(row["meta"]),
        created_at=from_datetime(row["created_at"]),
        updated_at=from_datetime(row["updated_at"]),
    )
