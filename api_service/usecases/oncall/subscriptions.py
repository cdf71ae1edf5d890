"""What is wished of subscriptions: that a schedule's transitions are called back, otherwise, or no more."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.etags import Tags, check
from api_service.schemas.oncall.subscriptions import (
    SubscriptionChanges,
    SubscriptionWanted,
    check_asked,
    show_subscription,
)
from api_service.store import quotas
from api_service.store.database import Connection
from api_service.store.oncall import application, schedules, subscriptions
from api_service.usecases import changing
from api_service.usecases.creating import Begun, Once, write_all
from api_service.usecases.means import Means
from api_service.usecases.noting import note_move
from api_service.usecases.oncall.arming import plans_of
from api_service.usecases.oncall.once import Made, made_once
from api_service.wanted import ListWanted
from shared.domain.changelog import Action
from shared.domain.errors import QuotaExceeded
from shared.domain.event import Event, Status
from shared.domain.ids import shard_of, ulid
from shared.domain.subscription import asked_of, first_roster, rearmed
from shared.timing.instants import LAST


async def create(means: Means, schedule: str, wanted: SubscriptionWanted, *, once: Once | None) -> str:
    """The words that answer whoever subscribes to this schedule.

    Raises ScheduleNotFound, QuotaExceeded, KeyReused.
    """

    async def make(c: Connection) -> Made:
        there = await schedules.get(c, means.application_id, schedule)
        if not await quotas.hold(c, means.application_id, means.quota_events):
            raise QuotaExceeded
        plan = (await plans_of(c, means, [there.schedule_id]))[there.schedule_id]
        event_id = ulid(means.now, means.entropy(10))
        begun = Event(
            event_id=event_id,
            application_id=means.application_id,
            shard=shard_of(event_id, means.shards),
            version=0,
            status=Status.INACTIVE,
            event_owner=wanted.event_owner,
            interval="",
            timezone="UTC",
            start_date=None,
            end_date=LAST,
            callback_url=wanted.callback_url,
            context={},
            tags=(),
            created_date=means.now,
            updated_date=means.now,
            anchor=means.now,
            delivery=wanted.delivery,
            schedule_id=there.schedule_id,
            roster=first_roster(plan, wanted.asked, means.now),
        )
        (subscription,) = await write_all(c, [Begun.of(means, begun)])
        return Made(made_id=event_id, answer=write_json(show_subscription(subscription)))

    said = await made_once(means, once, make)
    means.wake_relay()
    return said


async def get(means: Means, schedule: str, event_id: str) -> Event:
    """The subscription of this id. Raises ScheduleNotFound, SubscriptionNotFound."""
    async with means.database.connection() as c:
        there = await schedules.get(c, means.application_id, schedule)
        return await subscriptions.get(c, means.application_id, there.schedule_id, event_id)


async def find(means: Means, schedule: str, wanted: ListWanted) -> tuple[list[Event], int]:
    """The schedule's subscriptions that are wanted, and how many match in all. Raises ScheduleNotFound."""
    async with means.database.moment() as c:
        there = await schedules.get(c, means.application_id, schedule)
        return await subscriptions.page(c, means.application_id, there.schedule_id, wanted)


async def change(means: Means, schedule: str, event_id: str, changes: SubscriptionChanges, *, expected: Tags) -> Event:
    """The subscription with these changes.

    Raises ScheduleNotFound, SubscriptionNotFound, ObjectHasChanged, Unprocessable.
    """
    async with means.database.transaction() as c:
        before = await _held(c, means, schedule, event_id, expected)
        asked = check_asked(replace(asked_of(before), **changes.asked))
        plan = (await plans_of(c, means, [before.schedule_id or ""]))[before.schedule_id or ""]
        retry = msgspec.structs.replace(before.delivery.retry, **changes.retry)
        after = replace(
            rearmed(before, plan, asked, means.now),
            callback_url=changes.callback_url or before.callback_url,
            delivery=msgspec.structs.replace(before.delivery, **{"retry": retry, **changes.delivery}),
        )
        if after == before:
            return before
        after = replace(after, updated_date=means.now)
        await note_move(c, means, Action.CHANGED, before, after)
        after = await changing.write_change(c, before, after, means.now)
    means.wake_relay()
    return after


async def delete(means: Means, schedule: str, event_id: str, *, expected: Tags) -> None:
    """The subscription goes. Raises ScheduleNotFound, SubscriptionNotFound, ObjectHasChanged."""
    async with means.database.transaction() as c:
        await changing.remove(c, means, await _held(c, means, schedule, event_id, expected))
    means.wake_relay()


async def _held(c: Connection, means: Means, schedule: str, event_id: str, expected: Tags) -> Event:
    await application.held(c, means.application_id)
    there = await schedules.get(c, means.application_id, schedule)
    subscription = await subscriptions.get(c, means.application_id, there.schedule_id, event_id, for_update=True)
    check(expected, show_subscription(subscription))
    return subscription
