"""What is kept of an answer: a few headers and the beginning of the body, without the secrets that we sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

KEPT: Final = frozenset({
    "content-type",
    "content-length",
    "date",
    "location",
    "retry-after",
    "server",
    "x-request-id",
    "request-id",
    "traceparent",
})
VALUE_LENGTH: Final = 256
SECRET_LENGTH: Final = 8  # what is shorter is found in texts that do not mean it
_MASK: Final = b"***"
_OURS: Final = ("webhook-", "carillon-")
_USERINFO: Final = re.compile(r"(?<=//)[^/@]*@")
_PUBLIC: Final = frozenset({"content-type", "user-agent"})


def secrets_of(headers: Mapping[str, str]) -> tuple[bytes, ...]:
    """The values that only the receiver should know, longest first; of `Bearer x` also the x."""
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


def kept_headers(headers: Iterable[tuple[str, str]], secrets: Iterable[bytes]) -> tuple[tuple[str, str], ...]:
    """The headers worth keeping, each once, in lower case and cut to a length."""
    kept: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in KEPT and lower not in kept:
            if lower == "location":  # user, query and fragment are between the receiver and its visitors
                value = _USERINFO.sub("", value.partition("?")[0].partition("#")[0])  # noqa: PLW2901
            # What was not UTF-8 came as lone surrogates, which nothing after us can write.
            text = masked(value.encode("utf-8", "surrogateescape"), secrets).decode("utf-8", "replace")
            kept[lower] = text[:VALUE_LENGTH]
    return tuple(kept.items())


def _begun(text: bytes, secret: bytes) -> int:
    """How much of the secret's beginning the text ends with."""
    longest = min(len(secret) - 1, len(text))
    return next((length for length in range(longest, 3, -1) if text.endswith(secret[:length])), 0)
