"""What headers say, as far as it is more than a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from api_service import limits
from shared.domain.errors import InvalidInput

_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{limits.IDEMPOTENCY_KEY_LENGTH}}}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TAG = r'(?:W/)?"[^"\x00-\x20\x7f]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_VERSION = re.compile(r'(?<!W/)"([1-9][0-9]{0,18})"')


def read_idempotency_key(values: Sequence[str]) -> str | None:
    """The key under which a creation is done once; raises InvalidInput where it is none, or several."""
    if not values:
        return None
    if len(values) > 1 or _VISIBLE.fullmatch(values[0]) is None:
        raise InvalidInput([
            f"Idempotency-Key should be one header of 1 to {limits.IDEMPOTENCY_KEY_LENGTH} visible ASCII characters"
        ])
    return values[0]


def read_request_id(values: Sequence[str]) -> str | None:
    """What a client calls its request; None where it does not, or with what might be anything."""
    return values[0] if len(values) == 1 and _REQUEST_ID.fullmatch(values[0]) else None


def etag(version: int) -> str:
    """An event's version as HTTP says it."""
    return f'"{version}"'


def read_if_match(values: Sequence[str]) -> frozenset[int] | None:
    """The versions that If-Match lets pass; None where any will do. Raises InvalidInput.

    A tag that no event can have, a weak one for instance, is no mistake: it matches nothing.
    """
    said = ",".join(values)
    if not values or said.strip(" \t") == "*":
        return None
    if _TAGS.fullmatch(said) is None:
        raise InvalidInput(['If-Match should be * or a list of tags as ETag shows them, e.g. "42"'])
    return frozenset(int(found) for found in _VERSION.findall(said))
