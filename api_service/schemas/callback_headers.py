"""Which headers may a client add to his callbacks? His own; none that frames the request or that the service sets.

Values are credentials as a rule: a message names the header and never says what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields

from api_service import limits
from api_service.schemas.fields import SAID

_TOKEN: Final = re.compile(rf"[!#$%&'*+\-.^_`|~0-9A-Za-z]{{1,{limits.HEADER_NAME_LENGTH}}}")  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[!-~]+(?:[ \t][!-~]+)*")

_HOP_BY_HOP: Final = "belongs to the connection and not to the request; leave it out"
_OF_THE_BODY: Final = "is set by the service, which knows the body; leave it out"
_OURS: Final = "is set by the service; leave it out"
_RESERVED: Final = {
    "connection": _HOP_BY_HOP,
    "keep-alive": _HOP_BY_HOP,
    "proxy-authenticate": _HOP_BY_HOP,
    "proxy-authorization": _HOP_BY_HOP,
    "proxy-connection": _HOP_BY_HOP,
    "te": _HOP_BY_HOP,
    "trailer": _HOP_BY_HOP,
    "transfer-encoding": _HOP_BY_HOP,
    "upgrade": _HOP_BY_HOP,
    "host": "is taken from callbackUrl; leave it out",
    "content-length": _OF_THE_BODY,
    "content-type": _OF_THE_BODY,
    "content-encoding": _OF_THE_BODY,
    "accept-encoding": _OURS,
    "expect": _OURS,
    "user-agent": _OURS,
    "date": _OURS,
}
_RESERVED_PREFIXES: Final = ("webhook-", "carillon-")


class CallbackHeaders(fields.Dict):
    """An object of header names and their values."""

    default_error_messages = SAID | {"invalid": "should be an object of header names and values"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=fields.String(), values=fields.String(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        if len(value) > limits.HEADERS:
            raise ValidationError(f"should have at most {limits.HEADERS} names")
        if problems := {name: found for name in value if (found := list(_faults(name, value)))}:
            raise ValidationError(problems)
        if sum(map(len, value.values())) > limits.HEADER_VALUES_LENGTH:
            raise ValidationError(f"should have values of at most {limits.HEADER_VALUES_LENGTH} characters together")
        return value


def _faults(name: str, headers: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one header among these."""
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None:
        yield (
            f"is not a header's name: 1 to {limits.HEADER_NAME_LENGTH} characters that are letters, digits or "
            "one of !#$%&'*+-.^_`|~"
        )
    elif lower in _RESERVED:
        yield _RESERVED[lower]
    elif lower.startswith(_RESERVED_PREFIXES):
        yield f"is one of the service's own, like all that begin with {' or '.join(_RESERVED_PREFIXES)}; rename it"
    if any(other != name and other.lower() == lower for other in headers):
        yield "is there twice: upper and lower case are the same; send it once"

    value = headers[name]
    if not isinstance(value, str):
        yield "should have a string as its value"
    elif len(value) > limits.HEADER_VALUE_LENGTH or _VALUE.fullmatch(value) is None:
        yield (
            f"should have a value of 1 to {limits.HEADER_VALUE_LENGTH} visible ASCII characters, with single blanks "
            "between them and none at the ends"
        )
