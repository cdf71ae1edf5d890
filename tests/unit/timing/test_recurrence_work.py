"""What is asked far from the first start costs what it costs near it: the lines that run are counted."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from types import FrameType
from typing import Any

import pytest

from shared.timing.instants import Instant
from shared.timing.recurrence import (
    Rule,
    Unit,
    count,
    covering,
    first_from,
    last_before,
    nth,
    occurrence_at,
    occurrences,
    validated,
)
from shared.timing.zones import zone
from tests.unit.timing.walking import instant, on_wall

DAY = 86_400_000
START = on_wall("2021-03-01 09:00")
WORKDAYS = frozenset({1, 2, 3, 4, 5})
RULES = {
    "daily": Rule(START, START + timedelta(days=1), "America/New_York", Unit.DAILY, turns=3),
    "workdays": Rule(START, START + timedelta(hours=8), "America/New_York", Unit.DAILY, 1, WORKDAYS),
    "every seventh day": Rule(START, START + timedelta(hours=8), "America/New_York", Unit.DAILY, 7, frozenset({1})),
    "weekly": Rule(START, START + timedelta(days=7), "Europe/London", Unit.WEEKLY),
    "listed days of weeks": Rule(START, START + timedelta(hours=8), "Europe/London", Unit.WEEKLY, 2, WORKDAYS),
    "hourly": Rule(START, START + timedelta(hours=1), "Europe/London", Unit.HOURLY),
    "hourly on workdays": Rule(START, START + timedelta(hours=1), "Europe/London", Unit.HOURLY, 1, WORKDAYS),
    "monthly": Rule(START, on_wall("2021-04-01 09:00"), "Europe/London", Unit.MONTHLY),
    "monthly on Mondays": Rule(START, START + timedelta(days=1), "Europe/London", Unit.MONTHLY, 1, frozenset({1})),
    "yearly": Rule(START, START + timedelta(days=1), "Europe/London", Unit.YEARLY),
}


def lines(work: Callable[[], object]) -> int:
    """How many lines of Python run."""
    ran = 0

    def tracer(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal ran
        ran += event == "line"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        work()
    finally:
        sys.settrace(before)

    return ran


def cost(rule: Rule, moment: Instant) -> list[int]:
    """What each question costs, once zone and rule are known."""
    questions: list[Callable[[], object]] = [
        lambda: list(occurrences(rule, moment, moment + 14 * DAY)),
        lambda: covering(rule, moment),
        lambda: first_from(rule, moment),
        lambda: last_before(rule, moment),
        lambda: occurrence_at(rule, moment),
        lambda: nth(rule, (moment - instant(START, zone(rule.zone))) // DAY),
        lambda: count(replace(rule, repeat_end=START.date() + timedelta(days=moment // DAY - 18_000))),
    ]
    for question in questions:
        question()

    return [lines(question) for question in questions]


@pytest.mark.parametrize("name", RULES)
def test_a_window_far_ahead_costs_what_one_next_week_costs(name: str) -> None:
    rule = RULES[name]
    near, later, far = (
        max(max(cost(rule, instant(on_wall(f"{year}-03-0{day} 09:30"), zone(rule.zone)))) for day in (1, 2, 8))
        for year in (2022, 2061, 9061)
    )

    # A leap year's arithmetic takes a branch that another year's does not; a walk would take thousands.
    assert later <= near + 60
    assert far <= near + 60


def test_a_question_to_a_rule_never_asked_before_walks_over_no_occurrence() -> None:
    rule = Rule(START, START + timedelta(hours=1), "Europe/Paris", Unit.HOURLY)
    listed = replace(rule, days_of_week=WORKDAYS)
    in_forty_years = instant(on_wall("2061-03-01 09:30"), zone("Europe/Paris"))
    covering(listed, in_forty_years)  # the clock is known from here on

    # 350,000 occurrences, 80 changes of the clock.
    assert lines(lambda: covering(replace(rule, turns=1), in_forty_years)) < 150
    assert lines(lambda: covering(replace(listed, turns=1), in_forty_years)) < 80 * 40


@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("frequency", [1, 7, 99_991, 100_000])
@pytest.mark.parametrize("listed", [frozenset(), frozenset({1}), WORKDAYS])
def test_to_judge_a_rule_takes_no_walk(unit: Unit, frequency: int, listed: frozenset[int]) -> None:
    rule = Rule(
        START, START + timedelta(hours=1), "Europe/Paris", unit, frequency, listed, repeat_end=date(2999, 12, 31)
    )
    validated(rule)

    # The longest is a table of the weekdays of 400 years' months, made once, and the changes of a thousand years.
    assert lines(lambda: validated(replace(rule, turns=1))) < 40_000
