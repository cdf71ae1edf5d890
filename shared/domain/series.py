"""At which instants does a timer ring? A cron rule on a clock is one answer; whoever asks need not know which.

What `cron` says of asking from within an hour that is being repeated holds here too: ask from instants of the series.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.timing import cron
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


@dataclass(frozen=True, slots=True)
class CronSeries:
    """The instants of a rule on a clock."""

    rule: cron.Rule
    clock: ZoneInfo

    def next_after(self, after: Instant) -> Instant | None:
        """The first instant after this moment; None if there is none."""
        return cron.next_after(self.rule, self.clock, after)

    def seen_through(self, after: Instant) -> Instant | None:
        """For ever."""
        return None

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last instant after the one moment and not after the other; None if there is none."""
        return cron.latest_through(self.rule, self.clock, after, through)

    def before_the_latest(self, after: Instant, through: Instant, most: int) -> Instant:
        """The earliest moment from `after` on that has no more than `most` instants after it, up to `through`."""
        return cron.before_the_latest(self.rule, self.clock, after, through, most)

    def count_between(self, after: Instant, through: Instant) -> int:
        """How many instants come after the one moment and not after the other."""
        return cron.count_between(self.rule, self.clock, after, through)

    def upcoming(self, after: Instant, count: int) -> list[Instant]:
        """The next instants after this moment, at most so many, in order."""
        return cron.upcoming(self.rule, self.clock, after, count)


def cron_series(expression: str, zone_name: str, *, seed: str = "") -> CronSeries:
    """The series of an expression in a zone; H is drawn from the seed. Raises cron.InvalidRule, zones.UnknownZone."""
    return _shared(cron.parse(expression, seed=seed), zone(zone_name))


@lru_cache(maxsize=16_384)
def _shared(rule: cron.Rule, clock: ZoneInfo) -> CronSeries:
    """One object for the many timers that have the same rule and zone."""
    return CronSeries(rule, clock)
