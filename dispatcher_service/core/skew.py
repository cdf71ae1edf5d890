"""How far is our clock from the API's, and may we ring by it? Signals of the time in, an estimate and a decision out.

What we read when a signal came, less what its sender read when it left, is skew and delay, and no delay is below zero:
of one sender's signals the smallest such offset is the nearest to the truth.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.timing.instants import Instant

WINDOW_SECONDS = 60.0
# Before so many signals over so long nothing is known of a sender: a burst of old ones all look late together.
SIGNALS_LEAST = 3
SPAN_LEAST_SECONDS = 8.0
# Our wall clock has moved by so much more or less than the steady one: it was set, or the machine stood still.
STEP_MS = 250


class Standing(StrEnum):
    """May we ring by this clock?"""

    WITHIN = "within"
    LEAVING = "leaving"  # it is wrong, and others can ring
    ALONE = "alone"  # it is wrong, and nobody else would ring


@dataclass(frozen=True, slots=True)
class _Offset:
    at: float  # when it came, on the steady clock
    milliseconds: int


class Offsets:
    """What the senders of the last minute say of our clock."""

    def __init__(self) -> None:
        self._of: dict[str, deque[_Offset]] = {}
        self._wall_ahead: float | None = None  # of the steady clock, at the last signal

    def heard(self, by: str, sent: Instant, *, now: Instant, steady: float) -> None:
        """A signal that was sent at this moment on its sender's clock came now."""
        wall_ahead = now - steady * 1_000
        if self._wall_ahead is not None and abs(wall_ahead - self._wall_ahead) > STEP_MS:
            self._of.clear()  # they compare a clock that is no more
        self._wall_ahead = wall_ahead
        self._of.setdefault(by, deque()).append(_Offset(steady, now - sent))
        self._forget_older(steady - WINDOW_SECONDS)

    def skew(self, steady: float) -> int | None:
        """By how many milliseconds our clock is ahead of most senders'; None while too little is known."""
        self._forget_older(steady - WINDOW_SECONDS)
        estimates = [min(one.milliseconds for one in said) for said in self._of.values() if _suffices(said)]
        return _median(estimates) if estimates else None

    def _forget_older(self, moment: float) -> None:
        for by, said in list(self._of.items()):
            while said and said[0].at < moment:
                said.popleft()
            if not said:
                del self._of[by]


def is_skewed(skew: int | None, limit: int, *, already: bool) -> bool:
    """Is the clock wrong? It is right again below half the limit; a limit of 0 is none; silence changes nothing."""
    if not limit:
        return False
    if skew is None:
        return already
    return abs(skew) >= limit / 2 if already else abs(skew) > limit


def standing(*, skewed: bool, others: int) -> Standing:
    """What follows, where so many other dispatchers would ring."""
    if not skewed:
        return Standing.WITHIN
    return Standing.LEAVING if others > 0 else Standing.ALONE


def _suffices(said: Sequence[_Offset]) -> bool:
    return len(said) >= SIGNALS_LEAST and said[-1].at - said[0].at >= SPAN_LEAST_SECONDS


def _median(estimates: Sequence[int]) -> int:
    """Of two in the middle the one nearer to zero: where the senders differ, the doubt is for us."""
    ordered = sorted(estimates)
    return min(ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2], key=abs)
