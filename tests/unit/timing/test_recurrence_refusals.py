"""A rule that makes no sense is refused with all that is the matter; one that never occurs, with the reason."""

from datetime import UTC, date

import pytest

from shared.timing.recurrence import InvalidRecurrence, Rule, Unit, impossible, validated
from tests.unit.timing.walking import on_wall

LONDON = "Europe/London"


def refusal(rule: Rule) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRecurrence) as refused:
        validated(rule)
    assert all(fault in str(refused.value) for _, fault in refused.value.problems)

    return refused.value.problems


def test_all_problems_are_told_at_once() -> None:
    rule = Rule(
        on_wall("2026-03-02 08:00"),
        on_wall("2026-03-02 08:00"),
        LONDON,
        Unit.DAILY,
        frequency=0,
        days_of_week=frozenset({-1, 3, 7}),
        repeat_end=date(2026, 3, 1),
        turns=-1,
    )

    assert refusal(rule) == [
        ("turns", "must be 0 or more"),
        ("frequency", "must be from 1 to 100000, and is 0"),
        ("days_of_week", "must be numbers from 0 (Sunday) to 6 (Saturday), and has -1, 7"),
        ("repeat_end", "must not be before the day of the start; leave it out for no end"),
        ("end", "must be later than the start"),
    ]


@pytest.mark.parametrize(
    ("start", "end", "until", "fields"),
    [
        ("1969-12-31 08:00", "1970-01-01 08:00", None, ["start"]),
        ("2999-12-31 08:00", "3000-01-01 08:00", None, ["end"]),
        ("2026-01-01 08:00", "2026-01-01 09:00", date(3000, 1, 1), ["repeat_end"]),
        ("1969-01-01 08:00", "1968-01-01 08:00", date(1967, 1, 1), ["start", "end", "repeat_end", "repeat_end"]),
    ],
)
def test_years_have_bounds(start: str, end: str, until: date | None, fields: list[str]) -> None:
    rule = Rule(on_wall(start), on_wall(end), LONDON, Unit.DAILY, repeat_end=until)

    assert [field for field, _ in refusal(rule)] == fields


def test_times_are_the_walls_and_the_zone_is_known() -> None:
    aware = on_wall("2026-03-02 08:00").replace(tzinfo=UTC)

    assert [field for field, _ in refusal(Rule(aware, aware, "Europe/Lodnon"))] == ["start", "end", "zone"]
    assert "Europe/London" in refusal(Rule(aware, aware, "Europe/Lodnon"))[2][1]


@pytest.mark.parametrize("unit", [None, Unit.HOURLY])
def test_where_time_elapses_the_end_is_later_as_an_instant(unit: Unit | None) -> None:
    first, second = on_wall("2026-10-25 01:45"), on_wall("2026-10-25 01:15").replace(fold=1)

    validated(Rule(first, second, LONDON, unit))
    assert refusal(Rule(first, second.replace(fold=0), LONDON, unit)) == [("end", "must be later than the start")]
    assert refusal(Rule(first.replace(fold=1), second.replace(fold=0, minute=50), LONDON, unit))


def test_on_the_wall_the_first_occurrence_may_be_jumped_over() -> None:
    rule = Rule(on_wall("2026-03-29 01:00"), on_wall("2026-03-29 02:00"), LONDON, Unit.DAILY)

    assert validated(rule) is rule


@pytest.mark.parametrize(
    ("start", "rule", "field", "reason"),
    [
        (
            "2026-03-05 08:00",
            {"unit": Unit.DAILY, "frequency": 7, "days_of_week": {2}},
            "days_of_week",
            "every 7 days from a Thursday never comes to a Tuesday",
        ),
        (
            "2026-03-05 08:00",
            {"unit": Unit.HOURLY, "frequency": 168, "days_of_week": {2, 3}},
            "days_of_week",
            "every 168 hours from a Thursday never comes to a Tuesday or Wednesday",
        ),
        (
            "2026-03-05 08:00",
            {"unit": Unit.YEARLY, "frequency": 400, "days_of_week": {1}},
            "days_of_week",
            "every 400 years from a Thursday never comes to a Monday",
        ),
        (
            "2026-03-05 08:00",
            {"unit": Unit.DAILY, "days_of_week": {1}, "repeat_end": date(2026, 3, 8)},
            "repeat_end",
            "before the first day that days_of_week lists",
        ),
        ("2026-03-05 08:00", {"unit": Unit.DAILY, "terminated_on": 0}, "terminated_on", "none is left"),
        ("2026-03-05 08:00", {"terminated_on": 0}, "terminated_on", "none is left"),
        (
            "2026-03-29 01:00",
            {"unit": Unit.DAILY, "repeat_end": date(2026, 3, 29)},
            "start",
            "the clock jumps over all of this time",
        ),
    ],
)
def test_a_rule_that_never_occurs_is_refused_with_the_reason(
    start: str, rule: dict[str, object], field: str, reason: str
) -> None:
    begins = on_wall(start)
    listed = {"days_of_week": frozenset(days)} if isinstance(days := rule.get("days_of_week"), set) else {}
    never = Rule(begins, begins.replace(hour=begins.hour + 1), LONDON, **{**rule, **listed})  # type: ignore[arg-type]

    assert [(name, reason in fault) for name, fault in refusal(never)] == [(field, True)]
    assert reason in str(impossible(never))


def test_a_regular_shift_in_what_the_clock_jumps_over_never_occurs() -> None:
    rule = Rule(on_wall("2026-03-29 01:10"), on_wall("2026-03-29 01:50"), LONDON)

    assert [field for field, _ in refusal(rule)] == ["start"]


def test_no_more_go_on_at_once_than_anybody_can_mean() -> None:
    start = on_wall("2026-03-02 08:00")

    validated(Rule(start, on_wall("2026-04-02 08:00"), LONDON, Unit.HOURLY))
    assert refusal(Rule(start, on_wall("2027-03-02 08:00"), LONDON, Unit.HOURLY)) == [
        ("end", "must be sooner, for more than 1000 occurrences would go on at once")
    ]


@pytest.mark.parametrize("unit", [None, *Unit])
def test_a_rule_that_occurs_is_let_through(unit: Unit | None) -> None:
    rule = Rule(on_wall("2026-03-02 08:00"), on_wall("2026-03-03 08:00"), LONDON, unit, turns=2)

    assert validated(rule) is rule
    assert impossible(rule) is None
