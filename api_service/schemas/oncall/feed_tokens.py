"""Tokens of calendar feeds as they are shown: what each opens is in an address that is told once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from api_service.schemas import fields as strict


class FeedTokenAnswer(Schema):
    """A token by its id."""

    feed_token_id = fields.String(
        data_key="id", metadata={"description": "What to revoke it by.", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXE"}
    )
    created_at = strict.Moment()


class NewFeedTokenAnswer(FeedTokenAnswer):
    """A new token, whose address is shown this once."""

    url = fields.String(
        metadata={
            "description": "What a calendar program subscribes to. Whoever knows it reads the feed.",
            "example": "https://example.com/api/v4/schedules/01JD8M2Z9T5R0C4V7K3N6P1QXD.ics?token=cf_…",
        }
    )


class FeedTokensAnswer(Schema):
    """All tokens of a feed."""

    data = fields.List(fields.Nested(FeedTokenAnswer))
    has_more = fields.Boolean(metadata={"description": "Whether there are more: never."})
    total_count = fields.Integer(metadata={"description": "How many there are."})


_ANSWER = FeedTokenAnswer()


def show_feed_token(token: Any) -> dict[str, Any]:
    """The token as JSON."""
    shown: dict[str, Any] = _ANSWER.dump(token)
    return shown


def show_new_feed_token(token: Any, url: str) -> Mapping[str, Any]:
    """The new token as JSON, with the address that it opens."""
    return show_feed_token(token) | {"url": url}
