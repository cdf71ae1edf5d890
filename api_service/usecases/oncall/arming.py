"""Whoever subscribes to a schedule's transitions is called back by what the schedule is now.

It is written in the transaction that changes the schedule, which holds the application: so of two changes each sees
what the other left. Subscriptions are locked in order, and then their shards in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from api_service.store.database import Connection
from api_service.store.oncall import events, subscriptions
from api_service.usecases import changing
from api_service.usecases.means import Means
from shared.domain.event import Event
from shared.domain.oncall_kept import oncall_of
from shared.domain.subscription import Plan, asked_of, rearmed

# What ended longer ago is told no more once the schedule changes, however long the grace; every lead is shorter.
RECENT_MS: Final = 32 * 86_400_000


async def rearm(c: Connection, means: Means, schedule_ids: Sequence[str]) -> None:
    """Let the subscriptions to these schedules know what was written; whoever commits wakes the relay."""
    held = await subscriptions.hold(c, means.application_id, schedule_ids)
    if not held:
        return
    plans = await plans_of(c, means, sorted({one.schedule_id for one in held if one.schedule_id is not None}))
    moved = [(one, rearmed(one, plans[one.schedule_id or ""], asked_of(one), means.now)) for one in held]
    for before, after in sorted(moved, key=_shard):
        if after is not before:
            await changing.write_change(c, before, after, means.now)


async def disarm(c: Connection, means: Means, schedule_id: str) -> None:
    """The subscriptions to this schedule, which is about to go, go first; whoever commits wakes the relay."""
    held = await subscriptions.hold(c, means.application_id, [schedule_id])
    for subscription in sorted(held, key=lambda one: one.shard):
        await changing.remove(c, means, subscription)


async def plans_of(c: Connection, means: Means, schedule_ids: Sequence[str]) -> dict[str, Plan]:
    """Each of the schedules as its subscriptions must know it."""
    kept = await events.of_schedules(c, means.application_id, schedule_ids, start=means.now - RECENT_MS)
    people = await events.people(
        c, means.application_id, _sorted(who.account_user_id for one in kept for who in one.attendees)
    )
    names = tuple((account_user_id, name) for account_user_id, (name, _) in people.items())
    return {
        schedule_id: Plan(
            schedule_id=schedule_id,
            events=tuple(oncall_of(one) for one in kept if schedule_id in one.schedule_ids),
            names=names,
        )
        for schedule_id in schedule_ids
    }


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


def _shard(moved: tuple[Event, Event]) -> int:
    return moved[0].shard
