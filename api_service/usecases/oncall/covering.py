"""How is a schedule covered: when is nobody on call in a layer, and how many hours fall to whom?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from api_service.schemas.oncall.coverage import Person
from api_service.schemas.oncall.windows import Window
from api_service.store.oncall import events, schedules
from api_service.usecases.means import Means
from api_service.usecases.oncall.trying import check_room
from api_service.usecases.oncall.turns import burden_of, computed
from shared.domain.coverage import Coverage, coverage
from shared.domain.oncall_kept import oncall_of
from shared.domain.schedule import Schedule
from shared.timing.zone_names import iana


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A schedule, how it is covered, and everybody who has an event on it."""

    schedule: Schedule
    coverage: Coverage
    people: dict[str, Person]


async def cover(means: Means, schedule: str, window: Window, turn: asyncio.Lock) -> Covered:
    """How the schedule is covered in the window. Raises ScheduleNotFound, WindowTooFull, Unavailable."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        found = await events.of_schedules(c, means.application_id, [there.schedule_id], *window)
        names = {attendee.account_user_id for kept in found for attendee in kept.attendees}
        rows = await events.people(c, means.application_id, names)
        # A layer in which nothing happens in the window is one long gap.
        layers = await events.of_each_layer(c, means.application_id, there.schedule_id)
    people = {account_user_id: Person(*row) for account_user_id, row in rows.items()}
    happening = [oncall_of(kept) for kept in {kept.event_id: kept for kept in (*found, *layers)}.values()]
    zones = {account_user_id: iana(person.time_zone) for account_user_id, person in people.items()}

    def compute() -> Coverage:
        check_room(happening, window)
        return coverage(happening, zones, *window)

    result = await computed(turn, burden_of(happening, *window), compute)
    return Covered(schedule=there, coverage=result, people=people)
