"""At which instants does a timer ring? A cron rule on a clock is one answer; whoever asks need not know which.

What `cron` says of asking from within an hour that is being repeated holds here too: ask from instants of the series.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from shared.timing import cron
from shared.timing.cron_draws import draws
from shared.timing.instants import Instant
from shared.timing.zones import zone


class Series(Protocol):
    """Instants in order, perhaps without an end; equal ones have the same."""

    def next_after(self, after: Instant) -> Instant | None:
        """The first instant after this moment; None if there is none in sight."""
        ...

    def seen_through(self, after: Instant) -> Instant | None:
        """Where there is no instant in sight after this moment: up to where, or None for ever."""
        ...

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last instant after the one moment and not after the other; None if there is none."""
        ...

    def before_the_latest(self, after: Instant, through: Instant, most: int) -> Instant:
        """The earliest moment from `after` on that has no more than `most` instants after it, up to `through`."""
        ...

    def count_between(self, after: Instant, through: Instant) -> int:
        """How many instants come after the one moment and not after the other."""
        ...

    def upcoming(self, after: Instant, count: int) -> list[Instant]:
        """The next instants after this moment, at most so many, in order."""
        ...


class CronSeries(cron.Clockwork):
    """The instants of a rule on a clock; it remembers its last answer, for all timers that hold it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CronSeries) and (self._rule, self._zone) == (other._rule, other._zone)

    def __hash__(self) -> int:
        return hash((self._rule, self._zone))

    def seen_through(self, after: Instant) -> Instant | None:
        """For ever."""
        return None

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last instant after the one moment and not after the other; None if there is none."""
        return cron.latest_through(self._rule, self._zone, after, through)

    def before_the_latest(self, after: Instant, through: Instant, most: int) -> Instant:
        """The earliest moment from `after` on that has no more than `most` instants after it, up to `through`."""
        return cron.before_the_latest(self._rule, self._zone, after, through, most)

    def count_between(self, after: Instant, through: Instant) -> int:
        """How many instants come after the one moment and not after the other."""
        return cron.count_between(self._rule, self._zone, after, through)

    def upcoming(self, after: Instant, count: int) -> list[Instant]:
        """The next instants after this moment, at most so many, in order."""
        return cron.upcoming(self._rule, self._zone, after, count)


def cron_series(expression: str, zone_name: str, *, seed: str = "") -> CronSeries:
    """The series of an expression in a zone; H is drawn from the seed. Raises cron.InvalidRule, zones.UnknownZone."""
    return _shared(expression, zone_name, seed if seed and draws(expression) else "")


@lru_cache(maxsize=131_072)  # by the two texts, which a timer brings, so that a shard of thousands is read quickly
def _shared(expression: str, zone_name: str, seed: str) -> CronSeries:
    """One object for the many timers that have the same rule and zone."""
    return CronSeries(cron.parse(expression, seed=seed), zone(zone_name))
