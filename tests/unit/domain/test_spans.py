"""Sets of moments behave as sets: the same is asked of plain sets of whole numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.spans import Span, both, length, minus, union

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


def moments(spans: list[Span]) -> set[int]:
    return {moment for start, end in spans for moment in range(start, end)}


def is_in_order(spans: list[Span]) -> bool:
    return all(start < end for start, end in spans) and all(one[1] < next_one[0] for one, next_one in pairwise(spans))


@given(SPANS, SPANS)
def test_as_with_sets(some: list[Span], others: list[Span]) -> None:
    these, those = union(some), union(others)

    assert moments(these) == moments(some)
    assert moments(minus(these, those)) == moments(these) - moments(those)
    assert moments(both(these, those)) == moments(these) & moments(those)
    assert length(these) == len(moments(these))
    assert all(is_in_order(found) for found in (these, minus(these, those), both(these, those)))
