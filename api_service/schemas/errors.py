"""Errors as they are shown: one shape, whoever refuses and why."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from marshmallow import Schema, fields

from shared.timing.instants import Instant, iso


class ErrorAnswer(Schema):
    """What was wrong with a request."""

    status_code = fields.Integer(data_key="statusCode", metadata={"example": 400})
    message = fields.List(
        fields.String(),
        metadata={
            "description": "Every problem at once; each names its field.",
            "example": ["endDate should be in the future"],
        },
    )
    error = fields.String(metadata={"description": "The status code's reason phrase.", "example": "Bad Request"})
    timestamp = fields.String(metadata={"format": "date-time", "example": "2030-09-05T07:00:36.244Z"})


_ANSWER = ErrorAnswer()


def show_error(status: int, message: Sequence[str], now: Instant) -> dict[str, Any]:
    """The error as JSON."""
    shown: dict[str, Any] = _ANSWER.dump({
        "status_code": status,
        "message": list(message),
        "error": HTTPStatus(status).phrase,
        "timestamp": iso(now),
    })
    return shown
