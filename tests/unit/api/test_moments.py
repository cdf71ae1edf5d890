"""Dates on the way in: every ISO 8601 moment that names an instant, and no text that does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.schemas.moments import read_moment
from shared.timing.instants import from_datetime, iso


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2023-09-02T05:11:59.708Z", "2023-09-02T05:11:59.708Z"),
        ("2023-09-02T05:11:59.708z", "2023-09-02T05:11:59.708Z"),
        ("2023-09-02t05:11:59Z", "2023-09-02T05:11:59.000Z"),
        ("2023-09-02 05:11:59Z", "2023-09-02T05:11:59.000Z"),
        ("2023-09-02T05:11:59,5Z", "2023-09-02T05:11:59.500Z"),
        ("2023-09-02T05:11:59.7089999Z", "2023-09-02T05:11:59.708Z"),
        ("2023-09-02T05:11Z", "2023-09-02T05:11:00.000Z"),
        ("2023-09-02T05Z", "2023-09-02T05:00:00.000Z"),
        ("20230902T051159Z", "2023-09-02T05:11:59.000Z"),
        ("20230902T051159.708+0200", "2023-09-02T03:11:59.708Z"),
        ("2023-09-02T05:11:59+02:00", "2023-09-02T03:11:59.000Z"),
        ("2023-09-02T05:11:59-09:30", "2023-09-02T14:41:59.000Z"),
        ("2023-09-02T05:11:59+02", "2023-09-02T03:11:59.000Z"),
        ("2023-09-02T05:11:59-00:00", "2023-09-02T05:11:59.000Z"),
        ("2023-W35-6T05:11:59Z", "2023-09-02T05:11:59.000Z"),
        ("2023W356T051159Z", "2023-09-02T05:11:59.000Z"),
        ("2023-W35T00:00Z", "2023-08-28T00:00:00.000Z"),
        ("2023-245T05:11:59Z", "2023-09-02T05:11:59.000Z"),
        ("2024-366T00:00:00Z", "2024-12-31T00:00:00.000Z"),
        ("2023-09-02T24:00:00Z", "2023-09-03T00:00:00.000Z"),
        ("2023-12-31T24:00Z", "2024-01-01T00:00:00.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_read(text: str, meant: str) -> None:
    assert iso(read_moment(text)) == meant


@pytest.mark.parametrize("text", ["2023-09-02T05:11:59", "2023-09-02T05:11:59.708", "20230902T05"])
def test_a_moment_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needs an offset or Z"):
        read_moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29T00:00Z",
        "2023-13-01T00:00Z",
        "2023-366T00:00Z",
        "2023-000T00:00Z",
        "2023-W54-1T00:00Z",
        "2023-09-02T25:00Z",
        "2023-09-02T23:60Z",
        "2023-09-02T23:59:60Z",
        "2023-09-02T24:01Z",
        "2023-09-02T05:11+24:00",
        "0000-01-01T00:00Z",
        "9999-12-31T24:00Z",
    ],
)
def test_a_moment_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date that exists"):
        read_moment(text)


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00+23:59"])
def test_a_moment_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="should lie in the years 1970 to 9999"):
        read_moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2023-09-02T05:11+02:60",
        "2023-09-02",
        "1693631519708",
        "02.09.2023 05:11Z",
        "2023-9-2T5:11Z",
        "٢٠٢٣-09-02T05:11Z",
        "2023-09-02T05:11:59.Z",
        "2023-09-02T05:11:59Z\n",
        " 2023-09-02T05:11:59Z",
        "2023-09-02T05:11:59 UTC",
        "2023-09-02T05:11:59." + "1" * 10_000 + "Z",
        "-2023-09-02T05:11Z",
        "+12023-09-02T05:11Z",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="should be an ISO 8601 date with time and offset"):
        read_moment(text)


@pytest.mark.parametrize("text", ["2023-09-02T05:11:59.708 02:00", "2023-09-02T05:11 0200", "2023-09-02 05:11 02"])
def test_a_plus_that_a_query_string_took_for_a_blank_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"has a blank for the \+ of its offset; in a query string, write it as %2B"):
        read_moment(text)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001 - hypothesis wants them naive
    st.integers(-1439, 1439),
)
def test_what_python_writes_is_read(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))

    assert read_moment(moment.isoformat()) == from_datetime(moment.astimezone(UTC))
