"""What was read lately need not be read again while its row is the same one: who is on call is asked over and over."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Recent(Generic[Thing]):
    """At most so many things by their ids, each as of one version of its row; the longest unused goes first."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._things: OrderedDict[str, tuple[str, Thing]] = OrderedDict()

    def get(self, thing_id: str, version: str) -> Thing | None:
        """The thing as of this version, if it is remembered."""
        known = self._things.get(thing_id)
        if known is None or known[0] != version:
            return None
        self._things.move_to_end(thing_id)
        return known[1]

    def put(self, thing_id: str, version: str, thing: Thing) -> None:
        """Remember the thing as of this version."""
        self._things[thing_id] = version, thing
        self._things.move_to_end(thing_id)
        while len(self._things) > self._most:
            self._things.popitem(last=False)
