"""What computes for long does so in slices, and between two of them whoever waits has a turn."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from api_service import limits
from shared.clock import Clock
from shared.domain.errors import TookTooLong

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """By whose clock, and until when on it."""

    clock: Clock
    until: float

    @property
    def left(self) -> float:
        """For how many seconds it may go on; raises TookTooLong where there is none."""
        left = self.until - self.clock.steady()
        if left <= 0:
            raise TookTooLong
        return left


async def in_slices(steps: Generator[None, None, Result], pace: Pace) -> Result:
    """What comes of all these steps, which are short. Raises TookTooLong, and whatever they raise."""
    begun = pace.clock.steady()
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Result = done.value
            return result
        now = pace.clock.steady()
        if now - begun >= limits.SLICE_SECONDS:
            if now >= pace.until:
                raise TookTooLong
            await pace.clock.sleep(0)
            begun = pace.clock.steady()
