"""What several lists are asked alike: how much of it, and from when to when."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.reading import Strict


def page_limit() -> ours.Whole:
    """How much of the list is to be returned."""
    return ours.Whole(
        least=1,
        most=limits.PAGE_MOST,
        written=True,
        load_default=limits.PAGE_DEFAULT,
        metadata={"description": "The most that is to be returned.", "example": 10},
    )


class Ranged(Strict):
    """From `since` on, before `until`: fields that are called from and to."""

    @validates_schema(skip_on_field_errors=False)
    def _ordered(self, valid: dict[str, Any], **_: Any) -> None:
        since, until = valid.get("since"), valid.get("until")
        if since is not None and until is not None and since >= until:
            raise ValidationError("should be before to", "from")
