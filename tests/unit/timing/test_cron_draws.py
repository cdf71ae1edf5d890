"""H is drawn once for an event, and stays where it was drawn in every process and release."""

import subprocess
import sys

import pytest

from shared.timing.cron import parse


def test_hash_draws_within_its_bounds_and_differs_between_seeds() -> None:
    drawn = {parse("0 H * * * *", seed=f"event-{number}").expression.split()[1] for number in range(500)}

    assert {int(minute) for minute in drawn} <= set(range(60))
    assert len(drawn) > 50


@pytest.mark.parametrize(
    ("expression", "place", "allowed"),
    [
        ("H * * * *", 1, range(60)),
        ("H(10-20) * * * *", 1, range(10, 21)),
        ("H(50-100) * * * *", 1, range(50, 60)),
        ("H * * *", 2, range(24)),
        ("H * *", 3, range(1, 29)),
        ("H(29-31) 1 *", 3, range(29, 32)),
        ("H *", 4, range(1, 13)),
        ("H", 5, range(7)),
        ("H/100 * * * *", 1, range(60)),
        ("H,30 * * * *", 1, range(60)),
        ("H 2 *", 3, range(1, 30)),
        ("31 H *", 4, [1, 3, 5, 7, 8, 10, 12]),
    ],
)
def test_hash_is_never_refused_for_its_luck(expression: str, place: int, allowed: list[int]) -> None:
    for number in range(150):
        drawn = parse(expression, seed=str(number)).expression.split()[place]
        assert {int(value) for value in drawn.split(",")} <= set(allowed)


@pytest.mark.parametrize(("expression", "apart"), [("H/15 * * * *", 15), ("H(0-29)/10 * * * *", 10)])
def test_hash_with_a_step_keeps_the_step(expression: str, apart: int) -> None:
    for number in range(50):
        minutes = parse(expression, seed=str(number)).fields.minutes
        assert minutes & minutes << apart
        assert (minutes & -minutes).bit_length() <= apart


def test_hash_stays_where_it_was_drawn() -> None:
    # Pinned: these must never change, or every installed rule with H would move.
    assert parse("H H H * *", seed="event-1").expression == parse("H H H * *", seed="event-1").expression
    assert parse("H H H H H H", seed="evt_0001").expression == "9 11 7 4 8 6"
    assert parse("H H * * *").expression == "0 51 13 * * *"


def test_hash_is_the_same_in_another_process() -> None:
    script = "from shared.timing.cron import parse; print(parse('H H H * *', seed='a').expression)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told.strip() == parse("H H H * *", seed="a").expression


def test_a_seed_changes_nothing_where_nothing_is_drawn() -> None:
    assert parse("0 9 * * THU", seed="a") is parse("0 9 * * THU", seed="b")
