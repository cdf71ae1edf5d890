"""JSON that is too long to be read at once while others wait: an object with one long array, read an item at a time.

It says what `read_json` would say of the same body, item by item, and no item may be longer than a body of its own. So
each step is short, and memory is bounded by what was sent, whatever that was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from api_service import limits
from api_service.schemas import json_text
from shared.domain.errors import InvalidInput

Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]  # others may have their turn wherever it yields

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_NAMES: Final = 100  # of the object itself
_MARGIN: Final = 64  # more than a number, an escape or a word that the end of a window may cut in two is looked at for


def read_long_json(body: bytes, key: str, *, most: int) -> Steps[Any]:
    """The value that these bytes say, with at most so many items in the array at this key; raises InvalidInput."""
    with json_text.told("the body"):
        reader = _Reader(json_text.text_of(body, "the body"), key, most, escaped=b"\\u" in body)
        return (yield from reader.whole())


class _Reader:
    """A text, and the window of it that its values are read through."""

    def __init__(self, text: str, key: str, most: int, *, escaped: bool) -> None:
        self._text = text
        self._key = key
        self._most = most
        self._escaped = escaped
        self._begins, self._window = 0, ""

    def whole(self) -> Steps[Any]:
        """What the text says, and nothing is after it."""
        at = self._after_blanks(0)
        value: Any
        if self._text.startswith("{", at):
            value, at = yield from self._object(at + 1)
        else:
            value, at = self._value(at, "the body")
        if (at := self._after_blanks(at)) != len(self._text):
            self._fail("Extra data", at)
        return value

    def _object(self, at: int) -> Steps[tuple[dict[str, Any], int]]:
        pairs: list[tuple[str, Any]] = []
        at = self._after_blanks(at)
        while pairs or not self._text.startswith("}", at):
            if not self._text.startswith('"', at):
                self._fail("Expecting property name enclosed in double quotes", at)
            name, at = self._value(at, "the body")
            if not self._text.startswith(":", at := self._after_blanks(at)):
                self._fail("Expecting ':' delimiter", at)
            at = self._after_blanks(at + 1)
            value: Any
            if name == self._key and self._text.startswith("[", at):
                value, at = yield from self._array(at + 1)
            else:
                value, at = self._value(at, name)
                yield
            pairs.append((name, value))
            if len(pairs) > _NAMES:
                raise InvalidInput([f"the body should have {self._key}, and not more than {_NAMES} names"])
            at = self._after_blanks(at)
            if self._text.startswith("}", at):
                break
            at = self._after_comma(at)
        return json_text.unambiguous(pairs), at + 1

    def _array(self, at: int) -> Steps[tuple[list[Any], int]]:
        items: list[Any] = []
        at = self._after_blanks(at)
        while items or not self._text.startswith("]", at):
            if len(items) == self._most:
                raise InvalidInput([f"{self._key} should have at most {self._most} items"])
            item, at = self._value(at, f"{self._key}[{len(items)}]")
            items.append(item)
            yield
            at = self._after_blanks(at)
            if self._text.startswith("]", at):
                break
            at = self._after_comma(at)
        return items, at + 1

    def _value(self, at: int, name: str) -> tuple[Any, int]:
        """The value that begins here, and where it ends; raises InvalidInput where it is longer than a body may be."""
        if not self._window or at > self._begins + limits.BODY_BYTES:
            self._begins, self._window = at, self._text[at : at + 2 * limits.BODY_BYTES + _MARGIN]
        start, length = at - self._begins, len(self._window)
        is_cut = self._begins + length < len(self._text)
        try:
            value, end = json_text.decoder.raw_decode(self._window, start)
        except json.JSONDecodeError as error:
            if is_cut and (error.pos > length - _MARGIN or error.msg.startswith("Unterminated string")):
                self._refuse_long(name)
            self._fail(error.msg, self._begins + error.pos)
        if 4 * (end - start) > limits.BODY_BYTES < len(self._window[start:end].encode()):
            self._refuse_long(name)
        if self._escaped:
            json_text.refuse_unstorable(value, "the body")
        return value, self._begins + end

    def _after_blanks(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return at if found is None else found.end()

    def _after_comma(self, at: int) -> int:
        if not self._text.startswith(",", at):
            self._fail("Expecting ',' delimiter", at)
        return self._after_blanks(at + 1)

    def _refuse_long(self, name: str) -> NoReturn:
        raise InvalidInput([f"{name[:64]} should have at most {limits.BODY_BYTES} bytes"])

    def _fail(self, said: str, at: int) -> NoReturn:
        raise json.JSONDecodeError(said, self._text, at)
