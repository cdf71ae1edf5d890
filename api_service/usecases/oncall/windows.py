"""Who is on call when? Computed from what is kept, in bounded work: by the window, not by how old a series is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from api_service import limits
from api_service.schemas.oncall.windows import Window
from api_service.store.oncall import events, schedules
from api_service.usecases.means import Means
from shared.domain.errors import WindowTooFull
from shared.domain.oncall import Shift, on_call, shifts
from shared.domain.oncall_kept import KeptEvent, oncall_of
from shared.timing.instants import Instant

Happening: TypeAlias = list[tuple[Shift, KeptEvent]]


async def window(means: Means, schedule: str, window: Window) -> Happening:
    """The shifts of the schedule that overlap the window. Raises ScheduleNotFound, WindowTooFull."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        found = await events.of_schedules(c, means.application_id, [there.schedule_id], *window)
    return happening(found, window)


async def occurrences(means: Means, name: str, window: Window) -> Happening:
    """The shifts of the event that overlap the window. Raises OnCallEventNotFound, WindowTooFull."""
    async with means.database.connection() as c:
        event = await events.get(c, means.application_id, name)
    return happening([event], window)


async def current(means: Means, schedule: str, at: Instant) -> Happening:
    """The shifts of the schedule that the instant lies in. Raises ScheduleNotFound."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        found = await events.of_schedules(c, means.application_id, [there.schedule_id], at, at + 1)
    by_id = {kept.event_id: kept for kept in found}
    return [(shift, by_id[shift.event_id]) for shift in on_call(map(oncall_of, found), at)]


def happening(found: Iterable[KeptEvent], window: Window) -> Happening:
    """The shifts of these events that overlap the window, by start, layer and event. Raises WindowTooFull."""
    happens: Happening = []
    for kept in found:
        happens += ((shift, kept) for shift in shifts([oncall_of(kept)], *window))
        if len(happens) > limits.WINDOW_SHIFTS:
            raise WindowTooFull(limits.WINDOW_SHIFTS)
    return sorted(happens, key=lambda each: (each[0].start, each[0].layer, each[0].event_id))
