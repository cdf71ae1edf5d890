"""A second, independent engine finds the same moments, where its dialect is ours."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.timing import cron
from shared.timing.instants import from_datetime
from shared.timing.zones import zone

cronsim = pytest.importorskip("cronsim", reason="cronsim is only an oracle")


def field(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.lists(st.integers(low, high), min_size=1, max_size=5, unique=True)
    return numbers.map(lambda some: ",".join(map(str, some)))


ANY = st.just("*")
DAYS = st.one_of(
    st.tuples(field(1, 28), ANY),
    st.tuples(ANY, field(0, 6)),
    st.tuples(field(1, 31), field(0, 6)),
    st.tuples(st.just("L"), ANY),
    st.tuples(ANY, st.tuples(st.integers(0, 6), st.integers(1, 4)).map(lambda parts: f"{parts[0]}#{parts[1]}")),
    st.tuples(ANY, st.integers(0, 6).map(lambda day: f"{day}L")),
)


@settings(max_examples=60, deadline=None)
@given(field(0, 59), st.one_of(ANY, field(0, 59)), st.one_of(ANY, field(0, 23)), DAYS, field(1, 12), st.data())
def test_the_same_moments(
    seconds: str, minutes: str, hours: str, days: tuple[str, str], months: str, data: st.DataObject
) -> None:
    expression = f"{seconds} {minutes} {hours} {days[0]} {months} {days[1]}"
    start = datetime.fromtimestamp(data.draw(st.integers(0, 4 * 10**9)), UTC)
    theirs = cronsim.CronSim(expression, start)

    ours = cron.upcoming(cron.parse(expression), zone("UTC"), from_datetime(start), 5)

    assert ours == [from_datetime(next(theirs)) for _ in range(5)]
