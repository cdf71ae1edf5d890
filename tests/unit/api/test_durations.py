"""A duration is read as ISO 8601 has it, and shown as briefly as it can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.schemas.oncall.durations import read_duration, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT30M", 1_800), ("P1D", 86_400), ("P1W", 604_800), ("P1DT2H3M4S", 93_784), ("PT90M", 5_400), ("PT0S", 0)],
)
def test_it_is_read(text: str, seconds: int) -> None:
    assert read_duration(text) == seconds * 1_000


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1D", "P1M", "P1Y", "PT1.5H", "P-1D", "PT5M3H", "pt5m", "P٣D"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        read_duration(text)


@given(st.integers(0, 40 * 86_400))
def test_what_is_shown_is_read_as_the_same(seconds: int) -> None:
    assert read_duration(show_duration(seconds * 1_000)) == seconds * 1_000
