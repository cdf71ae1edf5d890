"""What is wished of on-call events: that there are some, that they change, that they go."""

from __future__ import annotations

from dataclasses import replace

from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.changes import went
from api_service.schemas.oncall.etags import Tags, check
from api_service.schemas.oncall.events import Asked
from api_service.schemas.oncall.events_shown import show_event
from api_service.store.database import Connection
from api_service.store.oncall import events, schedules
from api_service.usecases.creating import Once
from api_service.usecases.means import Means
from api_service.usecases.oncall.judging import judged_change, judged_new
from api_service.usecases.oncall.once import Made, made_once
from api_service.usecases.oncall.plans import Move, Plan, Wish, new_ids, planned, write
from api_service.wanted import ListWanted
from shared.domain.changelog import Action
from shared.domain.oncall_kept import KeptEvent, oncall_of
from shared.domain.reshaping import deleted, moved
from shared.domain.restoring import restored


async def get(means: Means, name: str) -> KeptEvent:
    """The event of this id. Raises OnCallEventNotFound."""
    async with means.database.connection() as c:
        return await events.get(c, means.application_id, name)


async def find(means: Means, wanted: ListWanted) -> tuple[list[KeptEvent], int]:
    """The events that are wanted, and how many match in all."""
    async with means.database.moment() as c:
        return await events.page(c, means.application_id, wanted)


async def find_on_schedule(means: Means, schedule: str, wanted: ListWanted) -> tuple[list[KeptEvent], int]:
    """The same of those that are on the schedule. Raises ScheduleNotFound."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        return await events.page_of_schedule(c, means.application_id, there.schedule_id, wanted)


def creating(means: Means, asked: Asked) -> Move:
    """A new event. Raises Unprocessable."""

    async def move(c: Connection) -> Plan:
        kept = await judged_new(c, means, asked)
        return Plan(wish=Wish(Action.ONCALL_EVENT_CREATED, kept.event_id), added=(kept,), result=kept)

    return move


def changing(means: Means, name: str, asked: Asked, *, expected: Tags) -> Move:
    """The event with these changes; what stands for its occurrences follows it, to other schedules too.

    Raises OnCallEventNotFound, ObjectHasChanged, Unprocessable.
    """

    async def move(c: Connection) -> Plan:
        before = await held_event(c, means, name, expected)
        after = await judged_change(c, means, asked, before)
        family = await events.family(c, means.application_id, before.event_id)
        below = [oncall_of(kept) for kept in family if kept.event_id != before.event_id]
        writes = moved(oncall_of(before), oncall_of(after), below, new_ids(means))
        wish = Wish(Action.ONCALL_EVENT_CHANGED, before.event_id)
        plan = await planned(c, means, writes, family, wish, wanted=after, shown=before.event_id)
        return plan if after.schedule_ids == before.schedule_ids else _followed(plan, family, after)

    return move


def deleting(means: Means, name: str, *, expected: Tags, restore: bool) -> Move:
    """The event goes with all below it; or, to restore, an override's hours go back to whoever had them.

    Raises OnCallEventNotFound, ObjectHasChanged, NotAnOverride.
    """

    async def move(c: Connection) -> Plan:
        event = await held_event(c, means, name, expected)
        family = await events.family(c, means.application_id, event.event_id)
        others = [oncall_of(kept) for kept in family if kept.event_id != event.event_id]
        if restore:
            writes = restored(oncall_of(event), others, new_ids(means))
            back = [went("parent_id", event.parent_id)]  # to whom its hours go
            return await planned(c, means, writes, family, Wish(Action.ONCALL_EVENT_RESTORED, event.event_id, back))
        wish = Wish(Action.ONCALL_EVENT_DELETED, event.event_id)
        return await planned(c, means, deleted(oncall_of(event), others), family, wish)

    return move


async def held_event(c: Connection, means: Means, name: str, expected: Tags) -> KeptEvent:
    """The event, in an application that is held. Raises OnCallEventNotFound, ObjectHasChanged."""
    event = await events.get(c, means.application_id, name)
    check(expected, show_event(event))
    return event


async def made(means: Means, move: Move, once: Once | None) -> str:
    """The words that answer whoever wants the event that the move makes. Raises KeyReused, and what the move raises."""

    async def make(c: Connection) -> Made:
        plan = await move(c)
        await write(c, means, plan)
        if plan.result is None:
            raise LookupError("what makes an event shows it")
        return Made(made_id=plan.result.event_id, answer=write_json(show_event(plan.result)))

    said = await made_once(means, once, make)
    means.wake_relay()
    return said


def _followed(plan: Plan, family: list[KeptEvent], after: KeptEvent) -> Plan:
    """The plan, with whatever stands for occurrences of the event on the schedules that it is on."""
    stand_ins = _stand_ins(family, after.event_id)
    gone = {kept.event_id for kept in plan.removed}
    changed = {was.event_id: (was, becomes) for was, becomes in plan.changed}
    for kept in family:
        if kept.event_id in stand_ins and kept.event_id not in gone:
            was, becomes = changed.get(kept.event_id, (kept, kept))
            changed[kept.event_id] = (
                was,
                replace(becomes, schedule_ids=after.schedule_ids, updated_at=after.updated_at),
            )
    return replace(plan, changed=tuple(changed.values()))


def _stand_ins(family: list[KeptEvent], event_id: str) -> set[str]:
    """The ids of what stands for occurrences of the event, and for theirs."""
    found, before = {event_id}, 0
    while len(found) > before:
        before = len(found)
        found |= {kept.event_id for kept in family if kept.parent_id in found and kept.role is not None}
    return found - {event_id}
