"""What becomes of a rule when the clock on the wall is changed, told with the dates it happens on."""

from datetime import UTC, datetime

import pytest

from shared.timing import cron
from shared.timing.instants import from_datetime, to_datetime
from shared.timing.zones import zone


def walls(expression: str, name: str, after: str, count: int) -> list[str]:
    """The next rings as the wall shows them, with the offset; asked in UTC."""
    where = zone(name)
    start = from_datetime(datetime.fromisoformat(after).replace(tzinfo=UTC))
    rings = cron.upcoming(cron.parse(expression), where, start, count)
    return [to_datetime(ring).astimezone(where).strftime("%d %H:%M:%S %z") for ring in rings]


# New York skips 02:00 to 03:00 on 8 March 2026 and repeats 01:00 to 02:00 on 1 November.
SPRING = "2026-03-08T05:30"
AUTUMN = "2026-11-01T04:50"


@pytest.mark.parametrize(
    ("expression", "rings"),
    [
        # Every hour: real time. What is skipped is skipped.
        ("30 * * * *", ["08 01:30:00 -0500", "08 03:30:00 -0400", "08 04:30:00 -0400"]),
        ("30 */1 * * *", ["08 01:30:00 -0500", "08 03:30:00 -0400", "08 04:30:00 -0400"]),
        ("30 0-23 * * *", ["08 01:30:00 -0500", "08 03:30:00 -0400", "08 04:30:00 -0400"]),
        # Chosen hours: a skipped time moves on by the hour that was skipped.
        ("30 2 * * *", ["08 03:30:00 -0400", "09 02:30:00 -0400"]),
        ("0 2 * * *", ["08 03:00:00 -0400", "09 02:00:00 -0400"]),
        ("7 30 2 * * *", ["08 03:30:07 -0400", "09 02:30:07 -0400"]),
        # Where it meets a time that is there anyway, they ring once.
        ("30 2,3 * * *", ["08 03:30:00 -0400", "09 02:30:00 -0400", "09 03:30:00 -0400"]),
        ("0,30 2 * * *", ["08 03:00:00 -0400", "08 03:30:00 -0400", "09 02:00:00 -0400"]),
        # Moved times and times of their own come in order.
        ("15 2 8 3 *", ["08 03:15:00 -0400"]),
        ("0 10,50 2,3 * * *", ["08 03:10:00 -0400", "08 03:50:00 -0400", "09 02:10:00 -0400"]),
    ],
)
def test_an_hour_is_skipped(expression: str, rings: list[str]) -> None:
    assert walls(expression, "America/New_York", SPRING, len(rings)) == rings


@pytest.mark.parametrize(
    ("expression", "rings"),
    [
        # Every hour: real time. Both passes ring.
        ("30 * * * *", ["01 01:30:00 -0400", "01 01:30:00 -0500", "01 02:30:00 -0500"]),
        # Chosen hours: the first pass only.
        ("30 1 * * *", ["01 01:30:00 -0400", "02 01:30:00 -0500"]),
        ("30 0-22 * * *", ["01 01:30:00 -0400", "01 02:30:00 -0500"]),
        ("*/30 1,2 * * *", ["01 01:00:00 -0400", "01 01:30:00 -0400", "01 02:00:00 -0500", "01 02:30:00 -0500"]),
    ],
)
def test_an_hour_is_repeated(expression: str, rings: list[str]) -> None:
    assert walls(expression, "America/New_York", AUTUMN, len(rings)) == rings


def test_asked_from_inside_the_second_pass_it_rings_in_it() -> None:
    # 06:20 UTC is 01:20 on the wall for the second time.
    assert walls("30 1 * * *", "America/New_York", "2026-11-01T06:20", 2) == ["01 01:30:00 -0500", "02 01:30:00 -0500"]
    # From the last second of the first pass, as a timer asks after its last ring, it does not.
    assert walls("30 1 * * *", "America/New_York", "2026-11-01T05:59:59", 1) == ["02 01:30:00 -0500"]


def test_asking_from_inside_the_second_pass_leaves_others_alone() -> None:
    rule, where = cron.parse("30 1 * * *"), zone("America/New_York")
    first, inside = (
        from_datetime(datetime.fromisoformat(text)) for text in ("2026-11-01T05:30:00Z", "2026-11-01T06:20:00Z")
    )
    tomorrow = from_datetime(datetime.fromisoformat("2026-11-02T06:30:00Z"))

    for _ in range(2):
        assert cron.next_after(rule, where, first) == tomorrow
        assert cron.next_after(rule, where, inside) == inside + 600_000
    # Catching up from the last scheduled ring never invents the second pass.
    assert cron.latest_through(rule, where, first, inside + 1_200_000) is None
    assert cron.count_between(rule, where, first, tomorrow) == 1


