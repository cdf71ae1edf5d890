"""What was said of an on-call event becomes the event that is wanted, or every problem with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api_service.schemas.oncall.events import Asked
from api_service.store.database import Connection
from api_service.store.oncall import account_users, events, schedules
from api_service.usecases.means import Means
from api_service.usecases.oncall.plans import identity, new_id
from shared.domain.errors import OnCallEventNotFound, Unprocessable
from shared.domain.oncall_changes import Fault, begun, changed, faults_of, faults_of_words, words_of
from shared.domain.oncall_kept import Identity, KeptEvent

_NOBODY = Identity(event_id="", application_id=0, prefix_id="", tiny_id=0)
_STAND_INS: Mapping[str, Any] = {"layer": 1, "account_user_ids": ("",)}  # for what was said and is wrong


async def judged_new(c: Connection, means: Means, asked: Asked) -> KeptEvent:
    """The event that is wanted. Raises Unprocessable."""
    words, faults = await resolved(c, means, asked.words)
    faults += faults_of_words(words)
    if {"start", "end", "time_zone"} <= words.keys():
        provisional = begun(_NOBODY, {**_STAND_INS, **_sound(words)}, str, means.now)
        faults += faults_of(provisional)
    _refuse(asked, faults)
    return begun(await identity(c, means), words, lambda: new_id(means), means.now)


async def judged_change(c: Connection, means: Means, asked: Asked, before: KeptEvent) -> KeptEvent:
    """The event as it is wanted. Raises Unprocessable."""
    words, faults = await resolved(c, means, asked.words)
    faults += faults_of_words({**words_of(before), **words})
    faults += await _faults_of_parent(c, means, words, before)
    if words.get("terminated_on") not in {None, before.terminated_on}:
        faults.append(("terminated_on", "can only be lifted, with null; POST …/terminate_on sets it"))
        words = {name: value for name, value in words.items() if name != "terminated_on"}
    provisional = changed(before, {**words, **_sound({**words_of(before), **words}, only=words)}, str, means.now)
    faults += faults_of(provisional, before)
    _refuse(asked, faults)
    return changed(before, words, lambda: new_id(means), means.now)


async def resolved(c: Connection, means: Means, words: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The words with ULIDs for whatever was named, without the fields that name what is not there; and those faults."""
    said, faults = dict(words), list[Fault]()
    for field, store, noun in (
        ("account_user_ids", account_users, "account user"),
        ("schedule_ids", schedules, "schedule"),
    ):
        if not said.get(field):
            continue
        known = await store.resolve(c, means.application_id, said[field])
        unknown = dict.fromkeys(name for name in said[field] if name not in known)
        faults += [(field, f"has {name}, which is no {noun} of yours") for name in unknown]
        found = [known[name] for name in said.pop(field) if name in known]
        if not unknown:
            said[field] = tuple(found if field == "account_user_ids" else sorted(set(found)))
    if said.get("parent_id") is not None:
        try:
            said["parent_id"] = (await events.get(c, means.application_id, said["parent_id"])).event_id
        except OnCallEventNotFound:
            faults.append(("parent_id", f"is {said.pop('parent_id')}, which is no on-call event of yours"))
    return said, faults


async def _faults_of_parent(c: Connection, means: Means, words: Mapping[str, Any], before: KeptEvent) -> list[Fault]:
    """Whoever stands for another's occurrence stays below it, and nobody is below itself."""
    parent_id = words.get("parent_id", before.parent_id)
    if parent_id == before.parent_id:
        return []
    if before.role is not None:
        return [("parent_id", f"stays {before.parent_id}, for the event stands for an occurrence of that one")]
    if parent_id is None:
        return []
    family = await events.family(c, means.application_id, before.event_id)
    below = {kept.event_id: kept.parent_id for kept in family}
    above: str | None = parent_id
    while above is not None and above != before.event_id:
        above = below.get(above)
    return [("parent_id", "should be no event that is below this one")] if above == before.event_id else []


def _sound(words: Mapping[str, Any], only: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The words, without repetition where that is not all said: what is wrong with it is told already."""
    said = dict(words if only is None else only)
    if words.get("repeat") and (words.get("frequency") is None or words.get("unit") is None):
        said |= {"repeat": False, "exceptions": ()}
    return said


def _refuse(asked: Asked, faults: list[Fault]) -> None:
    problems = [*asked.problems, *asked.told(faults)]
    if problems:
        raise Unprocessable(list(dict.fromkeys(problems)))
