"""What is being attempted, by name: a firing outlives the session in which it began, and must not begin twice.

A shard may be lost and won back while a request is under way. Then the occurrence comes out of the agenda once more,
and its name tells that it is being rung, or has just been.
"""

from __future__ import annotations

from dispatcher_service.core.firing import Firing
from dispatcher_service.core.shard import Shard

# How many firings are remembered whose shard was lost when they ended: more than are ever under way at once.
ORPHANS = 20_000


class UnderWay:
    """Firings between their first look and their outcome."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._of_shard: dict[Shard, int] = {}
        self._orphans: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._names)

    def of(self, shard: Shard) -> int:
        """How many of this shard."""
        return self._of_shard.get(shard, 0)

    def begin(self, firing: Firing) -> None:
        """It is being looked at or attempted from now on."""
        self._names.add(firing.name)
        self._of_shard[firing.shard] = self.of(firing.shard) + 1

    def end(self, firing: Firing) -> None:
        """It is not any more."""
        self._names.discard(firing.name)
        left = self._of_shard[firing.shard] - 1
        if left:
            self._of_shard[firing.shard] = left
        else:
            del self._of_shard[firing.shard]

    def orphaned(self, firing: Firing) -> None:
        """It was attempted, and its shard is not what it was when it began."""
        self._orphans[firing.name] = None
        while len(self._orphans) > ORPHANS:
            del self._orphans[next(iter(self._orphans))]

    def knows(self, firing: Firing) -> bool:
        """Is this being attempted, or has it been in a session before? Whatever session it was begun in."""
        name = firing.name
        return name in self._names or name in self._orphans

    def was_orphaned(self, firing: Firing) -> bool:
        """Has it been attempted in a session before?"""
        return firing.name in self._orphans
