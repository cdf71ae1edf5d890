"""A schedule is emptied: what is on no other schedule goes, and what is on another stays there."""

from __future__ import annotations

import asyncio

from api_service.schemas.oncall.etags import Tags, check
from api_service.schemas.oncall.schedules import show_schedule
from api_service.schemas.oncall.windows import Window
from api_service.store.oncall import application, events, schedules
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from api_service.usecases.oncall.arming import rearm
from api_service.usecases.oncall.trying import Trial, compared
from shared.domain.changelog import Action
from shared.domain.oncall_kept import oncall_of


async def flush(means: Means, schedule: str, *, expected: Tags) -> None:
    """Take everything off the schedule. Raises ScheduleNotFound, ObjectHasChanged."""
    async with means.database.transaction() as c:
        await application.held(c, means.application_id)
        there = await schedules.get(c, means.application_id, schedule)
        check(expected, show_schedule(there))
        count, others = await schedules.detach_all(c, there.schedule_id)
        if count:
            told = [{"name": "events", "from": count, "to": 0}]
            await note(c, means, Action.SCHEDULE_FLUSHED, object_id=there.schedule_id, fields=told)
        await rearm(c, means, sorted({there.schedule_id, *others}))
    means.wake_relay()


async def try_flushing(means: Means, schedule: str, window: Window, turn: asyncio.Lock, *, expected: Tags) -> Trial:
    """What flushing would come to there. Raises ScheduleNotFound, ObjectHasChanged, WindowTooFull, Unavailable."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        check(expected, show_schedule(there))
        found = await events.of_schedules(c, means.application_id, [there.schedule_id], *window)
    return Trial(difference=await compared([oncall_of(kept) for kept in found], [], window, turn), result=None)
