"""An override is undone, and its hours go back to whoever had them.

Overrides may be undone in any order: once nothing but untouched remainders stand for an occurrence, and they are all
of it, they are the occurrence again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from shared.domain.errors import NotAnOverride
from shared.domain.family import Family, Writes, hours, remainder
from shared.domain.oncall import OnCallEvent, Role
from shared.domain.spans import union
from shared.timing import recurrence


def restored(override: OnCallEvent, family: Iterable[OnCallEvent], new_ids: Iterator[str]) -> Writes:
    """The override goes, with all that descends from it, and each occurrence that it covers is whole again.

    Where what is left of an occurrence is overridden too, or was changed by hand, the override's hours go back as a
    remainder instead. A remainder that was deleted comes back with its occurrence. `family` are the event that all
    this began with and all its descendants. Raises NotAnOverride.
    """
    tree = Family([override, *family])
    parent = tree.get(override.parent_id)
    if override.role is not Role.OVERRIDE or parent is None:
        raise NotAnOverride
    tree.remove(override.event_id)
    stand_ins = tree.stand_ins(parent.event_id)
    whole = set()
    for start in sorted(override.covers & parent.exceptions):
        occurrence = recurrence.occurrence_at(parent.rule, start)
        if occurrence is None:
            continue
        if all(tree.is_untouched(each, parent, occurrence) for each in stand_ins.get(start, [])):
            whole.add(start)
        else:
            for span in hours(override, occurrence):
                tree.put(remainder(parent, occurrence, span, next(new_ids)))
    for start in whole:
        for each in stand_ins.get(start, []):
            tree.remove(each.event_id)
    tree.put(replace(parent, exceptions=parent.exceptions - whole))
    _join(tree, parent.event_id)
    return tree.writes()


def _join(tree: Family, event_id: str) -> None:
    """If the event is a remainder, let it become the occurrence again with those beside it, and so on upwards."""
    event = tree.get(event_id)
    while event is not None and event.role is Role.REMAINDER:
        parent = tree.get(event.parent_id)
        if parent is None or not _joined(tree, parent, event):
            return
        event = tree.get(parent.event_id)


def _joined(tree: Family, parent: OnCallEvent, event: OnCallEvent) -> bool:
    """Are the remainders beside the event all of the occurrence that it is of, so that this is whole again?"""
    (start,) = event.covers
    occurrence = recurrence.occurrence_at(parent.rule, start)
    beside = tree.stand_ins(parent.event_id)[start]
    if occurrence is None or not all(tree.is_untouched(each, parent, occurrence) for each in beside):
        return False
    if union(span for each in beside for span in hours(each, occurrence)) != [(occurrence.start, occurrence.end)]:
        return False
    for each in beside:
        tree.remove(each.event_id)
    tree.put(replace(parent, exceptions=parent.exceptions - {start}))
    return True
