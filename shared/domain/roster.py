"""What a dispatcher must know of a schedule to tell its transitions: its events, its people, and what is asked for.

A noun on the wire, appended to and never rearranged. Whatever is in it is needed to say what happens at an instant, and
nothing else is, so two who have the same roster say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec

from shared.domain.oncall import OnCallEvent
from shared.timing.instants import Instant
from shared.timing.recurrence import Rule, Unit
from shared.timing.zones import zone


class TransitionKind(StrEnum):
    """What may happen to a schedule."""

    SHIFT_STARTED = "shift.started"
    SHIFT_ENDED = "shift.ended"
    SHIFT_STARTING = "shift.starting"  # some time before it
    GAP_STARTED = "gap.started"  # from now on nobody is on call in a layer


class UnintelligibleRoster(ValueError):
    """The bytes are no roster of which this release can make anything."""


class RosterEvent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An on-call event; its attendees are places in the roster's people. `folds` are those of start and end."""

    event_id: str
    layer: int
    zone: str
    start: datetime
    end: datetime
    attendees: tuple[int, ...]
    rotation: bool = False
    unit: Unit | None = None
    frequency: int = 1
    days_of_week: tuple[int, ...] = ()
    repeat_end: date | None = None
    terminated_on: Instant | None = None
    exceptions: tuple[Instant, ...] = ()
    folds: tuple[int, int] = (0, 0)


class Roster(msgspec.Struct, array_like=True, frozen=True, gc=False, kw_only=True):
    """A schedule as a subscription to its transitions has it, as of its `revision`.

    `sequence` transitions had been told when it was drawn up, which was at `begins`. Without `layers` all are meant.
    `people` are pairs of an id and a name.
    """

    schedule_id: str
    on: tuple[TransitionKind, ...]
    begins: Instant
    sequence: int
    revision: int
    people: tuple[tuple[str, str], ...]
    events: tuple[RosterEvent, ...]
    lead_ms: int = 0
    layers: tuple[int, ...] = ()


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Roster)


def encode(roster: Roster) -> bytes:
    """The roster as a timer carries it."""
    return _encoder.encode(roster)


def decode(encoded: bytes) -> Roster:
    """The roster of these bytes. Raises UnintelligibleRoster."""
    try:
        roster = _decoder.decode(encoded)
        for event in roster.events:
            _check(event, len(roster.people))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnintelligibleRoster(str(error) or type(error).__name__) from error
    return roster


def drawn_up(
    events: Iterable[OnCallEvent],
    names: Iterable[tuple[str, str]],
    *,
    schedule_id: str,
    on: Iterable[TransitionKind],
    begins: Instant,
    lead_ms: int = 0,
    layers: Iterable[int] = (),
) -> Roster:
    """The first roster of a subscription; of the people, those who are needed. Whatever order they come in is lost."""
    ordered = sorted(events, key=lambda event: event.event_id)
    needed = {attendee for event in ordered for attendee in event.attendees}
    people = tuple(sorted(pair for pair in names if pair[0] in needed))
    places = {account_user_id: place for place, (account_user_id, _) in enumerate(people)}
    return Roster(
        schedule_id=schedule_id,
        on=tuple(kind for kind in TransitionKind if kind in set(on)),
        begins=begins,
        sequence=0,
        revision=1,
        people=people,
        events=tuple(_written(event, places) for event in ordered),
        lead_ms=lead_ms,
        layers=tuple(sorted(set(layers))),
    )


def succeeds(roster: Roster, before: Roster, *, begins: Instant, sequence: int) -> Roster:
    """The roster as the next revision of another, after so many transitions had been told by then."""
    return msgspec.structs.replace(roster, begins=begins, sequence=sequence, revision=before.revision + 1)


def says_the_same(roster: Roster, other: Roster) -> bool:
    """Do they differ in nothing but since when that is so?"""
    return succeeds(roster, other, begins=0, sequence=0) == succeeds(other, other, begins=0, sequence=0)


def subscribed(roster: Roster) -> tuple[OnCallEvent, ...]:
    """The on-call events of the layers that are asked for."""
    return tuple(_read(event, roster) for event in roster.events if not roster.layers or event.layer in roster.layers)


def _written(event: OnCallEvent, places: dict[str, int]) -> RosterEvent:
    rule = event.rule
    return RosterEvent(
        event_id=event.event_id,
        layer=event.layer,
        zone=rule.zone,
        start=rule.start,
        end=rule.end,
        attendees=tuple(places[attendee] for attendee in event.attendees),
        rotation=event.rotation,
        unit=rule.unit,
        frequency=rule.frequency,
        days_of_week=tuple(sorted(rule.days_of_week)),
        repeat_end=rule.repeat_end,
        terminated_on=rule.terminated_on,
        exceptions=tuple(sorted(event.exceptions)),
        folds=rule.folds,
    )


def _read(event: RosterEvent, roster: Roster) -> OnCallEvent:
    start_fold, end_fold = event.folds
    rule = Rule(
        start=event.start.replace(fold=start_fold),
        end=event.end.replace(fold=end_fold),
        zone=event.zone,
        unit=event.unit,
        frequency=event.frequency,
        days_of_week=frozenset(event.days_of_week),
        repeat_end=event.repeat_end,
        terminated_on=event.terminated_on,
        turns=len(event.attendees) if event.rotation else 0,
    )
    return OnCallEvent(
        event_id=event.event_id,
        layer=event.layer,
        rule=rule,
        attendees=tuple(roster.people[place][0] for place in event.attendees),
        rotation=event.rotation,
        exceptions=frozenset(event.exceptions),
    )


def _check(event: RosterEvent, people: int) -> None:
    """Raise ValueError where nothing could be computed of it; whether it makes sense is the writer's business."""
    zone(event.zone)
    if event.frequency < 1 or not event.attendees or not all(0 <= place < people for place in event.attendees):
        raise ValueError(f"event {event.event_id} has nobody on call, or no step")
    if event.start.tzinfo is not None or event.end.tzinfo is not None or event.end <= event.start:
        raise ValueError(f"event {event.event_id} has no length on the wall")
