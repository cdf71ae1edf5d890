"""Times of /api/v4: an offset is believed, without one a clock on a wall is read, and out they go on that clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api_service.schemas.oncall.moments import read_instant, read_wall, show
from shared.timing.instants import iso
from shared.timing.zones import zone

NEW_YORK, PHOENIX, LONDON = zone("America/New_York"), zone("America/Phoenix"), zone("Europe/London")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2022-11-01T00:00:00.000-07:00", "2022-11-01T07:00:00.000Z"),
        ("2022-11-01T00:00:00.000+02:00", "2022-10-31T22:00:00.000Z"),
        ("2022-11-01T00:00:00.000 02:00", "2022-10-31T22:00:00.000Z"),
        ("2022-11-01 00:00:00 02:00", "2022-10-31T22:00:00.000Z"),
        ("2022-11-01T00:00:00Z", "2022-11-01T00:00:00.000Z"),
        ("2022-11-01 08:00", "2022-11-01T12:00:00.000Z"),
        ("2022-11-01T08:00", "2022-11-01T12:00:00.000Z"),
        ("2022-11-01T08:00:00.250", "2022-11-01T12:00:00.250Z"),
        ("2022-11-01", "2022-11-01T04:00:00.000Z"),
        ("2022-11-06 01:30", "2022-11-06T05:30:00.000Z"),  # twice; the first is meant
        ("2022-03-13 02:30", "2022-03-13T07:30:00.000Z"),  # skipped; 03:30 is shown
    ],
)
def test_an_instant_is_read(text: str, meant: str) -> None:
    assert iso(read_instant(text, NEW_YORK)) == meant


def test_without_a_clock_it_is_utc() -> None:
    assert iso(read_instant("2022-11-01 08:00")) == "2022-11-01T08:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "shown", "fold"),
    [
        ("2022-11-01 08:00", "2022-11-01T08:00:00", 0),
        ("2022-11-01T08:00:00-07:00", "2022-11-01T11:00:00", 0),
        ("2022-11-06T05:30:00Z", "2022-11-06T01:30:00", 0),
        ("2022-11-06T06:30:00Z", "2022-11-06T01:30:00", 1),
        ("2022-11-06 01:30", "2022-11-06T01:30:00", 0),
        ("2022-03-13 02:30", "2022-03-13T02:30:00", 0),
        ("2022-03-13T07:30:00Z", "2022-03-13T03:30:00", 0),
    ],
)
def test_a_wall_is_read(text: str, shown: str, fold: int) -> None:
    read = read_wall(text, NEW_YORK)

    assert (read, read.tzinfo, read.fold) == (datetime.fromisoformat(shown), None, fold)


def test_a_wall_of_utc_is_read_too() -> None:
    assert read_wall("2022-11-01T08:00Z", UTC) == read_wall("2022-11-01 08:00", UTC) == datetime(2022, 11, 1, 8)  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2022-13-01 08:00",
        "2022-02-30",
        "2022-11-01 25:00",
        "1969-12-31",
        "3000-01-01",
        "1",
        "2022-11",
        "x" * 99,
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    for read in (read_instant, read_wall):
        with pytest.raises(ValueError, match=r"^(should|is not)"):
            read(text, NEW_YORK)


def test_a_time_goes_out_on_its_clock() -> None:
    instant = read_instant("2022-11-01 00:00", PHOENIX)

    assert show(instant, PHOENIX) == "2022-11-01T00:00:00.000-07:00"
    assert show(instant) == show(instant, zone("Etc/UTC")) == show(instant, zone("UTC")) == "2022-11-01T07:00:00.000Z"
    assert show(instant, LONDON) == "2022-11-01T07:00:00.000+00:00"
