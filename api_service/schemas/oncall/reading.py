"""From the fields of a body to what was meant, or to every problem at once; fields that nobody knows are let go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema

from api_service.schemas.reading import Check, read
from shared.domain.errors import InvalidInput, Unprocessable


class Lenient(Schema):
    """A schema that ignores what it does not know."""

    class Meta:
        """Unknown fields are nothing."""

        unknown = EXCLUDE


def read_fields(schema: Schema, sent: Mapping[str, Any], *checks: Check) -> dict[str, Any]:
    """What was sent, as the schema has it; raises Unprocessable with every problem.

    Each check sees the fields that are in order and names what is wrong between them.
    """
    try:
        return read(schema, sent, *checks)
    except InvalidInput as error:
        raise Unprocessable(error.problems) from None
