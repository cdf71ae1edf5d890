"""What is being attempted, by name and attempt: it outlives the session in which it began, and must not begin twice.

A shard may be lost and won back while a request is under way. Then the occurrence comes out of the agenda once more,
and its name tells that it is being rung, or has just been.
"""

from __future__ import annotations

from typing import TypeAlias

from dispatcher_service.core.firing import Firing
from dispatcher_service.core.shard import Shard

# How many firings are remembered whose shard was lost when they ended: more than are ever under way at once.
ORPHANS = 20_000

Name: TypeAlias = tuple[str, int]  # of a firing, and which attempt


class UnderWay:
    """Firings between their first look and their outcome."""

    def __init__(self) -> None:
        self._names: set[Name] = set()
        self._of_shard: dict[Shard, int] = {}
        self._orphans: dict[Name, None] = {}

    def __len__(self) -> int:
        return len(self._names)

    def of(self, shard: Shard) -> int:
        """How many of this shard."""
        return self._of_shard.get(shard, 0)

    def begin(self, firing: Firing) -> None:
        """It is being looked at or attempted from now on."""
        self._names.add(_name(firing))
        self._of_shard[firing.shard] = self.of(firing.shard) + 1

    def end(self, firing: Firing) -> None:
        """It is not any more."""
        self._names.discard(_name(firing))
        left = self._of_shard[firing.shard] - 1
        if left:
            self._of_shard[firing.shard] = left
        else:
            del self._of_shard[firing.shard]

    def orphaned(self, firing: Firing) -> None:
        """It was attempted, and its shard is not what it was when it began."""
        self._orphans[_name(firing)] = None
        while len(self._orphans) > ORPHANS:
            del self._orphans[next(iter(self._orphans))]

    def knows(self, firing: Firing) -> bool:
        """Is this being attempted, or has it been in a session before? Whatever session it was begun in."""
        name = _name(firing)
        return name in self._names or name in self._orphans

    def was_orphaned(self, firing: Firing) -> bool:
        """Has it been attempted in a session before?"""
        return _name(firing) in self._orphans


def _name(firing: Firing) -> Name:
    return firing.name, firing.attempt
