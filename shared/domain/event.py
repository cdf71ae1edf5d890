"""A callback event and its legal moves. Each move takes the event and the moment, and returns the event as it is then.

INACTIVE ──first attempt──▶ ACTIVE ──endDate──▶ FINISHED
    └──────pause──▶ PAUSED ──resume──▶ INACTIVE or ACTIVE
                      └──endDate──▶ FINISHED ──change with a new endDate──▶ INACTIVE or ACTIVE
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from shared.domain import roster_series
from shared.domain.delivery import DEFAULT, Delivery, spread_offset
from shared.domain.errors import EventIsFinished
from shared.domain.series import Series
from shared.domain.timer import BESIDE_ROSTER, Timer
from shared.timing import cron
from shared.timing.instants import Instant

JsonObject: TypeAlias = Mapping[str, Any]


class Status(StrEnum):
    """In what stage an event is."""

    INACTIVE = "INACTIVE"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"


class PauseReason(StrEnum):
    """Who paused an event, and why."""

    CLIENT = "client"
    GONE = "gone"  # the receiver answered 410


# Not frozen, since a frozen one takes three times as long to make; nobody changes it.
@dataclass(slots=True, kw_only=True)
class Event:
    """What a client asked for, and where it stands.

    `version` is the version of its shard at the last change a client made. Occurrences count strictly after `anchor`,
    and none is attempted at or after `end_date`. `settled_through` is of the series that began there: None until an
    owner who knows this series has settled something of it. A subscription to a schedule has a `roster`, no interval.
    """

    event_id: str
    application_id: int
    shard: int
    version: int
    status: Status
    event_owner: str
    interval: str
    timezone: str
    start_date: Instant | None
    end_date: Instant
    callback_url: str
    context: JsonObject
    tags: tuple[str, ...]
    created_date: Instant
    updated_date: Instant
    anchor: Instant
    settled_through: Instant | None = None
    last_run_date: Instant | None = None
    delivery: Delivery = DEFAULT
    paused_reason: PauseReason | None = None
    schedule_id: str | None = None
    roster: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a client wants different; a field that is not in `given` stays as it is."""

    given: frozenset[str] = field(default=frozenset())
    interval: str = ""
    timezone: str = ""
    start_date: Instant | None = None
    end_date: Instant = 0
    callback_url: str = ""
    context: JsonObject = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    delivery: Mapping[str, Any] = field(default_factory=dict)  # of Delivery: the fields that are given
    retry: Mapping[str, Any] = field(default_factory=dict)  # of its RetryPolicy: the same


_RULE_FIELDS = ("interval", "timezone", "start_date", "roster")


def is_over(event: Event, now: Instant) -> bool:
    """Has the event ended, whether or not a dispatcher has said so yet?"""
    return event.status is Status.FINISHED or event.end_date <= now


def changed(event: Event, changes: Changes, now: Instant) -> Event:
    """The event with these changes; a new rule counts from now, any other change leaves the series alone.

    Raises EventIsFinished where the event is over and the change does not give it a new end.
    """
    given = {name: getattr(changes, name) for name in changes.given}
    if "delivery" in given:
        retry = msgspec.structs.replace(event.delivery.retry, **changes.retry)
        given["delivery"] = msgspec.structs.replace(event.delivery, **{"retry": retry, **changes.delivery})
    was_over = is_over(event, now)
    if was_over and given.get("end_date", 0) <= now:
        raise EventIsFinished

    after = replace(event, **given, updated_date=now)
    if was_over or _has_another_rule(after, event):
        after = replace(after, anchor=max(now, after.start_date or now), settled_through=None)
    if was_over:
        after = replace(after, status=_running(after), paused_reason=None)
    return after


def paused(event: Event, now: Instant, reason: PauseReason = PauseReason.CLIENT) -> Event:
    """The event, ringing no more until it is resumed; pausing a paused event changes nothing."""
    if is_over(event, now):
        raise EventIsFinished
    if event.status is Status.PAUSED:
        return event
    return replace(event, status=Status.PAUSED, paused_reason=reason, updated_date=now)


def resumed(event: Event, now: Instant) -> Event:
    """The event, ringing again from now on; what fell into the pause is skipped. Harmless on a running event."""
    if is_over(event, now):
        raise EventIsFinished
    if event.status is not Status.PAUSED:
        return event
    anchor = max(now, event.anchor)
    settled_through = None if anchor != event.anchor else event.settled_through
    return replace(
        event,
        status=_running(event),
        paused_reason=None,
        anchor=anchor,
        settled_through=settled_through,
        updated_date=now,
    )


def begins_anew(after: Event, before: Event) -> bool:
    """Has a move begun another series, so that nothing that was settled of the earlier one counts in it?"""
    return after.anchor != before.anchor or _has_another_rule(after, before)


def next_run(event: Event, now: Instant) -> Instant | None:
    """The nominal instant of the next occurrence that will be attempted, or None where there is none."""
    if event.status is Status.PAUSED or is_over(event, now):
        return None
    offset = offset_of(event)
    due = series_of(event).next_after(max(now - offset, event.anchor))
    return due if due is not None and due + offset < event.end_date else None


def series_of(event: Event) -> Series:
    """The instants of the event."""
    return roster_series.series_of(event.interval, event.timezone, event.roster, seed=event.event_id)


def offset_of(event: Event) -> int:
    """By how many milliseconds the event's occurrences ring later than their nominal instants."""
    return spread_offset(event.event_id, event.delivery.spread_ms)


def timer_of(event: Event) -> Timer:
    """What a dispatcher must know of the event."""
    return Timer(
        id=event.event_id,
        version=event.version,
        rule=BESIDE_ROSTER if event.roster else cron.parse(event.interval, seed=event.event_id).expression,
        zone=event.timezone,
        anchor=max(event.anchor, event.settled_through or event.anchor),
        end=event.end_date,
        url=event.callback_url,
        body=body_of(event.context),
        paused=event.status is Status.PAUSED,
        delivery=event.delivery,
        application_id=event.application_id,
        roster=event.roster,
    )


def body_of(context: JsonObject) -> bytes:
    """The bytes that a callback POSTs: the context and nothing around it."""
    return msgspec.json.encode(context)


def _has_another_rule(after: Event, before: Event) -> bool:
    return any(getattr(after, name) != getattr(before, name) for name in _RULE_FIELDS)


def _running(event: Event) -> Status:
    return Status.INACTIVE if event.last_run_date is None else Status.ACTIVE
