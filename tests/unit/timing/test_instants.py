"""Moments keep their millisecond through every change of clothes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.timing.instants import from_datetime, iso, to_datetime
from shared.timing.zones import zone


def test_epoch() -> None:
    assert from_datetime(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert to_datetime(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert iso(0) == "1970-01-01T00:00:00.000Z"


def test_iso_always_has_milliseconds() -> None:
    assert iso(1_795_417_200_000) == "2026-11-23T07:00:00.000Z"
    assert iso(1_795_417_200_007) == "2026-11-23T07:00:00.007Z"


def test_a_part_of_a_millisecond_is_cut_off_downwards() -> None:
    assert from_datetime(datetime(1970, 1, 1, 0, 0, 0, 1999, tzinfo=UTC)) == 1
    assert from_datetime(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_any_zone_names_the_same_instant() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=zone("America/New_York"))

    assert from_datetime(noon) == from_datetime(datetime(2026, 7, 1, 16, tzinfo=UTC))
    assert from_datetime(noon) == from_datetime(noon.astimezone(timezone(timedelta(hours=5, minutes=45))))


def test_both_passes_of_a_repeated_hour_are_told_apart() -> None:
    first = datetime(2026, 11, 1, 1, 30, tzinfo=zone("America/New_York"))

    assert from_datetime(first.replace(fold=1)) - from_datetime(first) == 3_600_000


def test_naive_datetimes_name_no_instant() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001 — the point of the test


@given(st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999))
def test_there_and_back(instant: int) -> None:
    assert from_datetime(to_datetime(instant)) == instant
    assert from_datetime(datetime.fromisoformat(iso(instant))) == instant
