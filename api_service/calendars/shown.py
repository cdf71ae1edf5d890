"""What a feed has shown, and so what it owes to those who saw it: word of what is gone since.

Kept are not shifts but the events that they came of, as they were; whatever they amounted to can be computed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from shared.domain.oncall import OnCallEvent
from shared.timing.instants import Instant
from shared.timing.recurrence import Rule, Unit

# For so long after it was noticed, calendar programs are told that something is gone; most ask every few hours.
TOLD_FOR: Final = 30 * 86_400_000
MOST_GONE: Final = 100


class _Form(msgspec.Struct, frozen=True):
    """An event as far as its shifts depend on it."""

    event_id: str
    layer: int
    start: datetime
    end: datetime
    folds: tuple[int, int]
    zone: str
    unit: str | None
    frequency: int
    days_of_week: list[int]
    repeat_end: date | None
    terminated_on: int | None
    attendees: tuple[str, ...]
    rotation: bool
    exceptions: list[int]


_FORM = msgspec.json.Decoder(_Form)


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as a feed has shown it; `gone` is when it was noticed that it is so no longer."""

    form: bytes
    gone: Instant | None = None


def form_of(event: OnCallEvent) -> bytes:
    """The event as it is kept; the same event is the same bytes."""
    rule = event.rule
    form = _Form(
        event_id=event.event_id,
        layer=event.layer,
        start=rule.start,
        end=rule.end,
        folds=rule.folds,
        zone=rule.zone,
        unit=rule.unit,
        frequency=rule.frequency,
        days_of_week=sorted(rule.days_of_week),
        repeat_end=rule.repeat_end,
        terminated_on=rule.terminated_on,
        attendees=event.attendees,
        rotation=event.rotation,
        exceptions=sorted(event.exceptions),
    )
    return msgspec.json.encode(form)


def event_of(form: bytes) -> OnCallEvent:
    """The event that was kept so."""
    kept = _FORM.decode(form)
    rule = Rule(
        start=kept.start.replace(fold=kept.folds[0]),
        end=kept.end.replace(fold=kept.folds[1]),
        zone=kept.zone,
        unit=None if kept.unit is None else Unit(kept.unit),
        frequency=kept.frequency,
        days_of_week=frozenset(kept.days_of_week),
        repeat_end=kept.repeat_end,
        terminated_on=kept.terminated_on,
        turns=len(kept.attendees) if kept.rotation else 0,
    )
    return OnCallEvent(
        event_id=kept.event_id,
        layer=kept.layer,
        rule=rule,
        attendees=kept.attendees,
        rotation=kept.rotation,
        exceptions=frozenset(kept.exceptions),
    )


def shown_now(before: Iterable[Shown], events: Iterable[OnCallEvent], now: Instant) -> frozenset[Shown]:
    """What a feed has shown once it shows these events: them, and of what is gone the newest, for a while."""
    current = {form_of(event) for event in events}
    gone = [
        Shown(each.form, now if each.gone is None else each.gone)
        for each in before
        if each.form not in current and (each.gone is None or each.gone > now - TOLD_FOR)
    ]
    return frozenset(Shown(form) for form in current) | set(sorted(gone, key=_newest_first)[:MOST_GONE])


def _newest_first(shown: Shown) -> tuple[int, bytes]:
    return -(shown.gone or 0), shown.form
