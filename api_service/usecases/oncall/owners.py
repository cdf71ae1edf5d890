"""Whose mailbox is an owner's? Their own; where a schedule owns, the mailboxes of those who are on call there now."""

from __future__ import annotations

from api_service.store.database import Connection
from api_service.store.oncall import account_users, events, schedules
from shared.domain.oncall import on_call
from shared.domain.oncall_kept import oncall_of
from shared.domain.owner import schedule_of
from shared.timing.instants import Instant


class NobodyOnCall(LookupError):
    """Nobody is on call on the schedule now; somebody may be later."""


async def addresses_of(c: Connection, application_id: int, owner: str, now: Instant) -> list[str]:
    """The addresses to write to, each once: of a schedule those of the lowest layer in which anybody is on call.

    Raises ScheduleNotFound, NobodyOnCall.
    """
    if (name := schedule_of(owner)) is None:
        return [owner]
    schedule = await schedules.get(c, application_id, name)
    found = await events.of_schedules(c, application_id, [schedule.schedule_id], now, now + 1)
    shifts = on_call(map(oncall_of, found), now)
    if not shifts:
        raise NobodyOnCall(f"nobody is on call on the schedule {name}")
    first = min(shift.layer for shift in shifts)
    people = {user_id for shift in shifts if shift.layer == first for _, user_id in shift.attendees}
    return await account_users.addresses(c, application_id, people)
