"""Is this still what the client has seen? An answer's tag is a hash of its text, and headers name such tags."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypeAlias

from api_service.schemas.json_text import write_json
from shared.domain.errors import InvalidInput, ObjectHasChanged

# The tags that an object may have; None: whichever it has.
Tags: TypeAlias = frozenset[str] | None

_HASH_LENGTH = 22
_TAG = r'(?:W/)?"[^"\x00-\x20\x7f]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_STRONG = re.compile(r'(?<!W/)"[^"]*"')
_ANY = re.compile(r'"[^"]*"')


def etag(body: bytes) -> str:
    """The tag of an answer with this body."""
    return f'"{urlsafe_b64encode(sha256(body).digest())[:_HASH_LENGTH].decode()}"'


def is_known(values: Sequence[str], tag: str) -> bool:
    """Does If-None-Match say that the client has the answer of this tag? What cannot be read names none."""
    said = ",".join(values)
    if said.strip(" \t") == "*":
        return True
    return _TAGS.fullmatch(said) is not None and tag in _ANY.findall(said)


def read_if_match(values: Sequence[str]) -> Tags:
    """The tags that If-Match lets pass; raises InvalidInput. A weak tag is no mistake: it matches nothing."""
    said = ",".join(values)
    if not values or said.strip(" \t") == "*":
        return None
    if _TAGS.fullmatch(said) is None:
        raise InvalidInput(["If-Match should be * or a list of tags as ETag shows them, each in double quotes"])
    return frozenset(_STRONG.findall(said))


def check(expected: Tags, shown: Any) -> None:
    """Raise ObjectHasChanged unless the answer that would show this now has one of the tags."""
    if expected is not None and etag(write_json(shown).encode()) not in expected:
        raise ObjectHasChanged
