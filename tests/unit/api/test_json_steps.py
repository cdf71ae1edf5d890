"""A long body is read in steps, and says what it would say at once; what is too long or too many is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api_service import limits
from api_service.schemas.json_steps import Result, Steps, read_long_json
from api_service.schemas.json_text import read_json
from shared.domain.errors import InvalidInput

MOST = 5
LONGEST = limits.BODY_BYTES


def finished(steps: Steps[Result]) -> tuple[Result, int]:
    """What came of it, and after how many steps."""
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, count
        count += 1


def _read(body: bytes) -> Any:
    return finished(read_long_json(body, "events", most=MOST))[0]


def _refusal(body: bytes) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        _read(body)
    return list(refused.value.problems)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["events", "a", "b", ""]), inner),
    max_leaves=8,
)
BODIES = VALUES | st.fixed_dictionaries({"events": st.lists(VALUES, max_size=MOST)}, optional={"a": VALUES})


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A body as somebody writes it, or with a mistake in it."""
    text = json.dumps(draw(BODIES), indent=draw(st.sampled_from([None, 1])), ensure_ascii=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        piece = draw(st.sampled_from([*'{}[]",:\\ \n1e-', "\\u0000", "\\ud800", "NaN", '"events":[]', "é"]))
        text = text[:place] + piece + text[place + draw(st.integers(0, 1)) :]
    return text


@given(texts())
@example('{"events":[],"events":[]}')
@example('{"events":[1,]}')
@example('{"events":[1 2]}')
@example('{"events":[],}')
@example('{"events" []}')
@example('{"events":}')
@example('{"events":[')
@example("{")
@example("[] []")
@example("")
def test_in_steps_it_says_what_it_says_at_once(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    try:
        expected: Any = read_json(body)
    except InvalidInput as error:
        expected = error.problems
    try:
        said: Any = _read(body)
    except InvalidInput as error:
        said = error.problems

    if isinstance(expected, tuple) and isinstance(said, tuple) and said != expected:
        # With two mistakes in it, the one that is told may be another.
        assert "NUL" in said[0] or "more than once" in said[0] + expected[0]
    else:
        assert said == expected or "should have at most 5 items" in said[0]


def test_each_item_is_a_step() -> None:
    body = json.dumps({"events": [{"a": n} for n in range(MOST)]}).encode()

    assert finished(read_long_json(body, "events", most=MOST)) == ({"events": [{"a": n} for n in range(MOST)]}, MOST)


def test_one_item_too_many_is_refused_before_it_is_read() -> None:
    assert _refusal(b'{"events": [1, 2, 3, 4, 5, no JSON') == ["events should have at most 5 items"]


@pytest.mark.parametrize("pad", [b" " * LONGEST * 2, b"\n" * 5], ids=["far", "near"])
@pytest.mark.parametrize(
    "item",
    [b'"%s"' % (b"x" * (LONGEST - 1)), b"[%s]" % (b"1," * (LONGEST // 2) + b"1"), b"[" + b'{"a":1},' * LONGEST],
    ids=["text", "array", "more than a window"],
)
def test_an_item_that_is_too_long_is_named(item: bytes, pad: bytes) -> None:
    assert _refusal(b'{"events":[{"a":1},' + pad + item + b"]}") == ["events[1] should have at most 65536 bytes"]


def test_bytes_are_counted_not_characters() -> None:
    fits, not_quite = "é" * (LONGEST // 2 - 1), "é" * (LONGEST // 2)

    assert _read(f'{{"events":["{fits}"]}}'.encode()) == {"events": [fits]}
    assert _refusal(f'{{"events":["{not_quite}"]}}'.encode()) == ["events[0] should have at most 65536 bytes"]


@pytest.mark.parametrize("size", [LONGEST - 2, LONGEST - 3, 1000])
def test_what_fits_is_read_wherever_windows_end(size: int) -> None:
    items = ["x" * size, 12345.5e3, True, "é" * 100, {"a": "\u0001"}]

    assert _read(json.dumps({"events": items}).encode()) == {"events": items}
    assert _read(json.dumps({"a": 1, "events": items, "b": ["x" * (size - 2)]}).encode())["events"] == items


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" + b"1," * LONGEST + b"1]", "the body should have at most 65536 bytes"),
        (b'{"a":"' + b"x" * LONGEST + b'"}', "a should have at most 65536 bytes"),
        (b'{"' + b"x" * LONGEST + b'":1}', "the body should have at most 65536 bytes"),
        (b'{"events":[' + b"[" * 10_000, "the body is nested too deeply"),
        (
            json.dumps({f"n{n}": n for n in range(500)}).encode(),
            "the body should have events, and not more than 100 names",
        ),
    ],
    ids=["an array", "another value", "a name", "deep", "many names"],
)
def test_whatever_is_long_is_bounded(body: bytes, said: str) -> None:
    assert _refusal(body) == [said]


def test_others_have_their_turns_between_other_values_too() -> None:
    body = json.dumps({f"n{n}": ["x"] * 10_000 for n in range(50)}).encode()

    assert finished(read_long_json(body, "events", most=MOST))[1] == 50


def test_a_mistake_far_down_is_placed_as_in_the_whole() -> None:
    long = b'"' + b"x" * (LONGEST - 10) + b'",\n'
    body = b'{"events": [\n' + long * 3 + b'{"a": }]}'

    assert _refusal(body) == ["the body should be valid JSON: Expecting value at line 5, column 7"]
