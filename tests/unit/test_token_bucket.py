"""So many times a second, and so many at once after a rest; and nobody is remembered longer than it matters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.token_bucket import Buckets


def test_a_burst_passes_and_then_the_rate() -> None:
    buckets = Buckets(rate=10, burst=5)

    assert [buckets.take(1, 100.0) for _ in range(5)] == [0.0] * 5
    assert round(buckets.take(1, 100.0), 6) == 0.1
    assert round(buckets.take(1, 100.05), 6) == 0.05  # a refusal costs nothing
    assert [buckets.take(1, 100.1), round(buckets.take(1, 100.1), 6)] == [0.0, 0.1]


def test_after_a_rest_the_bucket_is_full_and_not_fuller() -> None:
    buckets = Buckets(rate=10, burst=5)
    for _ in range(5):
        buckets.take(1, 0.0)

    assert [buckets.take(1, 1_000.0) > 0 for _ in range(6)] == [False] * 5 + [True]


def test_everybody_has_a_bucket_of_their_own() -> None:
    buckets = Buckets(rate=1, burst=1)

    assert [buckets.take(who, 0.0) for who in (1, 2, 3)] == [0.0] * 3
    assert all(buckets.take(who, 0.0) > 0 for who in (1, 2, 3))


def test_who_has_rested_is_forgotten() -> None:
    buckets = Buckets(rate=100, burst=100)  # full again after a second
    for who in range(10_000):
        buckets.take(who, who / 100)

    assert len(buckets) <= 102
    for moment in range(100):
        buckets.take(-1, 1_000.0 + moment)
    assert len(buckets) == 1


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=200), st.integers(1, 20), st.integers(1, 20))
def test_in_no_stretch_of_time_more_pass_than_burst_and_rate_allow(pauses: list[float], rate: int, burst: int) -> None:
    buckets, now = Buckets(rate=rate, burst=burst), 50.0
    passed: list[float] = []
    for pause in pauses:
        now += pause / rate
        wait = buckets.take(7, now)
        if wait == 0:
            passed.append(now)
        else:
            assert wait <= 1 / rate + 1e-6
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + rate * (passed[last] - passed[first]) + 1e-6
