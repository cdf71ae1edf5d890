"""Who is on call when? Computed from what is kept, in bounded work: by the window, not by how old a series is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from api_service import limits
from api_service.schemas.oncall.windows import Window
from api_service.store.oncall import events, schedules
from api_service.usecases.means import Means
from api_service.usecases.oncall.turns import Answer, burden_of, computed
from shared.domain.errors import WindowTooFull
from shared.domain.oncall import Shift, on_call, shifts
from shared.domain.oncall_kept import KeptEvent, oncall_of
from shared.timing.instants import Instant

Happening: TypeAlias = list[tuple[Shift, KeptEvent]]
Show: TypeAlias = Callable[[Happening], Answer]


async def window(means: Means, schedule: str, window: Window, turn: asyncio.Lock, show: Show[Answer]) -> Answer:
    """The schedule's shifts that overlap the window, shown. Raises ScheduleNotFound, WindowTooFull, Unavailable."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        found = await events.of_schedules(c, means.application_id, [there.schedule_id], *window)
    return await _shown(found, window, turn, show)


async def occurrences(means: Means, name: str, window: Window, turn: asyncio.Lock, show: Show[Answer]) -> Answer:
    """The event's shifts that overlap the window, shown. Raises OnCallEventNotFound, WindowTooFull, Unavailable."""
    async with means.database.connection() as c:
        event = await events.get(c, means.application_id, name)
    return await _shown([event], window, turn, show)


async def current(means: Means, schedule: str, at: Instant) -> Happening:
    """The shifts of the schedule that the instant lies in. Raises ScheduleNotFound."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        found = await events.of_schedules(c, means.application_id, [there.schedule_id], at, at + 1)
    by_id = {kept.event_id: kept for kept in found}
    return [(shift, by_id[shift.event_id]) for shift in on_call(map(oncall_of, found), at)]


async def _shown(found: Sequence[KeptEvent], window: Window, turn: asyncio.Lock, show: Show[Answer]) -> Answer:
    burden = burden_of(map(oncall_of, found), *window)
    return await computed(turn, burden, lambda: show(_happening(found, window)))


def _happening(found: Sequence[KeptEvent], window: Window) -> Happening:
    """The shifts of these events that overlap the window, by start, layer and event. Raises WindowTooFull."""
    happens: Happening = []
    for kept in found:
        happens += ((shift, kept) for shift in shifts([oncall_of(kept)], *window))
        if len(happens) > limits.WINDOW_SHIFTS:
            raise WindowTooFull(limits.WINDOW_SHIFTS)
    return sorted(happens, key=lambda each: (each[0].start, each[0].layer, each[0].event_id))
