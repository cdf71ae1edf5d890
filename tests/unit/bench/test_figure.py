"""What the table of `make bench` says of a figure."""

from __future__ import annotations

import pytest

from tests.bench.figure import Figure, Goal, number, table


def figure(value: float, **more: object) -> Figure:
    return Figure(**{"row": "burst", "what": "at once", "value": value, "unit": "rings/s", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal(of="ratio", sense=">=", bound=0.8), 80.0, True),
        (Goal(of="ratio", sense=">=", bound=0.8), 79.9, False),
        (Goal(of="ratio", sense="<=", bound=1.3), 131.0, False),
        (Goal(of="value", sense="<=", bound=60.0), 60.0, True),
        (Goal(of="value", sense=">=", bound=60.0), 59.0, False),
    ],
)
def test_a_goal_is_met_or_missed(goal: Goal, value: float, met: bool) -> None:
    measured = figure(value, floor=100.0, goal=goal)

    assert goal.is_met(measured) is met
    assert measured.told()["met"] is met
    assert ("MISSED" in measured.cells()[-1]) is not met


@pytest.mark.parametrize("floor", [None, 0.0])
def test_a_ratio_needs_a_floor(floor: float | None) -> None:
    with pytest.raises(ValueError, match="needs a floor: at once: 1 beside"):
        figure(1.0, floor=floor, goal=Goal(of="ratio", sense=">=", bound=0.8))


def test_the_table_has_every_figure_under_its_head() -> None:
    said = table([
        figure(8_123.4, floor=9_876.5, floor_of="a bare client", goal=Goal(of="ratio", sense=">=", bound=0.8)),
        figure(3.14159, note="a lone one"),
    ])

    assert said.splitlines() == [
        "row    what          measured  floor  ratio      goal",
        "burst  at once  8,123 rings/s  9,876   0.82  ≥ 0.80 ×  met",
        "burst  at once   3.14 rings/s                          a lone one",
    ]


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "0"), (0.126, "0.13"), (9.994, "9.99"), (47.26, "47.3"), (1234.5, "1,234")]
)
def test_figures_that_count(value: float, said: str) -> None:
    assert number(value) == said
