"""What is wished of an event's occurrences: that somebody else has one, that one does not happen, that they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from api_service.schemas.oncall.changes import override_made
from api_service.schemas.oncall.etags import Tags
from api_service.schemas.oncall.events import Asked
from api_service.store.database import Connection
from api_service.store.oncall import events
from api_service.usecases.means import Means
from api_service.usecases.oncall.events import held_event
from api_service.usecases.oncall.judging import resolved
from api_service.usecases.oncall.plans import Move, Plan, Wish, new_ids, planned
from shared.domain.changelog import Action
from shared.domain.errors import (
    NotAnOccurrence,
    OverrideMissesOccurrence,
    RegularEvent,
    TooManyOccurrences,
    Unprocessable,
)
from shared.domain.family import Writes
from shared.domain.oncall import OnCallEvent, Role
from shared.domain.oncall_changes import Fault, When
from shared.domain.oncall_kept import KeptEvent, instant_in, instant_on, on_wall, oncall_of
from shared.domain.overriding import OverrideWanted, overridden
from shared.domain.reshaping import excepted, terminated
from shared.timing.recurrence import InvalidRecurrence, Rule, validated
from shared.timing.zone_names import iana


def overriding(means: Means, name: str, asked: Asked, *, expected: Tags) -> Move:
    """Somebody else is on call instead; the override is what is shown.

    Raises OnCallEventNotFound, ObjectHasChanged, Unprocessable, OccurrenceIsOverridden.
    """

    async def move(c: Connection) -> Plan:
        event, family = await _held_family(c, means, name, expected)
        wanted = await _judged(c, means, asked)
        with _as_problems():
            writes = overridden(oncall_of(event), _others(event, family), wanted, new_ids(means))
        called = {Role.OVERRIDE: asked.words["time_zone"]}
        wish = Wish(Action.ONCALL_EVENT_OVERRIDDEN, event.event_id)
        plan = await planned(c, means, writes, family, wish, zones=called, shown=writes.added[0].event_id)
        return replace(plan, wish=replace(wish, fields=override_made(plan.added[0])))

    return move


def adding_exception(means: Means, name: str, action_time: When, *, expected: Tags) -> Move:
    """The occurrence does not happen. Raises OnCallEventNotFound, ObjectHasChanged, Unprocessable."""
    action = Action.ONCALL_EVENT_EXCEPTED
    return _reshaping(means, name, action_time, expected, action, lambda event, _, instant: excepted(event, instant))


def terminating(means: Means, name: str, action_time: When, *, expected: Tags) -> Move:
    """The occurrence and all later ones do not happen. Raises OnCallEventNotFound, ObjectHasChanged, Unprocessable."""
    return _reshaping(means, name, action_time, expected, Action.ONCALL_EVENT_TERMINATED, terminated)


def _reshaping(
    means: Means,
    name: str,
    action_time: When,
    expected: Tags,
    action: Action,
    reshaped: Callable[[OnCallEvent, list[OnCallEvent], int], Writes],
) -> Move:
    async def move(c: Connection) -> Plan:
        event, family = await _held_family(c, means, name, expected)
        with _as_problems():
            writes = reshaped(oncall_of(event), _others(event, family), instant_on(action_time, event))
        return await planned(c, means, writes, family, Wish(action, event.event_id), shown=event.event_id)

    return move


async def _held_family(c: Connection, means: Means, name: str, expected: Tags) -> tuple[KeptEvent, list[KeptEvent]]:
    event = await held_event(c, means, name, expected)
    return event, await events.family(c, means.application_id, event.event_id)


async def _judged(c: Connection, means: Means, asked: Asked) -> OverrideWanted:
    """The override that is wanted. Raises Unprocessable with everything that is wrong with it by itself."""
    words, faults = await resolved(c, means, asked.words)
    if {"start", "end", "time_zone"} <= words.keys():
        faults += _faults_of_times(words)
    problems = [*asked.problems, *asked.told(faults)]
    if problems:
        raise Unprocessable(problems)
    zone = words["time_zone"]
    return OverrideWanted(
        start=on_wall(words["start"], zone),
        end=on_wall(words["end"], zone),
        zone=iana(zone),
        layer=words["layer"],
        attendees=words["account_user_ids"],
        action_time=instant_in(words["action_time"], zone),
    )


def _faults_of_times(words: Mapping[str, Any]) -> list[Fault]:
    zone = words["time_zone"]
    try:
        validated(Rule(start=on_wall(words["start"], zone), end=on_wall(words["end"], zone), zone=iana(zone)))
    except InvalidRecurrence as error:
        return error.problems
    return []


@contextmanager
def _as_problems() -> Iterator[None]:
    """What the occurrence has to say against it is a problem with what was sent."""
    try:
        yield
    except (NotAnOccurrence, OverrideMissesOccurrence, RegularEvent, TooManyOccurrences) as error:
        raise Unprocessable([str(error)]) from None


def _others(event: KeptEvent, family: list[KeptEvent]) -> list[OnCallEvent]:
    return [oncall_of(kept) for kept in family if kept.event_id != event.event_id]
