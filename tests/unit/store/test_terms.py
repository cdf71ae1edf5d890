"""A term stands for one fact: equal facts share it, different facts never do, and it stays what it is for ever."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from api_service.store.terms import canonical_number, context_term, owner_term, tag_term, terms_of

numbers = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)
steps = st.text(max_size=3)


def test_terms_are_stored_and_must_not_change() -> None:
    assert owner_term("user@example.com") == UUID("f5c28690-ca6d-f0b5-b76f-07978d02471e")
    assert tag_term("prod") == UUID("a3635a53-f035-1b7a-7956-bace16572775")
    assert context_term(["user"], "Number", "12345", is_array=False) == UUID("ce273c78-9eb8-9c6c-def5-ec23c2922b2d")
    assert context_term(["a", "b"], "String", "x", is_array=True) == UUID("37520684-6f4e-db55-bbf8-7e9bcc696fd5")


@given(one=numbers, other=numbers)
def test_numbers_share_a_spelling_exactly_when_they_are_equal(one: str, other: str) -> None:
    assert (canonical_number(one) == canonical_number(other)) == (Decimal(one) == Decimal(other))


@given(number=numbers, zeros=st.integers(0, 5))
def test_a_number_may_be_written_with_more_zeros(number: str, zeros: int) -> None:
    shifted = f"{Decimal(number):f}" + ("" if "." in f"{Decimal(number):f}" else ".") + "0" * zeros
    assert canonical_number(shifted) == canonical_number(number) is not None


def test_what_is_no_number_has_no_spelling() -> None:
    for text in ("", "-", ".", "e5", "1e", "NaN", "inf", "Infinity", "1_000", " 1", "1\n", "0x1", "१", "1e" + "9" * 19):
        assert canonical_number(text) is None, text


@given(
    one=st.tuples(st.lists(steps, max_size=3), st.text(max_size=3), st.booleans()),
    other=st.tuples(st.lists(steps, max_size=3), st.text(max_size=3), st.booleans()),
)
def test_different_texts_at_different_places_never_share_a_term(
    one: tuple[list[str], str, bool], other: tuple[list[str], str, bool]
) -> None:
    terms = [context_term(path, "String", value, is_array=is_array) for path, value, is_array in (one, other)]
    assert (terms[0] == terms[1]) == (one == other)


def test_the_same_text_as_owner_tag_and_value_is_three_facts() -> None:
    kinds: list[UUID | None] = [owner_term("1"), tag_term("1")]
    kinds += [context_term(path, kind, "1", is_array=False) for path in ([], ["1"]) for kind in ("Number", "String")]
    assert len(set(kinds)) == len(kinds)


def test_an_event_is_found_by_every_fact_about_it() -> None:
    context = {"n": 1.50, "deep": {"list": ["x", {"y": 2}, True, None]}}
    assert terms_of("o", ["a", "b", "a"], context) == {
        owner_term("o"),
        tag_term("a"),
        tag_term("b"),
        context_term(["n"], "Number", "1.5", is_array=False),
        context_term(["deep", "list", "0"], "String", "x", is_array=False),
        context_term(["deep", "list"], "String", "x", is_array=True),
        context_term(["deep", "list", "1", "y"], "Number", "2", is_array=False),
    }


def test_a_context_may_be_as_deep_as_memory_allows() -> None:
    deep: dict[str, object] = {"end": 1}
    for _ in range(20_000):
        deep = {"d": deep}
    path = ["d"] * 20_000 + ["end"]
    assert terms_of("o", [], deep) == {owner_term("o"), context_term(path, "Number", "1", is_array=False)}
