"""An on-call event as it is kept: what its client wrote, what is counted by it, and the noun that has its shifts.

What repeats it is kept as it was written even while `repeat` is off, and counts only while it is on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from shared.domain.oncall import OnCallEvent, Role
from shared.timing import zone_names
from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.recurrence import Rule, Unit
from shared.timing.zones import zone

_ELAPSED = frozenset({None, Unit.HOURLY})  # where the second pass of a time that happens twice is told from the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an event has that nobody says of it."""

    event_id: str
    application_id: int
    prefix_id: str
    tiny_id: int


@dataclass(frozen=True, slots=True)
class Attendee:
    """A place among those who take part, and who has it; the places are in order."""

    attendee_id: str
    account_user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvent:
    """An on-call event with all that is known of it; `start` and `end` are on the wall of its zone.

    `exceptions` are the starts of occurrences that do not happen, each with its row's id.
    """

    event_id: str
    application_id: int
    prefix_id: str
    tiny_id: int
    layer: int
    time_zone: str
    start: datetime
    end: datetime
    repeat: bool
    frequency: int | None
    unit: Unit | None
    days_of_week: tuple[int, ...]
    repeat_end: date | None
    terminated_on: Instant | None
    rotation: bool
    parent_id: str | None
    role: Role | None
    covers: frozenset[Instant]
    attendees: tuple[Attendee, ...]
    exceptions: Mapping[Instant, str]
    schedule_ids: tuple[str, ...]
    meta: Mapping[str, Any]
    created_at: Instant
    updated_at: Instant
    # Asked for over and over of an event that is remembered.
    oncall: OnCallEvent = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "oncall", _oncall(self))


def rule_of(kept: KeptEvent) -> Rule:
    """When the event occurs."""
    return kept.oncall.rule


def _rule(kept: KeptEvent) -> Rule:
    return Rule(
        start=kept.start,
        end=kept.end,
        zone=zone_names.iana(kept.time_zone),
        unit=kept.unit if kept.repeat else None,
        frequency=(kept.frequency or 1) if kept.repeat else 1,
        days_of_week=frozenset(kept.days_of_week) if kept.repeat else frozenset(),
        repeat_end=kept.repeat_end if kept.repeat else None,
        terminated_on=kept.terminated_on if kept.repeat else None,
        turns=len(kept.attendees) if kept.rotation else 0,
    )


def oncall_of(kept: KeptEvent) -> OnCallEvent:
    """The event as far as it says who is on call when."""
    return kept.oncall


def _oncall(kept: KeptEvent) -> OnCallEvent:
    return OnCallEvent(
        event_id=kept.event_id,
        layer=kept.layer,
        rule=_rule(kept),
        attendees=tuple(attendee.account_user_id for attendee in kept.attendees),
        rotation=kept.rotation,
        exceptions=frozenset(kept.exceptions),
        parent_id=kept.parent_id,
        role=kept.role,
        covers=kept.covers,
    )


def starts_at(kept: KeptEvent) -> Instant:
    """The instant that the event's start means."""
    return instant_on(kept.start, kept)


def ends_at(kept: KeptEvent) -> Instant:
    """The instant that the event's end means."""
    return instant_on(kept.end, kept)


def instant_on(when: Instant | datetime, kept: KeptEvent) -> Instant:
    """The instant that is meant by a time on the wall of the event's zone, or by itself."""
    unit = kept.unit if kept.repeat else None
    if isinstance(when, datetime) and unit not in _ELAPSED:
        when = when.replace(fold=0)
    return instant_in(when, kept.time_zone)


def instant_in(when: Instant | datetime, time_zone: str) -> Instant:
    """The instant that is meant by a time on the wall of a zone, or by itself; a time that is skipped moves forward."""
    if not isinstance(when, datetime):
        return when
    return from_datetime(when.replace(tzinfo=zone(zone_names.iana(time_zone))).astimezone(UTC))


def on_wall(when: Instant | datetime, time_zone: str) -> datetime:
    """What the wall of a zone shows at an instant, or the time on it that is meant."""
    return when if isinstance(when, datetime) else wall(when, time_zone)


def wall(instant: Instant, time_zone: str) -> datetime:
    """What the wall of a zone shows at an instant; its `fold` says which pass of a time that happens twice it is."""
    return to_datetime(instant).astimezone(zone(zone_names.iana(time_zone))).replace(tzinfo=None)


def began(identity: Identity, event: OnCallEvent, time_zone: str, new_id: Callable[[], str], now: Instant) -> KeptEvent:
    """All that is kept of a new event that does not repeat, whose zone is called so; it is on no schedule yet."""
    return KeptEvent(
        event_id=event.event_id,
        application_id=identity.application_id,
        prefix_id=identity.prefix_id,
        tiny_id=identity.tiny_id,
        layer=event.layer,
        time_zone=time_zone,
        start=event.rule.start,
        end=event.rule.end,
        repeat=False,
        frequency=None,
        unit=None,
        days_of_week=(),
        repeat_end=None,
        terminated_on=None,
        rotation=False,
        parent_id=event.parent_id,
        role=event.role,
        covers=event.covers,
        attendees=tuple(Attendee(new_id(), user) for user in event.attendees),
        exceptions={start: new_id() for start in sorted(event.exceptions)},
        schedule_ids=(),
        meta={},
        created_at=now,
        updated_at=now,
    )


def became(kept: KeptEvent, event: OnCallEvent, new_id: Callable[[], str], now: Instant) -> KeptEvent:
    """The event as a move has left it, with what else is kept of it."""
    if event == oncall_of(kept):
        return kept
    rule = event.rule
    return replace(
        kept,
        layer=event.layer,
        time_zone=kept.time_zone if zone_names.iana(kept.time_zone) == rule.zone else rule.zone,
        start=rule.start,
        end=rule.end,
        terminated_on=rule.terminated_on if kept.repeat else kept.terminated_on,
        parent_id=event.parent_id,
        role=event.role,
        covers=event.covers,
        attendees=attendees_of(kept.attendees, event.attendees, new_id),
        exceptions={start: kept.exceptions.get(start) or new_id() for start in sorted(event.exceptions)},
        updated_at=now,
    )


def attendees_of(
    before: Iterable[Attendee], account_user_ids: Iterable[str], new_id: Callable[[], str]
) -> tuple[Attendee, ...]:
    """Places for these people, in order; who has had one keeps its name."""
    names: dict[str, list[str]] = {}
    for attendee in before:
        names.setdefault(attendee.account_user_id, []).append(attendee.attendee_id)
    return tuple(Attendee(names[user].pop(0) if names.get(user) else new_id(), user) for user in account_user_ids)
