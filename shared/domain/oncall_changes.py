"""What a client's words make of an on-call event: the event as it would be, and whatever speaks against it.

Words are fields by the names of `KeptEvent`; what is not said stays as it is. A fault is the name of a field and what
is the matter with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from shared.domain.family import followed, nearest
from shared.domain.oncall_kept import (
    Attendee,
    Identity,
    KeptEvent,
    attendees_of,
    ends_at,
    instant_on,
    on_wall,
    oncall_of,
    rule_of,
    starts_at,
    wall,
)
from shared.timing import recurrence
from shared.timing.instants import Instant
from shared.timing.recurrence import InvalidRecurrence

When: TypeAlias = "Instant | datetime"  # an instant, or a time on the wall of the event's zone
Words: TypeAlias = Mapping[str, Any]
Fault: TypeAlias = tuple[str, str]

UNSAID: Final[Words] = {
    "repeat": False,
    "frequency": None,
    "unit": None,
    "days_of_week": (),
    "repeat_end": None,
    "terminated_on": None,
    "rotation": False,
    "parent_id": None,
    "schedule_ids": (),
    "exceptions": (),
    "meta": {},
}
_AS_SAID: Final = (
    "layer", "time_zone", "repeat", "frequency", "unit", "days_of_week", "terminated_on", "rotation", "parent_id",
    "schedule_ids", "meta",
)  # fmt: skip
_FIELDS_OF_RULES: Final[Mapping[str, str]] = {"zone": "time_zone", "turns": "account_user_ids"}


def begun(identity: Identity, words: Words, new_id: Callable[[], str], now: Instant) -> KeptEvent:
    """The event that is wanted. Everything that is required must be said."""
    said = {**UNSAID, **words}
    zone = said["time_zone"]
    kept = KeptEvent(
        event_id=identity.event_id,
        application_id=identity.application_id,
        prefix_id=identity.prefix_id,
        tiny_id=identity.tiny_id,
        start=on_wall(said["start"], zone),
        end=on_wall(said["end"], zone),
        repeat_end=_day(said["repeat_end"], zone),
        role=None,
        covers=frozenset(),
        attendees=tuple(Attendee(new_id(), user) for user in said["account_user_ids"]),
        exceptions={},
        created_at=now,
        updated_at=now,
        **{name: said[name] for name in _AS_SAID},
    )
    return replace(kept, exceptions={instant_on(when, kept): new_id() for when in said["exceptions"]})


def changed(before: KeptEvent, words: Words, new_id: Callable[[], str], now: Instant) -> KeptEvent:
    """The event as it is wanted; its exceptions as they are said, be they occurrences or not."""
    said = {name: words[name] for name in _AS_SAID if name in words}
    zone = words.get("time_zone", before.time_zone)
    if "start" in words:
        said["start"] = _moved(words["start"], zone, before, before.start, starts_at(before))
    if "end" in words:
        said["end"] = _moved(words["end"], zone, before, before.end, ends_at(before))
    if "repeat_end" in words:
        said["repeat_end"] = _day(words["repeat_end"], zone)
        if said["repeat_end"] != before.repeat_end:
            said.setdefault("terminated_on", None)  # it is from this that the series ends now
    if "account_user_ids" in words:
        said["attendees"] = attendees_of(before.attendees, words["account_user_ids"], new_id)
    after = replace(before, **said, updated_at=now)
    if before.terminated_on is not None and after.terminated_on == before.terminated_on:
        after = replace(after, terminated_on=followed(rule_of(before), rule_of(after), before.terminated_on))
    if "exceptions" in words:
        starts = [instant_on(when, after) for when in words["exceptions"]]
        return replace(after, exceptions={start: before.exceptions.get(start) or new_id() for start in starts})
    rules = rule_of(before), rule_of(after)
    return replace(after, exceptions={followed(*rules, start): name for start, name in before.exceptions.items()})


def faults_of_words(words: Words) -> list[Fault]:
    """What does not go together in words that need not be all, whatever else is said."""
    said = {**UNSAID, **words}
    users = said.get("account_user_ids", ())
    found: list[Fault] = []
    if said["repeat"]:
        found += [(name, "can't be blank where repeat is true") for name in ("frequency", "unit") if said[name] is None]
    if said["rotation"] and not said["repeat"]:
        found.append(("rotation", "needs repeat to be true"))
    if not said["rotation"] and len(set(users)) != len(users):
        found.append(("account_user_ids", "should name nobody twice, but in a rotation"))
    return found


def words_of(kept: KeptEvent) -> dict[str, Any]:
    """What would have to be said to get what is not computed of this event."""
    users = tuple(attendee.account_user_id for attendee in kept.attendees)
    return {"account_user_ids": users, **{name: getattr(kept, name) for name in _AS_SAID}}


def faults_of(after: KeptEvent, before: KeptEvent | None = None) -> list[Fault]:
    """What is the matter with an event, as it would be after `before`; its words must go together."""
    try:
        recurrence.validated(rule_of(after))
    except InvalidRecurrence as error:
        return [(_FIELDS_OF_RULES.get(name, name), fault) for name, fault in error.problems]
    earlier = {} if before is None else before.exceptions
    return list(_faults_of_exceptions(after, [start for start in after.exceptions if start not in earlier]))


def _faults_of_exceptions(after: KeptEvent, starts: Iterable[Instant]) -> Iterator[Fault]:
    rule = rule_of(after)
    for start in starts:
        if not after.repeat:
            yield "exceptions", "need repeat to be true; delete the event instead"
            return
        if recurrence.occurrence_at(rule, start) is None:
            near = " and ".join(nearest(replace(oncall_of(after), exceptions=frozenset()), start))
            way_out = f"the nearest are {near}" if near else "there is none that could be meant"
            said = wall(start, after.time_zone).isoformat(sep=" ", timespec="minutes")
            yield "exceptions", f"should be starts of occurrences, and {said} is none; {way_out}"


def _moved(when: When, zone: str, before: KeptEvent, was_shown: datetime, was: Instant) -> datetime:
    """On the wall of the zone; what was shown and is sent again stays what it was on the wall."""
    if when == was and not isinstance(when, datetime) and zone == before.time_zone:
        return was_shown
    return on_wall(when, zone)


def _day(when: When | date | None, zone: str) -> date | None:
    """The day on the wall."""
    if isinstance(when, int):
        return wall(when, zone).date()
    return when.date() if isinstance(when, datetime) else when
