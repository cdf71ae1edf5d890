"""What a move would come to: it goes the way of those that are carried out, and turns back before it writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from api_service import limits
from api_service.schemas.oncall.windows import Window
from api_service.store.database import Connection
from api_service.store.oncall import application, events
from api_service.usecases.means import Means
from api_service.usecases.oncall.plans import Move, Plan
from api_service.usecases.oncall.turns import burden_of, computed
from shared.domain.difference import Difference, difference
from shared.domain.errors import WindowTooFull
from shared.domain.oncall import OnCallEvent
from shared.domain.oncall_kept import KeptEvent, oncall_of
from shared.timing import recurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What would be different, and the event as it would be."""

    difference: Difference
    result: KeptEvent | None


async def tried(means: Means, move: Move, window: Window, turn: asyncio.Lock) -> Trial:
    """What the move would come to in the window. Raises what the move raises, WindowTooFull, Unavailable."""
    async with means.database.connection() as c:
        transaction = c.transaction()
        await transaction.start()
        try:
            await application.held(c, means.application_id)
            plan = await move(c)
            before = await _beside(c, means, plan, window)
        finally:
            await transaction.rollback()
    gone = {kept.event_id for kept in plan.removed}
    after = {name: kept for name, kept in before.items() if name not in gone}
    after |= {kept.event_id: kept for kept in (*plan.added, *(becomes for _, becomes in plan.changed))}
    had, has = ([oncall_of(kept) for kept in these.values()] for these in (before, after))
    return Trial(difference=await compared(had, has, window, turn), result=plan.result)


async def compared(had: list[OnCallEvent], has: list[OnCallEvent], window: Window, turn: asyncio.Lock) -> Difference:
    """What is different between the two in the window. Raises WindowTooFull, Unavailable."""

    def compute() -> Difference:
        check_room(had, window)
        check_room(has, window)
        return difference(had, has, *window)

    return await computed(turn, burden_of([*had, *has], *window), compute)


def check_room(happening: Iterable[OnCallEvent], window: Window) -> None:
    """Raise WindowTooFull where more occurrences overlap the window than one answer may have."""
    left = limits.WINDOW_SHIFTS
    for event in happening:
        left -= sum(1 for _ in islice(recurrence.occurrences(event.rule, *window), left + 1))
        if left < 0:
            raise WindowTooFull(limits.WINDOW_SHIFTS)


async def _beside(c: Connection, means: Means, plan: Plan, window: Window) -> Mapping[str, KeptEvent]:
    """What there is now of all that the plan touches, and of all that is on the same schedules in the same layers."""
    layers = {kept.layer for kept in plan.touched}
    beside = await events.of_schedules(c, means.application_id, sorted(plan.schedule_ids), *window)
    there = {kept.event_id: kept for kept in beside if kept.layer in layers}
    return there | {kept.event_id: kept for kept in (*plan.removed, *(was for was, _ in plan.changed))}
