"""Somebody else takes over: an override cuts its hours out of the occurrences that it overlaps.

What is cut may be of a series, of an event that does not repeat, or of what an earlier override has made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from shared.domain.errors import NotAnOccurrence, OccurrenceIsOverridden, OverrideMissesOccurrence, TooManyOccurrences
from shared.domain.family import Family, Writes, hours, left_of, nearest, remainder, told
from shared.domain.oncall import OnCallEvent, Role
from shared.domain.spans import both, length
from shared.timing import recurrence
from shared.timing.instants import Instant
from shared.timing.recurrence import Occurrence, Rule

MOST_CUT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideWanted:
    """Who shall be on call instead, from when to when on the wall of `zone`, and of which occurrence."""

    start: datetime
    end: datetime
    zone: str
    layer: int
    attendees: tuple[str, ...]
    action_time: Instant


def overridden(
    event: OnCallEvent, family: Iterable[OnCallEvent], wanted: OverrideWanted, new_ids: Iterator[str]
) -> Writes:
    """Cut the override out of the occurrence, and out of all others that it overlaps and that happen.

    The first event that is added is the override. Of `family` only the event and its children matter. Raises
    InvalidRecurrence, NotAnOccurrence, OverrideMissesOccurrence, TooManyOccurrences, OccurrenceIsOverridden.
    """
    override = OnCallEvent(
        event_id=next(new_ids),
        layer=wanted.layer,
        rule=recurrence.validated(Rule(start=wanted.start, end=wanted.end, zone=wanted.zone)),
        attendees=wanted.attendees,
        parent_id=event.event_id,
        role=Role.OVERRIDE,
    )
    tree = Family([event, *family])
    cut = _cut(event, override, wanted.action_time, tree.stand_ins(event.event_id))

    starts = frozenset(occurrence.start for occurrence in cut)
    tree.put(replace(event, exceptions=event.exceptions | starts))
    tree.put(replace(override, covers=starts))
    for occurrence in cut:
        for span in left_of(occurrence, [override]):
            tree.put(remainder(event, occurrence, span, next(new_ids)))
    return tree.writes()


def _cut(
    event: OnCallEvent, override: OnCallEvent, action_time: Instant, stand_ins: dict[Instant, list[OnCallEvent]]
) -> list[Occurrence]:
    """The occurrences that the override cuts."""
    occurrence = recurrence.occurrence_at(event.rule, action_time)
    if occurrence is None or (action_time in event.exceptions and action_time not in stand_ins):
        raise NotAnOccurrence(nearest(event, action_time))
    if not hours(override, occurrence):
        raise OverrideMissesOccurrence(*(told(moment, event.rule.zone) for moment in occurrence[1:3]))
    own = recurrence.nth(override.rule, 0)
    if own is None:  # no validated rule is so
        return []
    overlapped = list(islice(recurrence.occurrences(event.rule, own.start, own.end), MOST_CUT + 1))
    if len(overlapped) > MOST_CUT:
        raise TooManyOccurrences(MOST_CUT)
    for each in overlapped:
        if each.start in event.exceptions and each.start in stand_ins:
            raise OccurrenceIsOverridden(
                told(each.start, event.rule.zone), _instead(stand_ins[each.start], override, each).event_id
            )
    return [each for each in overlapped if each.start not in event.exceptions]


def _instead(stand_ins: list[OnCallEvent], override: OnCallEvent, occurrence: Occurrence) -> OnCallEvent:
    """Of what stands for the occurrence, that which has most of the override's hours; the override if in doubt."""
    wanted = hours(override, occurrence)
    return max(
        stand_ins,
        key=lambda each: (length(both(hours(each, occurrence), wanted)), each.role is Role.OVERRIDE),
    )
