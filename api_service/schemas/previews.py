"""Previews: when would this interval ring?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.reading import Strict, read
from shared.timing.instants import Instant


class PreviewRequest(Strict):
    """An interval to be tried."""

    interval = ours.Interval(
        longest=limits.INTERVAL_LENGTH,
        required=True,
        metadata={"description": "A cron expression.", "example": "0 30 9 * * 1-5"},
    )
    timezone = ours.Timezone(
        longest=limits.TIMEZONE_LENGTH,
        load_default="UTC",
        metadata={"description": "The IANA time zone in which it is meant.", "example": "Europe/Berlin"},
    )
    after = ours.Moment(
        data_key="from",
        metadata={"description": "The instants after this date; now where it is left out."},
    )
    count = ours.Whole(
        least=1,
        most=limits.PREVIEW_MOST,
        load_default=limits.PREVIEW_DEFAULT,
        metadata={"description": "How many instants.", "example": 3},
    )


class PreviewAnswer(Schema):
    """When the interval rings, and in words."""

    instants = fields.List(ours.Moment())
    description = fields.String()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewWanted:
    """The interval to be tried."""

    interval: str
    timezone: str
    after: Instant
    count: int


PREVIEW = PreviewRequest()
_ANSWER = PreviewAnswer()


def read_preview(sent: Any, now: Instant) -> PreviewWanted:
    """The preview that was asked for; raises InvalidInput with every problem."""
    given = read(PREVIEW, sent)
    return PreviewWanted(**({"after": now} | given))


def show_preview(instants: Iterable[Instant], description: str) -> dict[str, Any]:
    """The preview as JSON."""
    shown: dict[str, Any] = _ANSWER.dump({"instants": list(instants), "description": description})
    return shown
