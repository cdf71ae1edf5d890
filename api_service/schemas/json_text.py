"""JSON as people send it, read strictly: what another reader might understand differently is refused, not guessed."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import msgspec

from api_service import limits
from shared.domain.errors import InvalidInput


def read_json(body: bytes, *, name: str = "the body") -> Any:
    """The value that these bytes say; raises InvalidInput, with `name` for what they are."""
    with told(name):
        value = decoder.decode(text_of(body, name))

    # Unescaped, neither can be in valid UTF-8 JSON; so the walk is needed only where something is escaped.
    if b"\\u" in body:
        refuse_unstorable(value, name)
    return value


@contextmanager
def told(name: str) -> Iterator[None]:
    """Tell whoever sent it what is wrong with the JSON that is read here."""
    try:
        yield
    except _Refused as refused:
        raise InvalidInput([f"{name} {refused}"]) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidInput([f"{name} should be valid JSON: {error.msg} at {place}"]) from None
    except RecursionError:
        raise InvalidInput([f"{name} is nested too deeply"]) from None


def write_json(value: Any) -> str:
    """The value as compact JSON text."""
    try:
        return msgspec.json.encode(value).decode()  # a tenth of json's time
    except (TypeError, UnicodeEncodeError):  # half of a surrogate pair, in an error's text
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def unstorable(text: str) -> bool:
    """Does the text hold what is no text: a NUL, or half of a surrogate pair?"""
    return _UNSTORABLE.search(text) is not None


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class _Refused(Exception):
    """The JSON is well formed and we still refuse it."""


def text_of(body: bytes, name: str) -> str:
    """The text that these bytes are; raises InvalidInput."""
    if not body.strip():
        raise InvalidInput([f"{name} is empty; send a JSON object"])
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput([f"{name} should be UTF-8: byte {error.start} is not"]) from None


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, of which each names another key."""
    value = dict(pairs)
    if len(value) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in value if times[name] > 1)
        raise _Refused(f"has the key {twice[:64]!r} more than once in one object; name it once")
    return value


def _whole(digits: str) -> int:
    if len(digits) > limits.NUMBER_DIGITS:
        raise _Refused(f"has a number of more than {limits.NUMBER_DIGITS} digits; send it as a string")
    return int(digits)


def _fraction(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Refused(f"has a number out of range: {text[:32]}; send it as a string")
    return number


def _constant(text: str) -> NoReturn:
    raise _Refused(f"should be valid JSON: {text} is not a JSON number")


def refuse_unstorable(value: Any, name: str) -> None:
    """Raise InvalidInput where a text in the value is none."""
    if any(unstorable(text) for text in _strings(value)):
        raise InvalidInput([f"{name} has a NUL (\\u0000) or half of a surrogate pair in a string; leave it out"])


def _strings(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case dict() as mapping:
                yield from mapping
                left.extend(mapping.values())
            case list() as items:
                left.extend(items)
            case _:
                pass


decoder = json.JSONDecoder(
    object_pairs_hook=unambiguous, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
)
