"""Names of things: a prefix that says what, and letters and digits that nobody can guess."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import names_one, prefix_id, ulid


@given(st.binary(min_size=12, max_size=12))
def test_a_prefix_id_has_fourteen_letters_and_digits(entropy: bytes) -> None:
    name = prefix_id("evt", entropy)

    assert re.fullmatch(r"evt_[0-9A-Za-z]{14}", name)
    assert names_one(name, "evt")
    assert not names_one(name, "usr")


def test_each_bit_makes_another() -> None:
    names = {prefix_id("evt", (1 << bit).to_bytes(12, "big")) for bit in range(83)}

    assert len(names) == 83


@pytest.mark.parametrize(
    "text", ["", "evt_", "evt_0123456789abc", "evt_0123456789abcde", "evt_0123456789ab-d", "evt-0123456789abcd"]
)
def test_what_is_no_name_names_nothing(text: str) -> None:
    assert not names_one(text, "evt")


def test_a_ulid_may_name_anything() -> None:
    assert names_one(ulid(0, bytes(10)), "evt")
    assert not names_one(ulid(0, bytes(10)).lower().replace("0", "u"), "evt")
