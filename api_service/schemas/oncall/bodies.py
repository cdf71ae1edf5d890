"""What a body says, be it JSON or a form: names and values. What a form cannot say, its kinds of fields understand."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from api_service.schemas.json_text import read_json
from api_service.schemas.query_string import parse
from shared.domain.errors import InvalidInput

FORM = "application/x-www-form-urlencoded"

_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)
_EMPTY = "the body is empty; send a JSON object or a form"


def read_sent(body: bytes, kind: str) -> dict[str, Any]:
    """The names and values of a body of this media type; raises InvalidInput."""
    if not body.strip():
        raise InvalidInput([_EMPTY])
    if kind == FORM:
        return _form(body)
    sent = read_json(body)
    if not isinstance(sent, dict):
        raise InvalidInput(["the body should be a JSON object"])
    return sent


def with_numbers(sent: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The same, with a number under each of these names where a form could only write its digits."""
    return {name: _number(value) if name in names else value for name, value in sent.items()}


def _number(value: Any) -> Any:
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        return value
    return float(value) if "." in value else int(value)


def _form(body: bytes) -> dict[str, Any]:
    try:
        return parse(body.decode("ascii").strip(), what="the form")
    except UnicodeDecodeError:
        raise InvalidInput(["the form should be percent-encoded UTF-8"]) from None
