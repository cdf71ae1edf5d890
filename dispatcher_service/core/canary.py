"""A canary: a timer of the dispatcher's own in every shard that rings, so that silence is heard where no event is due.

It goes the way of a ring, up to where the request would leave. Whoever knows the shard's events knows nothing of it: it
is in no digest, no snapshot and no ledger. Only one is on its way at a time, so a late one tells how late by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatcher_service.core.moments import OFF
from shared.timing.instants import Instant

EVERY_MS: Final = 10_000
SILENT_SECONDS: Final = 30.0  # three turns were missed

_SECOND: Final = 1_000
_PHASE: Final = 618  # ten shards later: spread over the second as evenly as it goes


@dataclass(slots=True, eq=False)
class Canary:
    """One shard's. `heard`: when it last sang, or was to begin, by the wall clock and by one that never steps.

    0 before: the shard does not ring yet, or is just being armed.
    """

    shard: int
    armed: Instant = OFF
    heard: Instant = 0
    heard_steady: float = 0.0

    def next_after(self, moment: Instant) -> Instant:
        """Its first turn after this moment. Of ten shards in a row each has a second of its own."""
        offset = self.shard * _SECOND + self.shard // 10 * _PHASE % _SECOND
        return moment + EVERY_MS - (moment - offset) % EVERY_MS

    def is_silent(self, steady: float) -> bool:
        """Has it missed its turns?"""
        return steady - self.heard_steady > SILENT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """One turn of a canary that has come."""

    canary: Canary
    nominal: Instant

    @property
    def lane(self) -> str:
        """A lane of its own each time: what bounds the requests to one host does not bound what makes none."""
        return f"canary:{self.canary.shard}:{self.nominal}"
