"""API keys as they are rotated and shown: by name, and the key itself once."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.reading import Strict, read


class Rotation(Strict):
    """What a client says to get a new key."""

    overlap_seconds = ours.Whole(
        least=0,
        most=limits.KEY_OVERLAP_SECONDS,
        load_default=limits.KEY_OVERLAP_DEFAULT,
        data_key="overlapSeconds",
        metadata={"description": "How long all other keys go on at the most; 0 ends them at once."},
    )


class ApiKeyAnswer(Schema):
    """A key by its name."""

    key_id = fields.String(
        data_key="keyId", metadata={"description": "What the key is called.", "example": "01JD8M2Z9T5R0C4V7K3N6P1QXB"}
    )
    created_date = ours.Moment(data_key="createdDate")
    expires_date = ours.Moment(
        data_key="expiresDate",
        allow_none=True,
        metadata={"description": "From then on it opens nothing; null where it goes on until it is replaced."},
    )
    is_current = fields.Boolean(
        data_key="isCurrent", metadata={"description": "Whether this request was sent with it."}
    )


class NewApiKeyAnswer(ApiKeyAnswer):
    """A new key, which is shown this once."""

    api_key = fields.String(
        data_key="apiKey",
        metadata={"description": "Send it as X-API-Key from now on. It is not shown again."},
    )


ROTATION = Rotation()
_ANSWER = ApiKeyAnswer()
_NEW_ANSWER = NewApiKeyAnswer()


def read_rotation(sent: Any) -> int:
    """For how many seconds the other keys go on; raises InvalidInput."""
    seconds: int = read(ROTATION, sent)["overlap_seconds"]
    return seconds


def show_key(key: Any, *, current: str) -> dict[str, Any]:
    """The key as JSON; `current` is the name of the one that asks."""
    shown: dict[str, Any] = _ANSWER.dump(_facts(key, current))
    return shown


def show_new_key(key: Any, api_key: str, *, current: str) -> dict[str, Any]:
    """The new key as JSON, and what it is."""
    shown: dict[str, Any] = _NEW_ANSWER.dump(_facts(key, current) | {"api_key": api_key})
    return shown


def _facts(key: Any, current: str) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "created_date": key.created_date,
        "expires_date": key.expires_date,
        "is_current": key.key_id == current,
    }
