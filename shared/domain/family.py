"""An event and all that descends from it: which events stand for its occurrences, and what a move makes of them all.

Where an occurrence is overridden its start is an exception, and children stand for it: the override, and what is left
of the occurrence before and after, its remainders. A remainder that nobody has touched is what it was cut to be: its
hours are the occurrence's, and so are its people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.oncall import OnCallEvent, Role, shift_of
from shared.domain.spans import Span, minus, union
from shared.timing import recurrence
from shared.timing.instants import Instant, to_datetime
from shared.timing.recurrence import Occurrence, Rule
from shared.timing.zones import zone

_MOST_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """What a move comes to: new events, events that have become others, and the ids of those that are no more.

    They are written in this order: who is changed may have had a parent that is removed.
    """

    added: tuple[OnCallEvent, ...] = ()
    changed: tuple[OnCallEvent, ...] = ()
    removed: frozenset[str] = frozenset()

    def applied(self, events: Iterable[OnCallEvent]) -> list[OnCallEvent]:
        """These events as they are after the move, with the new ones."""
        changed = {event.event_id: event for event in self.changed}
        kept = [changed.get(event.event_id, event) for event in events if event.event_id not in self.removed]
        return [*kept, *self.added]


class Family:
    """Events that are changed together; it knows what they were."""

    def __init__(self, events: Iterable[OnCallEvent]) -> None:
        self._before = {event.event_id: event for event in events}
        self._events: dict[str, OnCallEvent] = {}
        self._children: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for event in self._before.values():
            self.put(event)

    def get(self, event_id: str | None) -> OnCallEvent | None:
        """The event of this id as it is now."""
        return self._events.get(event_id or "")

    def put(self, event: OnCallEvent) -> None:
        """Let this event be in the family, in place of one of its id."""
        self._leave(event.event_id)
        self._events[event.event_id] = event
        if event.parent_id is not None:
            self._children[event.parent_id][event.event_id] = None

    def remove(self, event_id: str) -> None:
        """Let the event of this id, and all that descends from it, be no more."""
        going = [event_id]
        for each in going:  # which grows; families may be as deep as their clients like
            going += self._children[each]
        for each in reversed(going):
            self._leave(each)
            self._events.pop(each, None)

    def children(self, event_id: str) -> list[OnCallEvent]:
        """Those whose parent the event of this id is."""
        return [self._events[child] for child in self._children[event_id]]

    def stand_ins(self, event_id: str) -> dict[Instant, list[OnCallEvent]]:
        """The children that stand for occurrences of the event of this id, by the occurrences' starts."""
        found: defaultdict[Instant, list[OnCallEvent]] = defaultdict(list)
        for child in self.children(event_id):
            for start in child.covers:
                found[start].append(child)
        return dict(found)

    def is_untouched(self, child: OnCallEvent, event: OnCallEvent, occurrence: Occurrence) -> bool:
        """Is the child a remainder that is still what it was cut to be of this occurrence of the event?"""
        if self._children[child.event_id] or child.rule.unit is not None:
            return False
        start, end = span_of(child)
        as_cut = remainder(event, occurrence, (start, end), child.event_id)
        return (
            occurrence.start <= start < end <= occurrence.end
            and child.rule.zone == as_cut.rule.zone
            and replace(child, rule=as_cut.rule) == as_cut
        )

    def writes(self) -> Writes:
        """What has become of the family since it was as it was."""
        now = self._events
        return Writes(
            added=tuple(event for event_id, event in now.items() if event_id not in self._before),
            changed=tuple(event for event_id, event in now.items() if self._before.get(event_id, event) != event),
            removed=frozenset(self._before.keys() - now.keys()),
        )

    def _leave(self, event_id: str) -> None:
        known = self._events.get(event_id)
        if known is not None and known.parent_id is not None:
            self._children[known.parent_id].pop(event_id, None)


def span_of(regular: OnCallEvent) -> Span:
    """When an event that does not repeat is; a span of no length if it never is."""
    first = recurrence.nth(regular.rule, 0)
    return (first.start, first.end) if first is not None else (0, 0)


def hours(event: OnCallEvent, occurrence: Occurrence) -> list[Span]:
    """What an event's rule has of the hours of another's occurrence; its own exceptions are not looked at."""
    own = recurrence.occurrences(event.rule, occurrence.start, occurrence.end)
    return union((max(each.start, occurrence.start), min(each.end, occurrence.end)) for each in own)


def left_of(occurrence: Occurrence, overrides: Iterable[OnCallEvent]) -> list[Span]:
    """What these overrides leave of an occurrence."""
    taken = union(span for override in overrides for span in hours(override, occurrence))
    return minus([(occurrence.start, occurrence.end)], taken)


def remainder(event: OnCallEvent, occurrence: Occurrence, span: Span, event_id: str) -> OnCallEvent:
    """The part of an event's occurrence in this span as an event of its own, of whoever has the occurrence."""
    where = event.rule.zone
    return OnCallEvent(
        event_id=event_id,
        layer=event.layer,
        rule=Rule(start=_on_the_wall(span[0], where), end=_on_the_wall(span[1], where), zone=where),
        attendees=tuple(person for _, person in shift_of(event, occurrence).attendees),
        parent_id=event.event_id,
        role=Role.REMAINDER,
        covers=frozenset({occurrence.start}),
    )


def followed(before: Rule, after: Rule, start: Instant) -> Instant:
    """Where an occurrence of a rule starts that is the same one of another rule: elsewhere if only the zone is."""
    if before.zone == after.zone or _steps(before) != _steps(after):
        return start
    was = recurrence.occurrence_at(_unending(before), start)
    becomes = None if was is None else recurrence.nth(_unending(after), was.index)
    return start if becomes is None else becomes.start


def nearest(event: OnCallEvent, instant: Instant) -> list[str]:
    """The starts of the two occurrences that happen and are nearest to this instant, as people read them, in order."""
    around = sorted([*_earlier(event, instant), *_later(event, instant)], key=lambda start: abs(start - instant))
    return [told(start, event.rule.zone) for start in sorted(around[:2])]


def told(instant: Instant, where: str) -> str:
    """The instant as people read it on the clock of this zone."""
    return to_datetime(instant).astimezone(zone(where)).isoformat(timespec="milliseconds")


def _earlier(event: OnCallEvent, instant: Instant) -> Iterator[Instant]:
    """The starts of up to two occurrences before this instant that happen, unless very many do not."""
    found = 0
    for _ in range(_MOST_LOOKED_AT):
        occurrence = recurrence.last_before(event.rule, instant)
        if occurrence is None or found == 2:
            return
        instant = occurrence.start
        if instant not in event.exceptions:
            found += 1
            yield instant


def _later(event: OnCallEvent, instant: Instant) -> Iterator[Instant]:
    """The same from this instant on."""
    found = 0
    for _ in range(_MOST_LOOKED_AT):
        occurrence = recurrence.first_from(event.rule, instant)
        if occurrence is None or found == 2:
            return
        instant = occurrence.start + 1
        if occurrence.start not in event.exceptions:
            found += 1
            yield occurrence.start


def _steps(rule: Rule) -> tuple[object, ...]:
    """What the walls of its starts come from."""
    return rule.start, rule.unit, rule.frequency, rule.days_of_week


def _unending(rule: Rule) -> Rule:
    return replace(rule, repeat_end=None, terminated_on=None)


def _on_the_wall(instant: Instant, where: str) -> datetime:
    """What the clock shows; in a second pass of a time, its fold says so."""
    return to_datetime(instant).astimezone(zone(where)).replace(tzinfo=None)
