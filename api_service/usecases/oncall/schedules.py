"""What is wished of schedules: that there are some, that they change, that they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.changes import schedule_differences
from api_service.schemas.oncall.etags import Tags, check
from api_service.schemas.oncall.schedules import show_schedule
from api_service.store.database import Connection
from api_service.store.oncall import application, schedules
from api_service.usecases.creating import Once
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from api_service.usecases.oncall.arming import disarm, rearm
from api_service.usecases.oncall.once import Made, made_once
from api_service.wanted import ListWanted
from shared.domain.changelog import Action
from shared.domain.ids import prefix_id, ulid
from shared.domain.schedule import SCHEDULE_PREFIX, Schedule


async def create(means: Means, wanted: Mapping[str, Any], *, once: Once | None) -> str:
    """The words that answer whoever wants this schedule. Raises KeyReused."""

    async def make(c: Connection) -> Made:
        schedule = Schedule(
            schedule_id=ulid(means.now, means.entropy(10)),
            prefix_id=prefix_id(SCHEDULE_PREFIX, means.entropy(12)),
            tiny_id=await application.next_tiny_id(c, means.application_id, "schedule"),
            created_at=means.now,
            updated_at=means.now,
            **wanted,
        )
        await schedules.insert(c, means.application_id, schedule)
        await note(c, means, Action.SCHEDULE_CREATED, object_id=schedule.schedule_id)
        return Made(made_id=schedule.schedule_id, answer=write_json(show_schedule(schedule)))

    return await made_once(means, once, make)


async def get(means: Means, name: str) -> Schedule:
    """The schedule of this id. Raises ScheduleNotFound."""
    async with means.database.connection() as c:
        return await schedules.get(c, means.application_id, name)


async def find(means: Means, wanted: ListWanted) -> tuple[list[Schedule], int]:
    """The schedules that are wanted, and how many match in all."""
    async with means.database.moment() as c:
        return await schedules.page(c, means.application_id, wanted)


async def change(means: Means, name: str, changes: Mapping[str, Any], *, expected: Tags) -> Schedule:
    """The schedule with these changes. Raises ScheduleNotFound, ObjectHasChanged."""
    async with means.database.transaction() as c:
        before = await held(c, means, name, expected)
        after = replace(before, **changes)
        if write_json(show_schedule(after)) == write_json(show_schedule(before)):
            return before
        after = replace(after, updated_at=means.now)
        await schedules.update(c, means.application_id, after)
        told = schedule_differences(before, after)
        await note(c, means, Action.SCHEDULE_CHANGED, object_id=after.schedule_id, fields=told)
    return after


async def delete(means: Means, name: str, *, expected: Tags) -> None:
    """The schedule goes, and every event that is on no other. Raises ScheduleNotFound, ObjectHasChanged."""
    async with means.database.transaction() as c:
        schedule = await held(c, means, name, expected)
        _, others = await schedules.detach_all(c, schedule.schedule_id)
        await disarm(c, means, schedule.schedule_id)
        await rearm(c, means, sorted(others))
        await schedules.delete(c, means.application_id, schedule.schedule_id)
        await note(c, means, Action.SCHEDULE_DELETED, object_id=schedule.schedule_id)
    means.wake_relay()


async def held(c: Connection, means: Means, name: str, expected: Tags = None) -> Schedule:
    """The schedule, in an application that is held. Raises ScheduleNotFound, ObjectHasChanged."""
    await application.held(c, means.application_id)
    schedule = await schedules.get(c, means.application_id, name)
    check(expected, show_schedule(schedule))
    return schedule
