"""What a replay of many says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields


class ReplayAnswer(Schema):
    """How many there were, how many of them are attempted again, and how many are left for another call."""

    matched = fields.Integer(metadata={"description": "How many have failed in that range.", "example": 1200})
    replayed = fields.Integer(metadata={"description": "The oldest so many are PENDING now.", "example": 1000})
    remaining = fields.Integer(metadata={"description": "How many are left; ask again for them.", "example": 200})


_ANSWER = ReplayAnswer()


def show_replay(replayed: Any) -> Mapping[str, Any]:
    """The numbers as JSON."""
    shown: dict[str, Any] = _ANSWER.dump(replayed)
    return shown
