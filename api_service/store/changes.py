"""Who changed what? The change log: written in the transaction of the change, read newest first, page after page.

A page ends at a place, the moment and name of its last row, and the next one begins beyond it: no page is dearer than
the first, and what is written meanwhile neither repeats a row nor hides one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import msgspec

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.changelog import Action, FieldChange
from shared.timing.instants import Instant, from_datetime, iso, to_datetime

if TYPE_CHECKING:
    import asyncpg

SQL = load(__file__)

Place: TypeAlias = tuple[Instant, UUID]


# Not frozen, since a frozen one takes three times as long to make; nobody changes it.
@dataclass(slots=True, kw_only=True)
class Change:
    """Something that was done; `key_id` and `request_id` are None where the service did it by itself."""

    action: Action
    happened: Instant
    key_id: str | None = None
    request_id: str | None = None
    event_id: str | None = None
    affected_key_id: str | None = None
    object_id: str | None = None
    fields: Sequence[FieldChange] = ()


@dataclass(slots=True, kw_only=True)
class Noted(Change):
    """A change as it stands in the log."""

    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which changes: from a moment on and before another, beyond a place; of one event or object, of some actions."""

    since: Instant
    until: Instant
    beyond: Place
    event_id: str | None = None
    object_id: str | None = None
    actions: tuple[Action, ...] = ()


async def add(c: Connection, application_id: int, change: Change) -> None:
    """Write it down; it is there if the transaction is."""
    if change.object_id is None:
        await add_all(c, [(application_id, change)])
    else:
        done = (application_id, to_datetime(change.happened), change.action, change.key_id, change.request_id)
        await c.execute(SQL["add_oncall"], *done, change.object_id, _text(change))


async def add_all(c: Connection, noted: Sequence[tuple[int, Change]]) -> None:
    """Write down what was done to events and keys of these applications."""
    await c.execute(SQL["add"], _ROWS.encode([_row(application_id, change) for application_id, change in noted]))


async def page(c: Connection, application_id: int, wanted: Wanted, limit: int) -> list[Noted]:
    """The application's newest changes of those that are wanted."""
    beyond, change_id = wanted.beyond
    range_ = (to_datetime(wanted.since), to_datetime(wanted.until), to_datetime(beyond), change_id, limit)
    some = list(wanted.actions) or None
    if wanted.event_id is not None:
        rows = await c.fetch(SQL["page_of_event"], application_id, *range_, wanted.event_id, some)
    elif wanted.object_id is not None:
        rows = await c.fetch(SQL["page_of_object"], application_id, *range_, wanted.object_id, some)
    elif some is not None:
        rows = await c.fetch(SQL["page_of_actions"], application_id, *range_, some)
    else:
        rows = await c.fetch(SQL["page"], application_id, *range_)
    return [_noted(row) for row in rows]


async def forget_older(c: Connection, moment: Instant, *, limit: int = 1_000) -> int:
    """Forget changes from before the moment, at most `limit`; how many those were."""
    status = await c.execute(SQL["forget_older"], to_datetime(moment), limit)
    return int(status.rpartition(" ")[2])


async def forget_older_oncall(c: Connection, moment: Instant, *, limit: int = 1_000) -> int:
    """The same, of changes of what is on call."""
    status = await c.execute(SQL["forget_older_oncall"], to_datetime(moment), limit)
    return int(status.rpartition(" ")[2])


class _Row(msgspec.Struct, omit_defaults=True):
    """A change as the statement reads it, of JSON: what is not there is null."""

    application_id: int
    happened: str
    action: Action
    fields: str  # JSON within a string, as it is kept
    key_id: str | None = None
    request_id: str | None = None
    event_id: str | None = None
    affected_key_id: str | None = None


_ROWS: Final = msgspec.json.Encoder()


def _row(application_id: int, change: Change) -> _Row:
    return _Row(
        application_id=application_id,
        happened=iso(change.happened),
        action=change.action,
        fields=_text(change),
        key_id=change.key_id,
        request_id=change.request_id,
        event_id=change.event_id,
        affected_key_id=change.affected_key_id,
    )


def _text(change: Change) -> str:
    return "[]" if not change.fields else json.dumps(change.fields, ensure_ascii=False)


def _noted(row: asyncpg.Record) -> Noted:
    return Noted(
        change_id=row["change_id"],
        action=Action(row["action"]),
        happened=from_datetime(row["happened"]),
        key_id=row["key_id"],
        request_id=row["request_id"],
        event_id=row["event_id"],
        affected_key_id=row["affected_key_id"],
        object_id=row["object_id"],
        fields=json.loads(row["fields"]),
    )
