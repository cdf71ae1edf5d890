"""What do timers add up to? Versions are unique in a shard, so count, sum and exclusive-or tell two sets apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from shared.domain.timer import Timer
from shared.timing.instants import Instant

Sums: TypeAlias = tuple[int, int, int, int]  # how many, their versions' sum and exclusive-or, how many have a roster


def adding_up(timers: Iterable[Timer], ends_after: Instant) -> Sums:
    """Of those that end after this moment. Each is looked at once: a million of them are all over the memory."""
    count = total = mixed = rosters = 0
    for timer in timers:
        if timer.end > ends_after:
            version = timer.version
            count += 1
            total += version
            mixed ^= version
            if timer.roster:
                rosters += 1
    return count, total, mixed, rosters
