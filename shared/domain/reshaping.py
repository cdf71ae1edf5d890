"""A series loses an occurrence, its later part or itself, or becomes another; and what descends from it follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from shared.domain.errors import NotAnOccurrence, RegularEvent
from shared.domain.family import Family, Writes, followed, left_of, nearest, remainder, span_of
from shared.domain.oncall import OnCallEvent, Role
from shared.timing import recurrence
from shared.timing.instants import Instant
from shared.timing.recurrence import Occurrence


def excepted(event: OnCallEvent, action_time: Instant) -> Writes:
    """The occurrence does not happen; one that does not happen already stays as it is, overridden or not.

    Raises RegularEvent, NotAnOccurrence.
    """
    if event.rule.unit is None:
        raise RegularEvent
    if action_time in event.exceptions:
        return Writes()
    if recurrence.occurrence_at(event.rule, action_time) is None:
        raise NotAnOccurrence(nearest(event, action_time))
    return Writes(changed=(replace(event, exceptions=event.exceptions | {action_time}),))


def terminated(event: OnCallEvent, family: Iterable[OnCallEvent], action_time: Instant) -> Writes:
    """The occurrence and all later ones do not happen, nor what stands for them alone; from the first one on, delete.

    Nothing changes where the event has ended earlier. Raises NotAnOccurrence.
    """
    rule = event.rule
    if recurrence.occurrence_at(rule, action_time) is None:
        if recurrence.occurrence_at(replace(rule, repeat_end=None, terminated_on=None), action_time) is None:
            raise NotAnOccurrence(nearest(event, action_time))
        return Writes()
    if recurrence.last_before(rule, action_time) is None:
        return deleted(event, family)
    tree = Family([event, *family])
    earlier = frozenset(start for start in event.exceptions if start < action_time)
    tree.put(replace(event, rule=replace(rule, terminated_on=action_time), exceptions=earlier))
    for child in tree.children(event.event_id):
        if child.covers and min(child.covers) >= action_time:
            tree.remove(child.event_id)
    return tree.writes()


def deleted(event: OnCallEvent, family: Iterable[OnCallEvent]) -> Writes:
    """The event goes, and all that descends from it. An override's hours are nobody's then."""
    tree = Family([event, *family])
    tree.remove(event.event_id)
    return tree.writes()


def moved(before: OnCallEvent, after: OnCallEvent, family: Iterable[OnCallEvent], new_ids: Iterator[str]) -> Writes:
    """The event becomes another, and what stands for its occurrences follows, to another zone's clock too.

    Exceptions that are no occurrences any more go, and the remainders of such. Overrides stay, for they were promised,
    and an occurrence that has one stays an exception, whatever is asked for. Remainders that nobody has touched are
    cut anew from what their occurrence has become.
    """
    tree = Family([before, *family])
    as_cut = {followed(before.rule, after.rule, start) for start in _as_cut(tree, before)}
    for child in tree.children(before.event_id):
        covers = frozenset(followed(before.rule, after.rule, start) for start in child.covers)
        tree.put(replace(child, covers=covers))
    stand_ins = tree.stand_ins(before.event_id)
    promised = {start for start, each in stand_ins.items() if _is_promised(tree, each)}
    kept = {
        start: occurrence
        for start in after.exceptions | promised
        if (occurrence := recurrence.occurrence_at(after.rule, start)) is not None
    }
    after = replace(after, exceptions=frozenset(kept))
    tree.put(after)
    for start, beside in sorted(stand_ins.items()):
        if start not in kept:
            _dismiss(tree, after, beside)
        elif start in as_cut:
            _cut_anew(tree, after, kept[start], beside, new_ids)
    return tree.writes()


def _is_promised(tree: Family, stand_ins: list[OnCallEvent]) -> bool:
    return any(each.role is Role.OVERRIDE or tree.children(each.event_id) for each in stand_ins)


def _dismiss(tree: Family, event: OnCallEvent, stand_ins: Iterable[OnCallEvent]) -> None:
    """Let the remainders go; the overrides of what was left become overrides of the event itself."""
    for each in stand_ins:
        if each.role is Role.REMAINDER:
            for child in tree.children(each.event_id):
                if child.role is Role.OVERRIDE:
                    tree.put(replace(child, parent_id=event.event_id, covers=each.covers))
            tree.remove(each.event_id)


def _as_cut(tree: Family, event: OnCallEvent) -> list[Instant]:
    """The occurrences of which there is exactly what overriding them has left."""
    stand_ins = tree.stand_ins(event.event_id)
    return [start for start, beside in stand_ins.items() if _is_as_cut(tree, event, start, beside)]


def _is_as_cut(tree: Family, event: OnCallEvent, start: Instant, stand_ins: list[OnCallEvent]) -> bool:
    """Is what stands for the occurrence exactly what overriding it has left, untouched?"""
    overrides, remainders = _parted(stand_ins)
    occurrence = recurrence.occurrence_at(event.rule, start)
    if occurrence is None or start not in event.exceptions:
        return not remainders
    if not all(tree.is_untouched(each, event, occurrence) for each in remainders):
        return False
    return sorted(span_of(each) for each in remainders) == left_of(occurrence, overrides)


def _cut_anew(
    tree: Family, event: OnCallEvent, occurrence: Occurrence, stand_ins: list[OnCallEvent], new_ids: Iterator[str]
) -> None:
    """Let the remainders be what the overrides leave of the occurrence now; who begins where one began is that one."""
    overrides, remainders = _parted(stand_ins)
    known = {span_of(each)[0]: each.event_id for each in remainders}
    for span in left_of(occurrence, overrides):
        event_id = known.pop(span[0], None)
        tree.put(remainder(event, occurrence, span, next(new_ids) if event_id is None else event_id))
    for event_id in known.values():
        tree.remove(event_id)


def _parted(stand_ins: Iterable[OnCallEvent]) -> tuple[list[OnCallEvent], list[OnCallEvent]]:
    overrides: list[OnCallEvent] = []
    remainders: list[OnCallEvent] = []
    for each in stand_ins:
        (remainders if each.role is Role.REMAINDER else overrides).append(each)
    return overrides, remainders
