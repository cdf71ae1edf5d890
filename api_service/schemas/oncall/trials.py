"""What a change would come to, as it is shown to whoever only tries it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Any, Final

from marshmallow import Schema, fields

from api_service.schemas.oncall.events_shown import EventAnswer, show_event
from api_service.schemas.oncall.moments import show
from shared.domain.difference import Difference, Gap, Held
from shared.domain.oncall_kept import KeptEvent
from shared.timing.instants import Instant

_HOUR: Final = 3_600_000
_DIGITS: Final = 6


class SpanAnswer(Schema):
    """A stretch of time, and how many hours it has."""

    start_time = fields.String(metadata={"format": "date-time"})
    end_time = fields.String(metadata={"format": "date-time"})
    hours = fields.Float()


class HeldAnswer(SpanAnswer):
    """Hours that somebody gains or loses."""

    account_user_id = fields.String()
    layer = fields.Integer()


class GapAnswer(SpanAnswer):
    """Hours in which nobody is on call in a layer."""

    layer = fields.Integer()


class WindowAnswer(Schema):
    """What is looked at."""

    start = fields.String(metadata={"format": "date-time"})
    end = fields.String(metadata={"format": "date-time"})


class DifferenceAnswer(Schema):
    """Who would gain and lose which hours, and which gaps would open and close."""

    window = fields.Nested(WindowAnswer)
    gains = fields.List(fields.Nested(HeldAnswer))
    loses = fields.List(fields.Nested(HeldAnswer))
    gaps_opened = fields.List(fields.Nested(GapAnswer))
    gaps_closed = fields.List(fields.Nested(GapAnswer))
    hours = fields.Dict(
        keys=fields.String(), values=fields.Float(), metadata={"description": "By account user: gained less lost."}
    )


class TrialAnswer(Schema):
    """What a change would come to; nothing is written."""

    dry_run = fields.Boolean(metadata={"example": True})
    difference = fields.Nested(DifferenceAnswer)
    result = fields.Nested(EventAnswer, allow_none=True, metadata={"description": "As it would be; null: it is gone."})


def hours_of(milliseconds: int) -> float:
    """A length of time in hours."""
    return round(milliseconds / _HOUR, _DIGITS)


def show_span(start: Instant, end: Instant, clock: tzinfo = UTC) -> dict[str, Any]:
    """A stretch of time as JSON."""
    return {"start_time": show(start, clock), "end_time": show(end, clock), "hours": hours_of(end - start)}


def show_trial(different: Difference, result: KeptEvent | None) -> dict[str, Any]:
    """What a change would come to, as JSON."""
    return {
        "dry_run": True,
        "difference": {
            "window": {"start": show(different.start), "end": show(different.end)},
            "gains": _show_held(different.gains),
            "loses": _show_held(different.loses),
            "gaps_opened": _show_gaps(different.gaps_opened),
            "gaps_closed": _show_gaps(different.gaps_closed),
            "hours": _show_hours(different.net_ms),
        },
        "result": None if result is None else show_event(result),
    }


def _show_held(held: Iterable[Held]) -> list[dict[str, Any]]:
    return [
        {"account_user_id": each.account_user_id, "layer": each.layer, **show_span(each.start, each.end)}
        for each in held
    ]


def _show_gaps(gaps: Iterable[Gap]) -> list[dict[str, Any]]:
    return [{"layer": each.layer, **show_span(each.start, each.end)} for each in gaps]


def _show_hours(net: Mapping[str, int]) -> dict[str, float]:
    return {person: hours_of(milliseconds) for person, milliseconds in net.items()}
