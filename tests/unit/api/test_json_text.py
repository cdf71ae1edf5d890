"""JSON, read strictly: what is accepted comes back exactly, and everything else is refused with its reason."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.schemas.json_text import read_json, unambiguous, unstorable, write_json
from shared.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty; send a JSON object"),
        (b" \n", "the body is empty; send a JSON object"),
        (b"{", "the body should be valid JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b"{'a': 1}", "the body should be valid JSON"),
        (b'{"a": 1,}', "the body should be valid JSON"),
        (b'{"a": 01}', "the body should be valid JSON"),
        (b'{"a": 1} x', "the body should be valid JSON"),
        (b'{"a": "\n"}', "the body should be valid JSON"),
        (b'{"a": "\x00"}', "the body should be valid JSON"),
        (b'{"a": NaN}', "the body should be valid JSON: NaN is not a JSON number"),
        (b'{"a": Infinity}', "the body should be valid JSON: Infinity is not a JSON number"),
        (b'{"a": -Infinity}', "the body should be valid JSON: -Infinity is not a JSON number"),
        (b'{"a": 1e400}', "the body has a number out of range: 1e400; send it as a string"),
        (b'{"a": -1e999999999}', "the body has a number out of range"),
        (b'{"a": ' + b"9" * 101 + b"}", "the body has a number of more than 100 digits; send it as a string"),
        (b'{"a": -' + b"9" * 60_000 + b"}", "the body has a number of more than 100 digits"),
        (b'{"a": 1, "b": 2, "a": 3}', "the body has the key 'a' more than once in one object"),
        (b'{"x": [{"a": 1, "a": 1}]}', "the body has the key 'a' more than once in one object"),
        (b'{"a": "\\u0000"}', "the body has a NUL (\\u0000) or half of a surrogate pair"),
        (b'{"a\\u0000": 1}', "the body has a NUL"),
        (b'{"a": [[{"b": "\\ud800"}]]}', "half of a surrogate pair"),
        (b'{"a": "\\udc00\\ud800"}', "half of a surrogate pair"),
        (b'{"a": "\xff"}', "the body should be UTF-8: byte 7 is not"),
        (b'{"a": "\xed\xa0\x80"}', "the body should be UTF-8"),
        (b"[" * 30_000, "the body is nested too deeply"),
        (b'{"a":' * 10_000, "the body is nested too deeply"),
        ('{"a": 1}'.encode("utf-16"), "the body should be UTF-8"),
        (b"\xef\xbb\xbf{}", "the body should be valid JSON"),
    ],
)
def test_what_is_not_plain_json_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_json(body)

    assert len(refused.value.problems) == 1
    assert said in refused.value.problems[0]


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        (b'{"a": 9007199254740993}', {"a": 9007199254740993}),
        (b'{"a": ' + b"9" * 100 + b"}", {"a": int("9" * 100)}),
        (b'{"a": 1.5e3, "b": -0.0, "c": 1e-999}', {"a": 1500.0, "b": -0.0, "c": 0.0}),
        (b'{"a": "\\ud83d\\udd14"}', {"a": "🔔"}),
        (b'{"__proto__": {"a": true}}', {"__proto__": {"a": True}}),
        (b'{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
    ],
)
def test_plain_json_is_read(body: bytes, meant: Any) -> None:
    assert read_json(body) == meant


class Looked(str):
    """A name that counts how often it is compared with another."""

    times = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Looked.times += 1
        return str.__eq__(self, other)


def test_a_name_that_is_there_twice_is_found_in_one_pass() -> None:
    """Pair by pair, 60 KB of names held everybody up for seconds."""
    names = [Looked(number) for number in range(1_000)]
    with pytest.raises(Exception, match=r"the key '999' more than once"):
        unambiguous([(name, None) for name in [*names, Looked(999)]])

    assert Looked.times < 10 * len(names)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(_VALUES)
def test_a_value_survives_both_ways_of_writing_it(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        if "\\u0000" in text or any(map(unstorable, text)):
            continue
        assert read_json(text.encode("utf-8", "surrogatepass")) == value
        assert json.loads(write_json(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(InvalidInput):  # and nothing else
        read_json(body)
