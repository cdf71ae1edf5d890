"""What is kept of an answer: a few headers and the beginning of the body, without the secrets that we sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]

KEPT: Final = frozenset({
    b"content-type",
    b"content-length",
    b"date",
    b"location",
    b"retry-after",
    b"server",
    b"x-request-id",
    b"request-id",
    b"traceparent",
})
VALUE_LENGTH: Final = 256
SECRET_LENGTH: Final = 8  # what is shorter is found in texts that do not mean it
_MASK: Final = b"***"
_OURS: Final = ("webhook-", "carillon-")
_USERINFO: Final = re.compile(rb"(?<=//)[^/@]*@")
_PUBLIC: Final = frozenset({"content-type"})
# What nearly every callback has and nothing else, as it is written: a look at all of them at once.
_USUAL: Final = frozenset({
    "Content-Type",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "carillon-event-id",
    "carillon-nominal-time",
    "carillon-attempt",
    "carillon-epoch",
})


def secrets_of(headers: Mapping[str, str]) -> tuple[bytes, ...]:
    """The values that only the receiver should know, longest first; of `Bearer x` also the x."""
    if headers.keys() <= _USUAL:
        return ()
    values: set[str] = set()
    for name, value in headers.items():
        if name.lower() not in _PUBLIC and not name.lower().startswith(_OURS):
            values |= {value, value.partition(" ")[2]}
    return tuple(sorted((value.encode() for value in values if len(value) >= SECRET_LENGTH), key=len, reverse=True))


def masked(text: bytes, secrets: Iterable[bytes], *, cut: bool = False) -> bytes:
    """The text with every secret as ***; where it was cut, also the beginning of one at its end."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
        if cut and (begun := _begun(text, secret)):
            text = text[:-begun] + _MASK
    return text


def kept_headers(headers: RawHeaders, secrets: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    """The headers worth keeping, each once, in lower case and cut to a length."""
    return _kept_alike(headers) if not secrets else _kept(headers, secrets)


def _kept(headers: RawHeaders, secrets: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    kept: dict[bytes, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in KEPT and lower not in kept:
            if lower == b"location":  # user, query and fragment are between the receiver and its visitors
                value = _USERINFO.sub(b"", value.partition(b"?")[0].partition(b"#")[0])  # noqa: PLW2901
            kept[lower] = masked(value, secrets).decode("utf-8", "replace")[:VALUE_LENGTH]
    return tuple((name.decode(), value) for name, value in kept.items())


# In a second a receiver says the same to all of its callbacks, as a rule: then the second one costs nothing, and all
# that wait for their report share what is kept. Small, since a stranger decides how long its headers are.
@lru_cache(maxsize=64)
def _kept_alike(headers: RawHeaders) -> tuple[tuple[str, str], ...]:
    return _kept(headers, ())


def _begun(text: bytes, secret: bytes) -> int:
    """How much of the secret's beginning the text ends with."""
    longest = min(len(secret) - 1, len(text))
    return next((length for length in range(longest, 3, -1) if text.endswith(secret[:length])), 0)
