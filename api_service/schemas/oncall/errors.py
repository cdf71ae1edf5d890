"""Errors as /api/v4 shows them: every problem at once, and the status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields


class Problem(Schema):
    """One thing that is wrong."""

    message = fields.String(metadata={"example": "layer can't be blank"})


class Errors(Schema):
    """What was wrong with a request."""

    errors = fields.List(fields.Nested(Problem), metadata={"description": "Every problem; each names its field."})
    code = fields.Integer(metadata={"description": "The status code.", "example": 422})


_ANSWER = Errors()


def show_errors(status: int, messages: Sequence[str]) -> dict[str, Any]:
    """The errors as JSON."""
    shown: dict[str, Any] = _ANSWER.dump({"errors": [{"message": message} for message in messages], "code": status})
    return shown
