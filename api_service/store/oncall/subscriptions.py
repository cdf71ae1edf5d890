"""Subscriptions to schedules as rows: they are events, and found by their schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from api_service.store.database import Connection
from api_service.store.events import event_of
from api_service.store.oncall import lists
from api_service.store.oncall.lists import Column
from api_service.store.queries import load
from api_service.wanted import ListWanted
from shared.domain.errors import SubscriptionNotFound
from shared.domain.event import Event

SQL = load(__file__)

COLUMNS: Final[Mapping[str, Column]] = {
    "id": Column("event_id"),
    "callbackUrl": Column("callback_url"),
    "eventOwner": Column("event_owner"),
    "createdDate": Column("created_date"),
    "updatedDate": Column("updated_date"),
}


async def get(
    c: Connection, application_id: int, schedule_id: str, event_id: str, *, for_update: bool = False
) -> Event:
    """The subscription; `for_update` keeps others from changing it until the end. Raises SubscriptionNotFound."""
    statement = SQL["get_for_update" if for_update else "get"]
    row = await c.fetchrow(statement, application_id, schedule_id, event_id)
    if row is None:
        raise SubscriptionNotFound
    return event_of(row)


async def hold(c: Connection, application_id: int, schedule_ids: Sequence[str]) -> list[Event]:
    """All subscriptions to these schedules, kept as they are until the transaction ends."""
    return [event_of(row) for row in await c.fetch(SQL["hold"], application_id, schedule_ids)]


async def page(c: Connection, application_id: int, schedule_id: str, wanted: ListWanted) -> tuple[list[Event], int]:
    """The schedule's subscriptions that are wanted, and how many match in all; needs a moment of its own."""
    rows, total = await lists.page(
        c,
        rows=SQL["page"],
        count=SQL["count"],
        fixed=[application_id, schedule_id],
        columns=COLUMNS,
        newest="event_id",
        wanted=wanted,
    )
    return [event_of(row) for row in rows], total
