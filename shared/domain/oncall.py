"""Who is on call: on-call events, and the shifts that they amount to.

An event is a rule and its attendees. Its turns go by the rule's index, so nothing that is taken out of it moves them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.timing import recurrence
from shared.timing.instants import Instant
from shared.timing.recurrence import Occurrence, Rule


class Role(StrEnum):
    """What an event is of the occurrence of another that was overridden."""

    OVERRIDE = "override"
    REMAINDER = "remainder"  # what was left of it, before or after the override


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallEvent:
    """One occurrence, or a series of them.

    `attendees` are account users in order of position. `exceptions` are starts of occurrences that do not happen.
    `covers` are the starts of the parent's occurrences that this event stands for, in part or whole.
    """

    event_id: str
    layer: int
    rule: Rule
    attendees: tuple[str, ...]
    rotation: bool = False
    exceptions: frozenset[Instant] = frozenset()
    parent_id: str | None = None
    role: Role | None = None
    covers: frozenset[Instant] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """An occurrence that happens, and who is on call in it: account users with their positions.

    `start` and `end` are half-open; `index` is the occurrence's in its rule.
    """

    event_id: str
    parent_id: str | None
    layer: int
    zone: str
    index: int
    start: Instant
    end: Instant
    attendees: tuple[tuple[int, str], ...]


def shifts(events: Iterable[OnCallEvent], start: Instant, end: Instant) -> list[Shift]:
    """The shifts that overlap [start, end), by start, layer and event."""
    found = [shift for event in events for shift in _shifts(event, recurrence.occurrences(event.rule, start, end))]
    return sorted(found, key=_order)


def on_call(events: Iterable[OnCallEvent], instant: Instant) -> list[Shift]:
    """The shifts that the instant lies in, by start, layer and event."""
    found = [shift for event in events for shift in _shifts(event, recurrence.covering(event.rule, instant))]
    return sorted(found, key=_order)


def shift_of(event: OnCallEvent, occurrence: Occurrence) -> Shift:
    """The occurrence with those who are on call in it: one in a rotation, otherwise all together."""
    if event.rotation:
        turn = occurrence.index % len(event.attendees)
        attendees: tuple[tuple[int, str], ...] = ((turn + 1, event.attendees[turn]),)
    else:
        attendees = tuple(enumerate(event.attendees, start=1))
    return Shift(
        event_id=event.event_id,
        parent_id=event.parent_id,
        layer=event.layer,
        zone=event.rule.zone,
        index=occurrence.index,
        start=occurrence.start,
        end=occurrence.end,
        attendees=attendees,
    )


def _shifts(event: OnCallEvent, occurrences: Iterable[Occurrence]) -> Iterator[Shift]:
    return (shift_of(event, each) for each in occurrences if each.start not in event.exceptions)


def _order(shift: Shift) -> tuple[Instant, int, str]:
    return shift.start, shift.layer, shift.event_id
