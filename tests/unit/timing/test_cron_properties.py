"""Whatever the rule, the zone and the moment: nothing skipped, nothing twice, and no memory in the answer."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.timing import cron
from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.stretches import stretches
from shared.timing.zones import zone
from tests.unit.timing import oracle

HOUR = 3_600_000
DAY = 24 * HOUR
ZONES = [
    "UTC",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "America/Havana",
    "Antarctica/Troll",
    "Asia/Beirut",
    "America/Santiago",
    "Pacific/Apia",
    "Africa/Cairo",
    "America/St_Johns",
    "Asia/Kolkata",
]


def field(low: int, high: int, *usual: str) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(sorted)
    listed = st.lists(number, min_size=1, max_size=4, unique=True).map(lambda some: ",".join(map(str, some)))
    ranged = pair.map(lambda ends: f"{ends[0]}-{ends[1]}")
    stepped = st.tuples(pair, st.integers(1, high)).map(lambda parts: f"{parts[0][0]}-{parts[0][1]}/{parts[1]}")
    return st.one_of(st.sampled_from(usual), listed, ranged, stepped)


SECONDS = st.sampled_from(["0", "0", "0", "30", "0,59", "*/20"])
MINUTES = field(0, 59, "0", "0", "30", "*/15", "5,59", "*/7")
HOURS = field(0, 23, "*", "*", "*", "0", "1", "2", "3", "0-3", "23", "*/2", "1,2")
MONTH_DAYS = field(1, 31, "*", "*", "*", "L", "15,L", "31", "29", "*/2", "28-31")
MONTHS = field(1, 12, "*", "*", "*", "*", "2", "2,4")
WEEKDAYS = st.one_of(
    field(0, 6, "*", "*", "*", "7", "5-7", "1/2", "1L", "0L,3L", "2,5L", "*#2", "?#5"),
    st.tuples(st.integers(0, 7), st.integers(1, 5)).map(lambda parts: f"{parts[0]}#{parts[1]}"),
)


@st.composite
def rules(draw: Any, *, seconds: st.SearchStrategy[str] = SECONDS, hours: st.SearchStrategy[str] = HOURS) -> cron.Rule:
    parts = [seconds, MINUTES, hours, MONTH_DAYS, MONTHS, WEEKDAYS]
    try:
        return cron.parse(" ".join(draw(part) for part in parts))
    except cron.InvalidRule:
        assume(condition=False)
        raise


@st.composite
def places(draw: Any) -> tuple[ZoneInfo, Instant]:
    """A zone and a moment, usually near one of its changes."""
    where = zone(draw(st.sampled_from(ZONES)))
    moment = int(datetime(draw(st.integers(2009, 2033)), 1, 1, tzinfo=UTC).timestamp())
    change = [stretch.begins for stretch, _ in zip(stretches(where, moment), range(4), strict=False)]
    near = draw(st.sampled_from(change)) + draw(st.integers(-40 * 3600, 30 * 3600))
    return where, near * 1000 + draw(st.sampled_from([0, 0, 1, 999]))


def in_second_pass(rule: cron.Rule, where: ZoneInfo, instant: Instant) -> bool:
    """Does this moment have an answer of its own, because the hour is being repeated around it?"""
    return not rule.fields.every_hour and to_datetime(instant).astimezone(where).fold == 1


@settings(max_examples=200, deadline=None)
@given(rules(), places(), st.integers(1, 60 * HOUR))
def test_rings_exactly_when_brute_force_says(rule: cron.Rule, place: tuple[ZoneInfo, Instant], span: int) -> None:
    where, after = place
    expected = oracle.instants(rule.fields, where, after, after + span)

    got = cron.upcoming(rule, where, after, min(len(expected), 60) + 1)

    assert got[: len(expected)] == expected[:61]
    if len(expected) < 60:
        assert len(got) <= len(expected) or got[len(expected)] > after + span


@settings(max_examples=120, deadline=None)
@given(rules(), places(), st.data())
def test_the_answer_does_not_depend_on_where_one_starts(
    rule: cron.Rule, place: tuple[ZoneInfo, Instant], data: st.DataObject
) -> None:
    where, start = place
    instants = cron.upcoming(rule, where, start, 8)
    assume(not in_second_pass(rule, where, start))
    for before, following in zip([start, *instants], instants, strict=False):
        assert before < following
        assert following % 1000 == 0
        between = data.draw(st.integers(before, following - 1))
        if not in_second_pass(rule, where, between):
            assert cron.next_after(rule, where, between) == following


@settings(max_examples=150, deadline=None)
@given(rules(), places(), st.integers(-HOUR, 50 * HOUR))
def test_latest_and_count_agree_with_walking(rule: cron.Rule, place: tuple[ZoneInfo, Instant], span: int) -> None:
    where, after = place
    walked = oracle.instants(rule.fields, where, after, after + span) if span > 0 else []

    assert cron.latest_through(rule, where, after, after + span) == (walked[-1] if walked else None)
    assert cron.count_between(rule, where, after, after + span) == len(walked)


@settings(max_examples=40, deadline=None)
@given(
    rules(seconds=st.just("0"), hours=st.sampled_from(["0", "7", "12,13"])),
    st.sampled_from(ZONES),
    st.integers(1_000_000_000, 2_000_000_000),
)
def test_latest_and_count_agree_with_walking_for_years(rule: cron.Rule, name: str, start: int) -> None:
    where, after = zone(name), start * 1000
    walked = cron.upcoming(rule, where, after, 90)
    through = walked[-1]

    assert cron.latest_through(rule, where, after, through) == through
    assert cron.latest_through(rule, where, after, through - 1) == walked[-2]
    # Counted over the whole and over its two halves.
    whole = cron.count_between(rule, where, after, through)
    assert whole == len(walked)
    assert cron.count_between(rule, where, walked[41], through) == whole - 42


@settings(max_examples=50, deadline=None)
@given(rules(), st.dates(date(1971, 1, 1), date(2150, 1, 1)))
def test_the_days_of_a_rule_are_the_calendars(rule: cron.Rule, start: date) -> None:
    daily = cron.parse(" ".join(["0", "0", "12", *rule.expression.split()[3:]]))
    after = from_datetime(datetime(start.year, start.month, start.day, tzinfo=UTC))
    days = [start + timedelta(days=number) for number in range(300)]
    expected = [day for day in days if oracle.rings_on(daily.fields, day)]

    got = [to_datetime(instant).date() for instant in cron.upcoming(daily, zone("UTC"), after, len(expected) + 1)]

    assert got[:-1] == expected
    assert got[-1] > days[-1]


@settings(max_examples=200, deadline=None)
@given(rules())
def test_the_canonical_text_is_the_rule(rule: cron.Rule) -> None:
    assert cron.parse(rule.expression) == rule
    assert cron.parse(rule.expression).fields == rule.fields
    assert cron.parse(rule.expression).expression == rule.expression


@settings(max_examples=40, deadline=None)
@given(rules(), places(), st.integers(0, 15))
def test_a_preview_is_single_steps(rule: cron.Rule, place: tuple[ZoneInfo, Instant], count: int) -> None:
    where, instant = place
    steps: list[Instant] = []
    for _ in range(count):
        following = cron.next_after(rule, where, steps[-1] if steps else instant)
        assert following is not None
        steps.append(following)

    assert cron.upcoming(rule, where, instant, count) == steps


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789 */,-?LH#()JANMONx@\u00a0", max_size=25))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = cron.parse(text)
    except cron.InvalidRule:
        return

    assert cron.parse(rule.expression) == rule
    assert cron.describe(rule)
    assert cron.next_after(rule, zone("UTC"), 0) is not None


@pytest.mark.parametrize("expression", ["* * * * * *", "0 0 * * *"])
def test_a_year_is_counted_at_once(expression: str) -> None:
    new_year, next_year = (from_datetime(datetime(year, 1, 1, tzinfo=zone("Europe/London"))) for year in (2026, 2027))
    expected = {"* * * * * *": 365 * 86_400, "0 0 * * *": 365}[expression]

    assert cron.count_between(cron.parse(expression), zone("Europe/London"), new_year - 1, next_year - 1) == expected
