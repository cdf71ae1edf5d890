"""An audit names exactly what is missing: over random histories, random ledgers, and whatever is taken out of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, cycle, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_service.store.entries import Entry
from api_service.store.rules import RuleVersion
from api_service.usecases import history
from api_service.usecases.reckoning import Reckoning
from shared.domain.firing import Execution
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone
from tests.unit.timing import oracle

# In Berlin two o'clock is repeated from 01:00 to 02:00 UTC.
BEGIN: Instant = 1_792_879_200_000  # 2026-10-24T22:00:00Z
SECOND = 1_000
HOUR = 3_600 * SECOND
SPAN = 6 * HOUR
EVENT_ID = "01Q9GD6E00HTEBQW40SS57866H"
RULES = ("*/20 * * * * *", "0 * * * * *", "15 */7 * * * *", "0 0,20,40 1-4 * * *", "0 30 2 * * *")
ZONES = ("UTC", "Europe/Berlin")
MOVES = st.tuples(
    st.sampled_from(["rule", "zone", "end", "pause"]),
    st.integers(1, 2 * HOUR),  # after the move before it
    st.sampled_from(RULES),
    st.sampled_from(ZONES),
    st.integers(1, 3 * HOUR),
)


@dataclass(frozen=True)
class Told:
    """An instant that an event had, and the number of its rule."""

    nominal: Instant
    place: int


def rule(valid_from: Instant, **given: object) -> RuleVersion:
    facts: dict[str, object] = {
        "version": 1,
        "valid_from": valid_from,
        "interval": "0 * * * * *",
        "timezone": "UTC",
        "end_date": BEGIN + SPAN,
        "anchor": valid_from,
        "paused": False,
    }
    return RuleVersion(**facts | given)  # type: ignore[arg-type]


@st.composite
def histories(draw: st.DrawFn) -> list[RuleVersion]:
    first = rule(BEGIN, interval=draw(st.sampled_from(RULES)), timezone=draw(st.sampled_from(ZONES)))
    rules = [first]
    for what, later, interval, timezone, more in draw(st.lists(MOVES, max_size=4)):
        before = rules[-1]
        now = before.valid_from + later
        moved = replace(before, version=before.version + 1, valid_from=now)
        match what:
            case "rule":
                moved = replace(moved, interval=interval, anchor=now)
            case "zone":
                moved = replace(moved, timezone=timezone, anchor=now)
            case "end":
                moved = replace(moved, end_date=now + more)
            case _:
                moved = replace(moved, paused=not before.paused, anchor=now if before.paused else before.anchor)
        rules.append(moved)
    return rules


@cache
def dense(interval: str, timezone: str) -> list[Instant]:
    """What a rule for every hour names in the whole time: it does not matter from where it is asked."""
    return oracle.instants(cron.parse(interval).fields, zone(timezone), BEGIN, BEGIN + 2 * SPAN)


def instants_of(one: RuleVersion, after: Instant, through: Instant) -> list[Instant]:
    if interval_is_dense(one.interval):
        found = dense(one.interval, one.timezone)
    else:
        found = oracle.instants(cron.parse(one.interval).fields, zone(one.timezone), one.anchor, through)
    return [moment for moment in found if after < moment <= through]


def interval_is_dense(interval: str) -> bool:
    return cron.parse(interval).fields.every_hour


def expected(rules: Sequence[RuleVersion]) -> list[Told]:
    """By brute force, everything that was due."""
    told = []
    ends = [*(one.valid_from for one in rules[1:]), BEGIN + 2 * SPAN]
    for place, (one, end) in enumerate(zip(rules, ends, strict=True)):
        found = instants_of(one, max(one.anchor, one.valid_from), min(end, one.end_date - 1))
        told += [Told(moment, place) for moment in found]
    return told


def written(due: Sequence[Told], lengths: Sequence[int]) -> list[list[Instant]]:
    """The instants in the order of their writing, each for itself or in stretches of one rule."""
    groups: list[list[Instant]] = []
    rest = list(due)
    for length in cycle(lengths):
        if not rest:
            return groups
        group = [one.nominal for one in rest[:length] if one.place == rest[0].place]
        groups.append(group)
        rest = rest[len(group) :]
    return groups


def entry_of(group: Sequence[Instant]) -> Entry:
    status = Execution.SKIPPED if len(group) > 1 else Execution.DELIVERED
    return Entry(nominal=group[0], last=group[-1], count=len(group), status=status, reason="")


def alone(nominal: Instant, status: Execution = Execution.DELIVERED) -> Entry:
    return Entry(nominal=nominal, last=nominal, count=1, status=status, reason="")


def reckon(
    rules: Sequence[RuleVersion],
    entries: Sequence[Entry],
    *,
    settled: Instant,
    after: Instant = BEGIN,
    through: Instant = BEGIN + 2 * SPAN,
    window: int = 50,
    shown: int = 10_000,
) -> Reckoning:
    """As `auditing` does it, without a database."""
    reckoning = Reckoning(settled=settled, eras=history.eras(rules, seed=EVENT_ID), shown=shown)
    reckoning.reach([entry for entry in entries if entry.nominal <= after < entry.last])
    found = history.segments(rules, after, through, seed=EVENT_ID)
    dues = chain.from_iterable(segment.dues() for segment in found)
    while True:
        slice_ = list(islice(dues, window))
        end = slice_[-1].nominal if len(slice_) == window else through
        reckoning.window(slice_, [entry for entry in entries if after < entry.nominal <= end])
        if len(slice_) < window:
            return reckoning
        after = end


def missing_of(reckoning: Reckoning, due: Sequence[Instant]) -> list[Instant]:
    """Each instant that is named as missing."""
    named: list[Instant] = []
    for gap in reckoning.gaps:
        begin = bisect_right(due, gap.first) - 1
        part = due[begin : begin + gap.count]
        assert (part[0], part[-1]) == (gap.first, gap.last)
        named += part
    assert reckoning.missing == len(named)
    return named


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    rules=histories(),
    lengths=st.lists(st.sampled_from([1, 1, 1, 2, 3, 40]), min_size=1, max_size=6),
    removed=st.sets(st.integers(0, 400), max_size=12),
    strangers=st.sets(st.integers(0, 2 * SPAN).filter(lambda moment: moment % SECOND), max_size=3),
    settled=st.integers(0, 2 * SPAN),
    begin=st.one_of(st.just(0), st.integers(0, SPAN)),
    length=st.integers(1, 2 * SPAN),
    window=st.sampled_from([1, 7, 200]),
)
def test_exactly_what_was_taken_out_is_named(
    rules: list[RuleVersion],
    lengths: list[int],
    removed: set[int],
    strangers: set[int],
    settled: int,
    begin: int,
    length: int,
    window: int,
) -> None:
    after, through = BEGIN + begin, BEGIN + min(begin + length, 2 * SPAN)
    due = expected(rules)
    groups = written(due, lengths)
    kept = [group for place, group in enumerate(groups) if place not in removed]
    odd = [alone(BEGIN + moment) for moment in strangers]
    entries = sorted([*map(entry_of, kept), *odd], key=lambda entry: entry.nominal)

    found = reckon(rules, entries, settled=BEGIN + settled, after=after, through=through, window=window)

    asked = [one.nominal for one in due if after < one.nominal <= through]
    gone = sorted(set(asked) - set(chain.from_iterable(kept)))
    assert missing_of(found, asked) == [moment for moment in gone if moment <= BEGIN + settled]
    assert found.under_way == len([moment for moment in gone if moment > BEGIN + settled])
    assert found.expected == len(asked) == found.recorded.total() + found.missing + found.under_way
    assert found.unexpected == [entry for entry in entries if entry in odd and after < entry.nominal <= through]
    assert found.unexpected_count == len(found.unexpected)


def test_what_is_missing_together_is_one_gap_and_of_too_many_the_number_is_told() -> None:
    due = [BEGIN + 60 * SECOND * minute for minute in range(1, 361)]
    every_other = [alone(moment) for moment in due[1:-3:2]]

    found = reckon([rule(BEGIN)], every_other, settled=BEGIN + SPAN, shown=5)

    assert (found.expected, found.missing, len(found.gaps)) == (359, 359 - len(every_other), 5)
    assert [(gap.first, gap.count) for gap in found.gaps[:2]] == [(due[0], 1), (due[2], 1)]
    last = reckon([rule(BEGIN)], every_other, settled=BEGIN + SPAN).gaps[-1]
    assert (last.first, last.last, last.count) == (due[356], due[358], 3)


def test_a_stretch_that_says_another_number_proves_nothing() -> None:
    stretch = Entry(
        nominal=BEGIN + 60 * SECOND, last=BEGIN + 600 * SECOND, count=9, status=Execution.SKIPPED, reason="paused"
    )
    rules = [rule(BEGIN, end_date=BEGIN + 601 * SECOND)]

    for window in (3, 200):
        found = reckon(rules, [stretch], settled=BEGIN + SPAN, window=window)
        assert (found.missing, found.unexpected) == (10, [stretch])
        right = replace(stretch, count=10)
        assert reckon(rules, [right], settled=BEGIN + SPAN, window=window).recorded == {Execution.SKIPPED: 10}


@pytest.mark.parametrize("first", [60, 420], ids=["from before the change", "from after it"])
def test_a_stretch_of_the_rule_before_accounts_for_what_the_rule_after_it_names_there(first: int) -> None:
    """Whoever had not heard of the change yet wrote it; what is in it is settled for whoever has."""
    rules = [rule(BEGIN), rule(BEGIN + 330 * SECOND, version=2, interval="30 */2 * * * *")]
    stretch = Entry(
        nominal=BEGIN + first * SECOND,
        last=BEGIN + 600 * SECOND,
        count=(600 - first) // 60 + 1,
        status=Execution.SKIPPED,
        reason="misfired",
    )
    due = [one.nominal for one in expected(rules)]

    for window in (3, 200):
        found = reckon(rules, [stretch], settled=BEGIN + SPAN, window=window)
        assert missing_of(found, due) == [one for one in due if not stretch.nominal <= one <= stretch.last]
        assert found.unexpected == ([] if stretch.nominal in due else [stretch])


def test_of_a_firing_within_a_stretch_what_is_said_of_it_alone_counts() -> None:
    stretch = Entry(
        nominal=BEGIN + 60 * SECOND, last=BEGIN + 600 * SECOND, count=10, status=Execution.SKIPPED, reason="changed"
    )
    rung = alone(BEGIN + 120 * SECOND, Execution.FAILED)

    found = reckon([rule(BEGIN)], [stretch, rung], settled=BEGIN + SPAN, through=BEGIN + 600 * SECOND)

    assert found.recorded == {Execution.SKIPPED: 9, Execution.FAILED: 1}


def test_what_is_due_at_the_settled_moment_must_be_there_and_what_is_due_later_need_not() -> None:
    found = reckon([rule(BEGIN)], [], settled=BEGIN + 120 * SECOND, through=BEGIN + 300 * SECOND)

    assert [(gap.first, gap.last) for gap in found.gaps] == [(BEGIN + 60 * SECOND, BEGIN + 120 * SECOND)]
    assert found.under_way == 3


def test_a_change_within_a_repeated_hour_that_leaves_the_series_alone_repeats_nothing() -> None:
    berlin = rule(BEGIN, interval="0 0,20,40 1-4 * * *", timezone="Europe/Berlin")
    within = BEGIN + 3 * HOUR + 600 * SECOND
    longer = replace(berlin, version=2, valid_from=within, end_date=BEGIN + 5 * HOUR)

    for after in (BEGIN, within + 60 * SECOND):
        found = history.segments([berlin, longer], after, BEGIN + SPAN, seed=EVENT_ID)
        dues = [due.nominal for segment in found for due in segment.dues()]
        assert dues == [one.nominal for one in expected([berlin, longer]) if one.nominal > after]
        assert not [due for due in dues if BEGIN + 3 * HOUR <= due < BEGIN + 4 * HOUR]


@given(most=st.integers(0, 400))
def test_a_part_that_is_offered_has_as_many_as_may_be_asked_for_at_once(most: int) -> None:
    rules = [rule(BEGIN), rule(BEGIN + HOUR, version=2, interval="*/20 * * * * *")]
    found = history.segments(rules, BEGIN, BEGIN + 3 * HOUR, seed=EVENT_ID)

    assert not history.holds(found, most)
    part = history.part_of(found, most)
    assert len([one for one in expected(rules) if one.nominal <= part]) == most
    assert history.holds(history.segments(rules, BEGIN, part, seed=EVENT_ID), most)