@pytest.mark.parametrize(
    ("name", "after", "expression", "rings"),
    [
        # Half an hour: 02:00 becomes 02:30 in October, and 02:00 becomes 01:30 in April.
        ("Australia/Lord_Howe", "2026-10-03T14:00", "30 1,2 * * *", ["04 01:30:00 +1030", "04 02:30:00 +1100"]),
        ("Australia/Lord_Howe", "2026-10-03T14:00", "0 2 * * *", ["04 02:30:00 +1100", "05 02:00:00 +1100"]),
        ("Australia/Lord_Howe", "2026-04-04T13:30", "0 1 * * *", ["05 01:00:00 +1100", "06 01:00:00 +1030"]),
        ("Australia/Lord_Howe", "2026-04-04T13:30", "45 1 * * *", ["05 01:45:00 +1100", "06 01:45:00 +1030"]),
        (
            "Australia/Lord_Howe",
            "2026-04-04T13:30",
            "45 * * * *",
            ["05 00:45:00 +1100", "05 01:45:00 +1100", "05 01:45:00 +1030", "05 02:45:00 +1030"],
        ),
        # Two hours at once, at 01:00 UTC: each skipped time moves by two.
        ("Antarctica/Troll", "2026-03-28T23:00", "15 1,2 * * *", ["29 03:15:00 +0200", "29 04:15:00 +0200"]),
        ("Antarctica/Troll", "2026-10-24T22:30", "15 1 * * *", ["25 01:15:00 +0200", "26 01:15:00 +0000"]),
        # Midnight itself is repeated, or skipped.
        ("America/Havana", "2024-11-03T03:30", "0 0 * * 7", ["03 00:00:00 -0400", "10 00:00:00 -0500"]),
        (
            "America/Havana",
            "2024-11-03T03:30",
            "30 * * * 7",
            ["03 00:30:00 -0400", "03 00:30:00 -0500", "03 01:30:00 -0500"],
        ),
        ("America/Havana", "2026-03-08T04:00", "0 0 * * *", ["08 01:00:00 -0400", "09 00:00:00 -0400"]),
        ("Asia/Beirut", "2026-03-28T21:00", "0 0 * * *", ["29 01:00:00 +0300", "30 00:00:00 +0300"]),
        ("Asia/Beirut", "2026-10-24T20:00", "30 23 * * *", ["24 23:30:00 +0300", "25 23:30:00 +0200"]),
        ("America/Santiago", "2026-09-06T03:00", "30 0 6 9 *", ["06 01:30:00 -0300"]),
        ("Africa/Cairo", "2026-04-23T21:00", "0 0 * * *", ["24 01:00:00 +0300", "25 00:00:00 +0300"]),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", "2011-12-29T19:30", "0 9 * * *", ["31 09:00:00 +1400", "01 09:00:00 +1400"]),
        ("Pacific/Apia", "2011-12-29T19:30", "0 9 30 12 *", ["31 09:00:00 +1400"]),
        ("Pacific/Apia", "2011-12-30T09:30", "0 * * * *", ["31 00:00:00 +1400"]),
        # London, as everybody knows it.
        ("Europe/London", "2026-03-29T00:10", "30 1 * * *", ["29 02:30:00 +0100", "30 01:30:00 +0100"]),
        ("Europe/London", "2026-10-25T00:10", "30 1 * * *", ["25 01:30:00 +0100", "26 01:30:00 +0000"]),
    ],
)
def test_clocks_that_are_changed_otherwise(name: str, after: str, expression: str, rings: list[str]) -> None:
    assert walls(expression, name, after, len(rings)) == rings


@pytest.mark.parametrize(
    ("expression", "after", "year"),
    [
        ("0 0 * 2 1#5", "2000-01-01", 2016),
        # The longest silences there are: over a year 2100 that is no leap year.
        ("0 0 29 2 *", "2096-03-01", 2104),
        ("0 0 * 2 1#5", "2072-03-01", 2112),
    ],
)
def test_long_silences(expression: str, after: str, year: int) -> None:
    assert walls(expression, "UTC", after, 1) == ["29 00:00:00 +0000"]
    start = from_datetime(datetime.fromisoformat(after).replace(tzinfo=UTC))
    following = cron.next_after(cron.parse(expression), zone("UTC"), start)
    assert following is not None
    assert to_datetime(following).year == year


@pytest.mark.parametrize("expression", ["* * * * * *", "0 0 29 2 *", "0 0 31 12 *", "0 9 * * 5#5", "0 0 L 2 1"])
@pytest.mark.parametrize("name", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"])
def test_the_calendar_ends(expression: str, name: str) -> None:
    rule, where = cron.parse(expression), zone(name)
    end = from_datetime(datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))

    assert cron.next_after(rule, where, end) is None
    assert cron.upcoming(rule, where, end - 1, 5) == []
    assert cron.next_after(rule, where, end * 10) is None
    assert cron.latest_through(rule, where, end - 86_400_000 * 2000, end) is not None


def test_long_before_the_epoch() -> None:
    rule, where = cron.parse("0 9 * * *"), zone("Europe/London")
    start = from_datetime(datetime(1066, 10, 14, tzinfo=UTC))

    # London kept local mean time then, a minute and a quarter behind Greenwich.
    assert cron.next_after(rule, where, start) == start + (9 * 3600 + 75) * 1000
    assert cron.count_between(rule, where, start, start + 10 * 86_400_000) == 10


@pytest.mark.parametrize("part", [0, 1, 500, 999])
def test_rings_are_whole_seconds_strictly_after(part: int) -> None:
    every_second = cron.parse("* * * * * *")

    assert cron.next_after(every_second, zone("UTC"), 5_000 + part) == 6_000


def test_an_empty_span_holds_nothing() -> None:
    rule, where = cron.parse("* * * * * *"), zone("Europe/London")

    assert cron.latest_through(rule, where, 5_000, 5_000) is None
    assert cron.latest_through(rule, where, 9_000, 5_000) is None
    assert cron.count_between(rule, where, 5_000, 5_000) == 0
    assert cron.count_between(rule, where, 9_000, 5_000) == 0
    assert cron.upcoming(rule, where, 5_000, 0) == []
