"""What a move of on-call events comes to, with all that is kept of them, and how it is carried out.

One transaction does it all, and holds the application first: so what was read is what is written to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.changes import event_differences
from api_service.store.database import Connection
from api_service.store.oncall import application, events
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from api_service.usecases.oncall.arming import rearm
from shared.domain.changelog import Action, FieldChange
from shared.domain.family import Writes
from shared.domain.ids import prefix_id, ulid
from shared.domain.oncall import OnCallEvent, Role
from shared.domain.oncall_kept import Identity, KeptEvent, became, began, oncall_of
from shared.domain.schedule import ONCALL_EVENT_PREFIX
from shared.timing.zone_names import iana


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, of which event, and what there is to tell of it beside how that event is different then."""

    action: Action
    event_id: str
    fields: Sequence[FieldChange] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """New events, events before and after, events that are no more; and the one that whoever asked is shown."""

    wish: Wish
    added: tuple[KeptEvent, ...] = ()
    changed: tuple[tuple[KeptEvent, KeptEvent], ...] = ()
    removed: tuple[KeptEvent, ...] = ()
    result: KeptEvent | None

    @property
    def touched(self) -> tuple[KeptEvent, ...]:
        """All of them, as they were and as they will be."""
        return (*self.added, *(kept for pair in self.changed for kept in pair), *self.removed)

    @property
    def schedule_ids(self) -> frozenset[str]:
        """The schedules that they were or will be on."""
        return frozenset(schedule_id for kept in self.touched for schedule_id in kept.schedule_ids)


Move: TypeAlias = Callable[[Connection], Awaitable[Plan]]  # from what is kept to what shall be; writes nothing


async def carried_out(means: Means, move: Move) -> KeptEvent | None:
    """The event as the move has left it; None where it is gone."""
    async with means.database.transaction() as c:
        await application.held(c, means.application_id)
        plan = await move(c)
        await write(c, means, plan)
    means.wake_relay()
    return plan.result


async def write(c: Connection, means: Means, plan: Plan) -> None:
    """Write the plan, note the wish, and let the schedules' subscriptions know.

    Raises OccurrenceTaken; needs the application held.
    """
    for kept in plan.added:
        await events.insert(c, kept)
    for before, after in plan.changed:
        await events.update(c, before, after)
    if plan.removed:
        await events.delete(c, means.application_id, [kept.event_id for kept in plan.removed])
    if plan.touched:
        await _note(c, means, plan)
    if plan.schedule_ids:
        await rearm(c, means, sorted(plan.schedule_ids))


async def planned(
    c: Connection,
    means: Means,
    writes: Writes,
    family: Iterable[KeptEvent],
    wish: Wish,
    *,
    wanted: KeptEvent | None = None,
    zones: Mapping[Role, str] | None = None,
    shown: str | None = None,
) -> Plan:
    """The writes, with all that is kept of the events.

    `wanted` is one of them as its client wants it, `zones` how the zones of new events are called, and `shown` the id
    of the event that whoever asks is shown.
    """
    kept_before = {kept.event_id: kept for kept in family}
    now = dict(kept_before)
    become = {event.event_id: event for event in writes.changed}
    if wanted is not None:  # and what became of it may be less, where others depend on it
        before = kept_before[wanted.event_id]
        now[wanted.event_id] = replace(wanted, exceptions={**before.exceptions, **wanted.exceptions})
        become.setdefault(wanted.event_id, oncall_of(before))
    for event in become.values():
        now[event.event_id] = became(now[event.event_id], event, lambda: new_id(means), means.now)
    for event in writes.added:
        now[event.event_id] = await _began(c, means, event, now, (zones or {}).get(event.role or Role.REMAINDER))
    changed = {
        each: (before, now[each])
        for each, before in kept_before.items()
        if each not in writes.removed and now[each] is not before and _differs(before, now[each])
    }
    now |= {each: before for each, before in kept_before.items() if each not in changed}
    return Plan(
        wish=wish,
        added=tuple(now[event.event_id] for event in writes.added),
        changed=tuple(changed.values()),
        removed=tuple(kept_before[each] for each in sorted(writes.removed)),
        result=None if shown is None or shown in writes.removed else now[shown],
    )


async def identity(c: Connection, means: Means, event_id: str | None = None) -> Identity:
    """A name for a new event; the application must be held."""
    return Identity(
        event_id=event_id or new_id(means),
        application_id=means.application_id,
        prefix_id=prefix_id(ONCALL_EVENT_PREFIX, means.entropy(12)),
        tiny_id=await application.next_tiny_id(c, means.application_id, "oncall_event"),
    )


def new_id(means: Means) -> str:
    """A name for something new."""
    return ulid(means.now, means.entropy(10))


def new_ids(means: Means) -> Iterator[str]:
    """Names for new things, as many as are needed."""
    while True:
        yield new_id(means)


async def _note(c: Connection, means: Means, plan: Plan) -> None:
    wish = plan.wish
    pairs = [event_differences(*pair) for pair in plan.changed if pair[0].event_id == wish.event_id]
    told = [*wish.fields, *(field for pair in pairs for field in pair)]
    await note(c, means, wish.action, object_id=wish.event_id, fields=told)


async def _began(
    c: Connection, means: Means, event: OnCallEvent, family: Mapping[str, KeptEvent], zone: str | None
) -> KeptEvent:
    """A new event below one of the family: it is where its parent is."""
    parent = family[event.parent_id or ""]
    names = (zone, parent.time_zone, event.rule.zone)
    called = next(name for name in names if name is not None and iana(name) == iana(event.rule.zone))
    kept = began(await identity(c, means, event.event_id), event, called, lambda: new_id(means), means.now)
    return replace(kept, schedule_ids=parent.schedule_ids)


def _differs(before: KeptEvent, after: KeptEvent) -> bool:
    # To Python 1, 1.0 and True are equal, and so are the two passes of a time that happens twice.
    unlike = [(kept.start.fold, kept.end.fold, write_json(kept.meta)) for kept in (before, after)]
    return replace(after, updated_at=before.updated_at) != before or unlike[0] != unlike[1]
