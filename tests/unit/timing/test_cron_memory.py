"""What was answered before, and to whom, is never in an answer; nor is the way in which it was found."""

import gc
import inspect
import itertools
from contextlib import suppress
from datetime import UTC, datetime
from unittest.mock import patch
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.timing import cron, cron_grammar
from shared.timing.cron_fields import DAY, FIELDS, Field, Fields, members
from shared.timing.cron_search import ENGINES_KEPT, NEVER
from shared.timing.instants import Instant
from shared.timing.stretches import stretches
from shared.timing.zone_names import LISTED, iana
from shared.timing.zones import zone
from tests.unit.timing.test_cron_properties import HOUR, ZONES, places, rules

# The same few fields in ever other company, so that one was mostly read before.
TEXTS = st.tuples(
    st.sampled_from(["0", "H", "H/20", "0,0"]),
    st.sampled_from(["*", "H", "5,5"]),
    st.sampled_from(["*", "H(8-10)"]),
    st.sampled_from(["*", "31", "30,30", "1,30,30", "29,31", "L", "L,L", "H", "1"]),
    st.sampled_from(["*", "2", "2,4", "feb", "H", "13"]),
    st.sampled_from(["*", "1", "thu", "THU", "H", "1#5", "H#2", "1L,1L", "0,7"]),
).map(" ".join)
SEEDS = st.sampled_from(["a", "b", "c"])
CENTURY = st.integers(*(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1971, 2150)))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(rules(), min_size=1, max_size=3),
    places(),
    st.sampled_from(ZONES).map(zone),
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(-800 * HOUR, 800 * HOUR)), max_size=30),
)
def test_whoever_asked_whatever_before_the_answer_is_the_same(
    chosen: list[cron.Rule],
    place: tuple[ZoneInfo, Instant],
    elsewhere: ZoneInfo,
    questions: list[tuple[int, bool, int]],
) -> None:
    here, centre = place
    for number, is_elsewhere, detour in questions:
        rule, where = chosen[number % len(chosen)], elsewhere if is_elsewhere else here
        asked = cron.next_after(rule, where, centre + detour)
        assert asked == cron.Clockwork(rule, where).next_after(centre + detour)
        second = (centre + detour) // 1000
        found, _ = cron._next_among(stretches(where, second), rule, second, second)
        assert asked == (found and found * 1000)


def test_in_however_many_zones_it_is_asked_for_each_has_its_own_answer_and_few_are_kept() -> None:
    rule, begins = cron.parse("0 30 2 * * *"), 1_700_000_000_000
    zones = [zone(iana(name)) for name in LISTED]
    assert len(zones) > 2 * cron._ZONES_KEPT

    for moment in (begins, begins + 30 * HOUR):
        for where in [*zones, *reversed(zones)]:
            assert cron.next_after(rule, where, moment) == cron.Clockwork(rule, where).next_after(moment)

    assert len(rule.answers) <= cron._ZONES_KEPT


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.lists(st.tuples(st.integers(0, 5), SEEDS), min_size=1, max_size=9))
def test_which_fields_were_read_before_is_in_no_rule(texts: list[str], questions: list[tuple[int, str]]) -> None:
    """Refusals included. Shown to fail where what was drawn is kept, or days are without their months."""
    asked = [(texts[number % len(texts)], seed) for number, seed in questions]
    remembering = {name: getattr(cron_grammar, name) for name in ("_numbers", "_month_days", "_week_days")}
    with patch.multiple(cron_grammar, **{name: inspect.unwrap(reads) for name, reads in remembering.items()}):
        anew = [said(text, seed) for text, seed in asked]

    assert [said(text, seed) for text, seed in asked] == anew


def said(text: str, seed: str) -> Fields | str:
    try:
        return cron_grammar.read(text, seed)
    except cron.InvalidRule as refusal:
        return str(refusal)


@settings(max_examples=200, deadline=None)
@given(
    rules(seconds=st.just("0"), hours=st.sampled_from(["0", "0,1", "1", "1,2", "2", "2,3", "3", "*"])),
    st.sampled_from([name for name in ZONES if name not in {"UTC", "Asia/Kolkata"}]).map(zone),
    st.integers(0, 9),
    st.integers(-200, 200),
)
def test_a_clock_that_has_just_been_changed_is_not_quiet(
    rule: cron.Rule, where: ZoneInfo, number: int, minutes: int
) -> None:
    begins = int(datetime(2009, 1, 1, tzinfo=UTC).timestamp())
    changes = (
        each.begins if each.repeated else each.ends
        for each in stretches(where, begins)
        if each.repeated or each.skipped
    )
    second = next(itertools.islice(changes, number, None)) + minutes * 60

    assert (
        cron._next(rule, where, second, second)[0]
        == (cron._next_among(stretches(where, second), rule, second, second)[0])
    )


@settings(max_examples=200, deadline=None)
@given(rules(), places())
def test_an_answer_is_one_for_as_long_as_it_says(rule: cron.Rule, place: tuple[ZoneInfo, Instant]) -> None:
    where, moment = place
    second = moment // 1000
    answer, until = cron._next(rule, where, second, second)
    assert answer is not None
    assert second < until <= answer
    for between in {second, (second + until) // 2, until - 1}:
        assert cron._next_among(stretches(where, between), rule, between, between)[0] == answer


def test_however_many_kinds_of_days_are_held_there_are_few_croniters() -> None:
    pairs = itertools.combinations(range(1, 29), 2)
    held = [cron.parse(f"0 0 0 {one},{other} {month} *") for one, other in pairs for month in range(1, 5)]
    assert len(held) > ENGINES_KEPT

    assert all(rule.search.next_after(0) != NEVER for rule in held)

    assert sum(type(each) is croniter for each in gc.get_objects()) <= ENGINES_KEPT


@settings(max_examples=200, deadline=None)
@given(rules(), CENTURY)
def test_on_the_wall_a_moment_is_what_croniter_finds(rule: cron.Rule, wall: int) -> None:
    for _ in range(3):
        found = rule.search.next_after(wall)
        assert found == by_croniter(rule, wall)
        wall = found


def by_croniter(rule: cron.Rule, wall: int) -> int:
    """The next moment by nothing but croniter, told the hours too; it is asked for one kind of days at a time."""
    fields = rule.fields
    second, minute, hour, _, month, _ = (
        listed(field, mask)
        for field, mask in zip(FIELDS, (fields.seconds, fields.minutes, fields.hours, 0, fields.months, 0), strict=True)
    )
    days = [f"{listed(DAY, fields.days)} {month} *"] if fields.days else []
    days += [f"l {month} *"] if fields.last_day else []
    days += [f"* {month} {day}{f'#{fields.nth}' * bool(fields.nth)}" for day in members(fields.weekdays)]
    days += [f"* {month} l{day}" for day in members(fields.last_weekdays)]
    earliest = NEVER
    for each in days:
        with suppress(CroniterBadDateError):
            one = croniter(f"{minute} {hour} {each} {second}", float(wall), max_years_between_matches=50)
            earliest = min(earliest, int(one.get_next(float)))
    return earliest


def listed(field: Field, mask: int) -> str:
    return "*" if mask == field.whole else ",".join(map(str, members(mask)))
