"""How far our clock is from the API's is told from signals that come late, by senders of whom some are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher_service.core.skew import (
    SIGNALS_LEAST,
    STEP_MS,
    WINDOW_SECONDS,
    Offsets,
    Standing,
    is_skewed,
    standing,
)

NOON = 1_800_000_000_000
EVERY = 5.0


class Machine:
    """Ours, with true time and both clocks; signals of `senders`, each so many milliseconds wrong, every 5 seconds."""

    def __init__(self, *, ahead: int = 0, senders: tuple[int, ...] = (0,)) -> None:
        self.offsets = Offsets()
        self.seconds = 0.0  # true time
        self.ahead = ahead
        self.stood_still = 0.0  # for so long our clocks have not counted
        self.senders = senders

    @property
    def steady(self) -> float:
        return self.seconds - self.stood_still

    def hear(self, *delays: int) -> None:
        """One round of signals, late by so many milliseconds each; none is late where nothing is said."""
        self.seconds += EVERY
        for number, wrong in enumerate(self.senders):
            delay = delays[number % len(delays)] if delays else 0
            came = NOON + round(self.steady * 1_000) + self.ahead
            self.offsets.heard(
                f"api-{number}", NOON + round(self.seconds * 1_000) + wrong - delay, now=came, steady=self.steady
            )

    def hear_for(self, seconds: float) -> None:
        for _ in range(round(seconds / EVERY)):
            self.hear()

    @property
    def skew(self) -> int | None:
        return self.offsets.skew(self.steady)


@given(
    ahead=st.integers(-10_000, 10_000),
    delays=st.lists(st.integers(0, 5_000), min_size=SIGNALS_LEAST, max_size=12),
    small=st.integers(0, 20),
    place=st.integers(0, 11),
)
def test_one_prompt_signal_of_a_minute_is_enough(ahead: int, delays: list[int], small: int, place: int) -> None:
    delays[place % len(delays)] = small
    machine = Machine(ahead=ahead)
    for delay in delays:
        machine.hear(delay)

    assert machine.skew is not None
    assert ahead <= machine.skew <= ahead + small


@given(
    ahead=st.integers(-10_000, 10_000),
    wrong=st.lists(st.integers(-60_000, 60_000), max_size=4),
    right=st.integers(1, 3),
    delays=st.lists(st.integers(0, 50), min_size=1, max_size=7),
)
def test_a_minority_of_wrong_senders_moves_nothing(ahead: int, wrong: list[int], right: int, delays: list[int]) -> None:
    senders = (*wrong, *([0] * (len(wrong) + right)))
    machine = Machine(ahead=ahead, senders=senders)
    for _ in range(SIGNALS_LEAST):
        machine.hear(*delays)

    assert machine.skew is not None
    assert ahead <= machine.skew <= ahead + max(delays)


@pytest.mark.parametrize("wrong", [-30_000, 30_000])
def test_where_one_of_two_accuses_us_we_are_believed(wrong: int) -> None:
    machine = Machine(senders=(wrong, 0))
    machine.hear_for(30)

    assert machine.skew == 0


def test_nothing_is_known_before_some_signals_over_some_time() -> None:
    machine = Machine(ahead=3_000)
    assert machine.skew is None
    machine.hear()
    machine.hear()
    assert machine.skew is None
    machine.hear()
    assert machine.skew == 3_000


def test_a_burst_of_old_signals_after_a_pause_tells_nothing() -> None:
    """A process that was stopped for a minute reads at once what was said meanwhile, the latest not fresh either."""
    offsets = Offsets()
    for late in range(60, 0, -5):
        offsets.heard("api", NOON - late * 1_000, now=NOON, steady=100.0)

    assert offsets.skew(100.0) is None


def test_who_is_gone_is_forgotten() -> None:
    machine = Machine(senders=(9_000, 9_000, 0))
    machine.hear_for(30)
    assert machine.skew == -9_000

    machine.senders = ()
    machine.seconds += WINDOW_SECONDS - 15
    assert machine.skew == -9_000, "enough is still of the last minute"
    machine.seconds += 10
    assert machine.skew is None
    machine.seconds += 10
    assert machine.skew is None
    assert not machine.offsets._of


@pytest.mark.parametrize("step", [3_000, -3_000, STEP_MS + 1, -STEP_MS - 1])
def test_a_clock_that_was_set_is_measured_anew(step: int) -> None:
    machine = Machine()
    machine.hear_for(60)

    machine.ahead += step
    machine.hear()
    assert machine.skew is None, "what was heard before compares a clock that is no more"
    machine.hear_for(10)
    assert machine.skew == step


def test_after_a_machine_was_suspended_what_it_had_heard_is_worthless() -> None:
    """Both clocks stand still with it; then its wall clock is set, and its steady clock never is."""
    machine = Machine()
    machine.hear_for(60)

    machine.seconds += 30
    machine.stood_still = 30.0
    machine.hear()
    assert machine.skew == -30_000

    machine.ahead = 30_000  # set right by the host
    machine.hear()
    assert machine.skew is None
    machine.hear_for(10)
    assert machine.skew == 0


def test_a_suspension_that_the_clocks_have_counted_leaves_nothing_of_before() -> None:
    machine = Machine()
    machine.hear_for(60)

    machine.seconds += 3_600
    assert machine.skew is None
    machine.hear_for(15)
    assert machine.skew == 0


def test_a_clock_that_drifts_is_not_taken_for_one_that_was_set() -> None:
    machine = Machine()
    for _ in range(200):
        machine.ahead += STEP_MS // 10
        machine.hear()

    assert machine.skew == pytest.approx(machine.ahead, abs=STEP_MS * 2)


@pytest.mark.parametrize(
    ("skew", "limit", "already", "wrong"),
    [
        (1_000, 1_000, False, False),
        (1_001, 1_000, False, True),
        (-1_001, 1_000, False, True),
        (500, 1_000, True, True),
        (-500, 1_000, True, True),
        (499, 1_000, True, False),
        (None, 1_000, True, True),
        (None, 1_000, False, False),
        (10**9, 0, False, False),
        (10**9, 0, True, False),
        (2, 1, False, True),
        (0, 1, True, False),
    ],
)
def test_it_becomes_wrong_above_the_limit_and_right_below_half(
    skew: int | None, limit: int, *, already: bool, wrong: bool
) -> None:
    assert is_skewed(skew, limit, already=already) is wrong


def test_who_is_alone_stays() -> None:
    assert standing(skewed=False, others=0) is standing(skewed=False, others=3) is Standing.WITHIN
    assert standing(skewed=True, others=1) is Standing.LEAVING
    assert standing(skewed=True, others=0) is Standing.ALONE
