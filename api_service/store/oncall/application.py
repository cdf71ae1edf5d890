"""Whose turn is it to change an application's on-call events, and what is around them? One transaction's at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from api_service.store.database import Connection
from api_service.store.queries import load

SQL = load(__file__)

Numbered: TypeAlias = Literal["account_user", "schedule", "oncall_event"]

_NEXT: Final[Mapping[Numbered, str]] = {
    "account_user": SQL["next_account_user"],
    "schedule": SQL["next_schedule"],
    "oncall_event": SQL["next_oncall_event"],
}


async def held(c: Connection, application_id: int) -> None:
    """Wait until no other transaction changes them, and keep others out until this one ends: its first lock."""
    await c.execute(SQL["begin"], application_id)
    await c.execute(SQL["hold"], application_id)


async def next_tiny_id(c: Connection, application_id: int, kind: Numbered) -> int:
    """The next number of the application's things of this kind, from 1; needs the application held."""
    number: int | None = await c.fetchval(_NEXT[kind], application_id)
    if number is None:
        raise LookupError("tiny ids are given to an application that is held")
    return number
