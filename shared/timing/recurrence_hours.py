"""Which instants does a rule step on that counts elapsed time? By index, and how many there are before an instant.

Without listed days it is one division. With them, a step counts if the wall then shows a listed day, and between
two changes of the clock that is a pattern again: what is remembered is how many steps counted before each change.
"""

from bisect import bisect_right
from datetime import date
from math import gcd
from typing import Final

from shared.timing.instants import Instant
from shared.timing.recurrence_rule import weekday
from shared.timing.recurrence_steps import Pattern
from shared.timing.recurrence_walls import DAY, EPOCH_DAY, WallClock

HOUR: Final = 3_600_000
_WEEK_HOURS: Final = 168
_EPOCH_WEEKDAY: Final = weekday(date.fromordinal(EPOCH_DAY))


class EveryStep:
    """All steps count."""

    def step(self, index: int) -> int:
        """Which step has this index."""
        return index

    def counted(self, steps: int) -> int:
        """How many of the first so many steps count."""
        return steps


class ListedSteps:
    """The steps by so many hours from an instant on whose day, as the wall shows it, is listed."""

    def __init__(self, start: Instant, hours: int, listed: frozenset[int], clock: WallClock) -> None:
        self._start, self._hours, self._listed = start, hours, listed
        self._changes = clock.changes_from(start)
        self._by_offset: dict[int, Pattern] = {}
        # Of each time between changes that was looked at: its first step, how many counted before, and its pattern.
        self._firsts: list[int] = []
        self._counts: list[int] = []
        self._patterns: list[Pattern] = []
        self._look_on()

    def step(self, index: int) -> int | None:
        """Which step has this index; None if the calendar ends before it."""
        while self._counts[-1] <= index and self._look_on():
            pass
        place = bisect_right(self._counts, index) - 1
        pattern = self._patterns[place]
        if not pattern:
            return None

        return pattern.at(pattern.below(self._firsts[place]) + index - self._counts[place])

    def counted(self, steps: int) -> int:
        """How many of the first so many steps count."""
        while self._firsts[-1] < steps and self._look_on():
            pass

        return self._counted(bisect_right(self._firsts, steps) - 1, steps)

    def _counted(self, place: int, steps: int) -> int:
        pattern = self._patterns[place]

        return self._counts[place] + pattern.below(steps) - pattern.below(self._firsts[place])

    def _look_on(self) -> bool:
        """Look at the time up to one more change; False if there is none."""
        try:
            begins, offset = next(self._changes)
        except StopIteration:
            return False
        first = -((self._start - begins) // (self._hours * HOUR))
        self._counts.append(self._counted(-1, first) if self._firsts else 0)
        self._firsts.append(first)
        self._patterns.append(self._pattern(offset))

        return True

    def _pattern(self, offset: int) -> Pattern:
        if offset not in self._by_offset:
            shown, every = self._start + offset, self._hours * HOUR
            period = _WEEK_HOURS // gcd(_WEEK_HOURS, self._hours)
            days = (((shown + step * every) // DAY + _EPOCH_WEEKDAY) % 7 for step in range(period))
            self._by_offset[offset] = Pattern(period, [step for step, day in enumerate(days) if day in self._listed])

        return self._by_offset[offset]
