"""Whoever changes something, it is noted: in the transaction of the change, so neither is there without the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from api_service.schemas.changes import ChangesWanted, differences
from api_service.store import changes
from api_service.store.changes import Change, Noted, Wanted
from api_service.store.database import Connection
from api_service.usecases.means import Means
from shared.domain.changelog import Action, FieldChange
from shared.domain.event import Event
from shared.domain.ids import firing_name
from shared.timing.instants import LAST, Instant

_FIRST: Final[Instant] = 0
_BEFORE_ALL: Final = UUID(int=0)


def creation(means: Means, event_id: str) -> tuple[int, Change]:
    """What is noted of an event's creation, and for which application."""
    change = Change(
        action=Action.CREATED,
        happened=means.now,
        key_id=means.key_id,
        request_id=means.request_id,
        event_id=event_id,
    )
    return means.application_id, change


async def note(
    c: Connection,
    means: Means,
    action: Action,
    *,
    event_id: str | None = None,
    affected_key_id: str | None = None,
    object_id: str | None = None,
    fields: Sequence[FieldChange] = (),
) -> None:
    """Note what the holder of a key does."""
    change = Change(
        action=action,
        happened=means.now,
        key_id=means.key_id,
        request_id=means.request_id,
        event_id=event_id,
        affected_key_id=affected_key_id,
        object_id=object_id,
        fields=fields,
    )
    await changes.add(c, means.application_id, change)


async def note_move(c: Connection, means: Means, action: Action, before: Event, after: Event) -> None:
    """Note what the holder of a key makes of an event."""
    await note(c, means, action, event_id=after.event_id, fields=differences(before, after))


async def note_replay(c: Connection, means: Means, event_id: str, places: Sequence[tuple[Instant, bool]]) -> None:
    """Note that executions of an event are attempted again: which, where it is one, and how many otherwise."""
    names = [firing_name(event_id, nominal, manual=manual) for nominal, manual in places]
    what = {"name": "executionId", "to": names[0]} if len(names) == 1 else {"name": "executions", "to": len(names)}
    await note(c, means, Action.REPLAYED, event_id=event_id, fields=[{"from": None, **what}])


async def note_pause(c: Connection, before: Event, after: Event) -> None:
    """Note that the service has paused an event by itself."""
    change = Change(
        action=Action.PAUSED,
        happened=after.updated_date,
        event_id=after.event_id,
        fields=differences(before, after),
    )
    await changes.add(c, after.application_id, change)


async def note_first_key(c: Connection, application_id: int, key_id: str, *, request_id: str, now: Instant) -> None:
    """Note the key that an application was given when it was registered."""
    change = Change(action=Action.API_KEY_CREATED, happened=now, request_id=request_id, affected_key_id=key_id)
    await changes.add(c, application_id, change)


async def find_changes(means: Means, wanted: ChangesWanted) -> tuple[list[Noted], bool]:
    """A page of the application's changes, newest first, and whether there are more beyond it."""
    until = LAST if wanted.until is None else wanted.until
    which = Wanted(
        since=_FIRST if wanted.since is None else wanted.since,
        until=until,
        beyond=wanted.beyond or (until, _BEFORE_ALL),
        event_id=wanted.event_id,
        object_id=wanted.object_id,
        actions=wanted.actions,
    )
    async with means.database.connection() as c:
        found = await changes.page(c, means.application_id, which, wanted.limit + 1)
    return found[: wanted.limit], len(found) > wanted.limit
