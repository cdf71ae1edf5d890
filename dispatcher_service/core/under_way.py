"""What is being attempted, by name and attempt: it outlives the session in which it began, and must not begin twice.

A shard may be lost and won back while a request is under way. Then the occurrence comes out of the agenda once more,
and its name tells that it is being rung, or has just been. What is connecting when its shard is lost is never sent:
whoever came after it stands behind it, and takes its place.
"""

from __future__ import annotations

from dispatcher_service.core.firing import Firing, Which
from dispatcher_service.core.shard import Shard
from shared.domain.firing import PendingFiring

# How many firings are remembered whose shard was lost when they ended: more than are ever under way at once.
ORPHANS = 20_000


class UnderWay:
    """Firings between their first look and their outcome."""

    def __init__(self) -> None:
        self._firings: dict[Which, Firing] = {}
        self._behind: dict[Which, Firing] = {}
        self._of_shard: dict[Shard, int] = {}
        self._orphans: dict[Which, PendingFiring | None] = {}

    def __len__(self) -> int:
        return len(self._firings)

    def of(self, shard: Shard) -> int:
        """How many of this shard."""
        return self._of_shard.get(shard, 0)

    def begin(self, firing: Firing) -> None:
        """It is being looked at or attempted from now on."""
        self._firings[firing.which] = firing
        self._of_shard[firing.shard] = self._of_shard.get(firing.shard, 0) + 1

    def end(self, firing: Firing) -> Firing | None:
        """It is not any more; returns what is to be attempted in its place, where it was not attempted itself."""
        name = firing.which
        self._firings.pop(name, None)
        left = self._of_shard[firing.shard] - 1
        if left:
            self._of_shard[firing.shard] = left
        else:
            del self._of_shard[firing.shard]
        return self._behind.pop(name, None) if self._behind else None

    def stand_behind(self, firing: Firing) -> bool:
        """Is this under way since before? Where it began in another session, this one waits for what becomes of it."""
        ahead = self._firings.get(firing.which)
        if ahead is not None and ahead.shard is not firing.shard:
            self._behind[firing.which] = firing
        return ahead is not None

    def orphaned(self, firing: Firing, following: PendingFiring | None) -> None:
        """It was attempted, and its shard is not what it was when it began. `following`: if it is attempted again."""
        self._behind.pop(firing.which, None)
        self._orphans[firing.which] = following
        while len(self._orphans) > ORPHANS:
            del self._orphans[next(iter(self._orphans))]

    def was_orphaned(self, firing: Firing) -> bool:
        """Has it been attempted in a session before?"""
        return bool(self._orphans) and firing.which in self._orphans

    def following(self, firing: Firing) -> PendingFiring | None:
        """What is to follow the attempt that was made in a session before."""
        return self._orphans.get(firing.which)
