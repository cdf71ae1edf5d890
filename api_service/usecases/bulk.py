"""Pause, resume or delete many events: which ones is decided at one moment, and each is then a request of its own.

Each event has its own transaction, as if it had been asked for alone, so a bulk that breaks off has done whole things.
An event that somebody changed after that moment is left alone: it may match no more. What is not done in time remains,
and asking again goes on with it, because what is done already does not count among what is to be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from api_service import limits
from api_service.schemas.listing import EventsWanted
from api_service.store import selection
from api_service.store.selection import Selection, Version
from api_service.usecases import changing
from api_service.usecases.looking import filters_of
from api_service.usecases.means import Means
from shared.clock import Clock
from shared.domain.errors import DomainError, EventHasChanged, EventIsFinished, EventNotFound
from shared.domain.event import Event, Status

Wish: TypeAlias = Callable[[Means, str, frozenset[int]], Awaitable[Event]]

_CHANGED_MEANWHILE: Final = "The event was changed meanwhile, so it was left alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is done, and which statuses an event has that it changes; none: whichever it has."""

    wish: Wish
    changes: frozenset[Status]


async def _pause(means: Means, event_id: str, expected: frozenset[int]) -> Event:
    return await changing.pause(means, event_id, expected=expected)


async def _resume(means: Means, event_id: str, expected: frozenset[int]) -> Event:
    return await changing.resume(means, event_id, expected=expected)


async def _delete(means: Means, event_id: str, expected: frozenset[int]) -> Event:
    return await changing.delete(means, event_id, expected=expected)


PAUSE: Final = Kind(wish=_pause, changes=frozenset({Status.INACTIVE, Status.ACTIVE}))
RESUME: Final = Kind(wish=_resume, changes=frozenset({Status.PAUSED}))
DELETE: Final = Kind(wish=_delete, changes=frozenset())


@dataclass(slots=True, kw_only=True)
class Bulk:
    """What came of it; `failed` names some of what remains."""

    matched: int
    changed: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """How many events are still to be changed."""
        return self.matched - self.changed - self.unchanged

    def fail(self, event_id: str, reason: str) -> None:
        """Remember why, as long as there are few."""
        if len(self.failed) < limits.BULK_FAILURES:
            self.failed.append((event_id, reason))


async def preview(means: Means, kind: Kind, which: EventsWanted) -> Bulk:
    """What `carry_out` would do, as things stand."""
    selected = await _selected(means, kind, which)
    return Bulk(
        matched=selected.matched,
        changed=len(selected.events),
        unchanged=selected.matched - selected.concerned,
    )


async def carry_out(means: Means, kind: Kind, which: EventsWanted, clock: Clock, ending: asyncio.Event) -> Bulk:
    """Do it to as many of the events as `which.limit` and the time allow; once `ending` is set, to no further one."""
    until = clock.steady() + limits.BULK_SECONDS
    selected = await _selected(means, kind, which)
    bulk = Bulk(matched=selected.matched, unchanged=selected.matched - selected.concerned)
    left = iter(selected.events)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(means.database.for_bulk, len(selected.events))):
            tasks.create_task(_work(means, kind, left, bulk, clock, until, ending))
    return bulk


async def _selected(means: Means, kind: Kind, which: EventsWanted) -> Selection:
    async with means.database.moment() as c:
        return await selection.select(c, means.application_id, filters_of(which), kind.changes, limit=which.limit)


async def _work(
    means: Means,
    kind: Kind,
    left: Iterator[Version],
    bulk: Bulk,
    clock: Clock,
    until: float,
    ending: asyncio.Event,
) -> None:
    """Take one event after the other until none is left, or no time to begin another."""
    while clock.steady() < until:
        async with means.database.turn_in_bulk(until - clock.steady()) as mine:
            if not mine or ending.is_set() or (one := next(left, None)) is None:
                return
            await _one(replace(means, now=clock.now()), kind, *one, bulk)


async def _one(means: Means, kind: Kind, event_id: str, version: int, bulk: Bulk) -> None:
    try:
        await kind.wish(means, event_id, frozenset({version}))
    except (EventNotFound, EventIsFinished):
        bulk.unchanged += 1
    except EventHasChanged:
        bulk.fail(event_id, _CHANGED_MEANWHILE)
    except DomainError as error:
        bulk.fail(event_id, str(error))
    else:
        bulk.changed += 1
