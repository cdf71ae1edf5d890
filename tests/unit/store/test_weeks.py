"""A week begins on Monday at 00:00 UTC and is called what ISO 8601 calls it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.store.partitions import Week
from shared.timing.instants import from_datetime, to_datetime


@pytest.mark.parametrize(
    ("moment", "name", "begins"),
    [
        (datetime(2026, 11, 23, tzinfo=UTC), "2026w48", datetime(2026, 11, 23, tzinfo=UTC)),
        (datetime(2026, 11, 29, 23, 59, 59, 999_000, tzinfo=UTC), "2026w48", datetime(2026, 11, 23, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), "2026w53", datetime(2026, 12, 28, tzinfo=UTC)),
        (datetime(2024, 12, 30, tzinfo=UTC), "2025w01", datetime(2024, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_week_has_the_name_that_the_calendar_gives_it(moment: datetime, name: str, begins: datetime) -> None:
    week = Week.of(from_datetime(moment))

    assert (week.name, to_datetime(week.begins)) == (name, begins)


@given(st.integers(-2_000_000_000_000, 30_000_000_000_000))
def test_every_moment_is_in_the_week_that_is_read_back_from_its_name(moment: int) -> None:
    week = Week.of(moment)

    assert week.begins <= moment < week.ends
    assert Week.named(week.name) == week
    assert Week.of(week.ends).begins == week.ends


@pytest.mark.parametrize("name", ["default", "2026w54", "2026w1", "2026w48_new", ""])
def test_what_names_no_week_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Week.named(name)
