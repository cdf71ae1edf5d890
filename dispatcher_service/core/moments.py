"""What is due when? Entries by their moments, in the order in which they came; one entry has one moment at most.

A million timers share few moments. So a moment is in the heap once, and an entry costs a place in its moment's list,
nine bytes, where an entry of the heap for each would cost a hundred and more; and what is armed again for a moment that
is there touches no heap at all. A moment with one entry has no list.
"""

from __future__ import annotations

import heapq
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from shared.timing.instants import Instant

OFF: Final = -1  # the moment of what is in no moment

# What is withdrawn leaves its place in a list, or its moment in the heap, behind: until half of a list, or of the heap
# and this many, is such waste. Each is then made anew, so that whatever was there goes soon after it was withdrawn.
_WASTE_MAX: Final = 1_000


class Entry(Protocol):
    """Whatever can be due. `armed`: for which moment it is here, OFF for none; nobody else writes that."""

    armed: Instant


What = TypeVar("What", bound=Entry)


class _Shared(msgspec.Struct, Generic[What], gc=False):
    """The entries of one moment; the first `taken` places are through, and so many others are `waste`.

    `due` is the number that all entries have for it: one object, and not 32 bytes for each.
    """

    due: Instant
    places: list[What]
    taken: int = 0
    waste: int = 0


class Moments(Generic[What]):
    """Entries, first those whose moment is first."""

    def __init__(self) -> None:
        self._heap: list[Instant] = []  # every moment once; some have gone
        self._at: dict[Instant, What | _Shared[What]] = {}
        self._places = 0

    def __len__(self) -> int:
        """How many places are taken, those that are good for nothing any more included."""
        return self._places

    def put(self, what: What, due: Instant) -> None:
        """From now on it is due at this moment, and at no other; where it is already, it keeps its place."""
        if what.armed == due:
            return
        self.withdraw(what)
        self._places += 1
        there = self._at.get(due)
        if there is None:
            self._at[due] = what
            self._push(due)
        elif isinstance(there, _Shared):
            there.places.append(what)
            due = there.due
        else:
            due = there.armed
            self._at[due] = _Shared(due, [there, what])
        what.armed = due

    def withdraw(self, what: What) -> None:
        """It is due no more. Harmless where it was not."""
        due = what.armed
        if due == OFF:
            return
        what.armed = OFF
        there = self._at[due]
        if isinstance(there, _Shared):
            there.waste += 1
            if 2 * there.waste > len(there.places) - there.taken:
                self._clear_out(due, there)
        else:
            del self._at[due]
            self._places -= 1

    def first_due(self) -> Instant | None:
        """The moment of the first entry, or None where there is none."""
        heap, at = self._heap, self._at
        while heap:
            due = heap[0]
            there = at.get(due)
            if isinstance(there, _Shared):
                places = there.places
                while there.taken < len(places):
                    if places[there.taken].armed == due:
                        return due
                    there.taken += 1
                    there.waste -= 1
                    self._places -= 1
                del at[due]
            elif there is not None:
                return due
            heapq.heappop(heap)
        return None

    def take_first(self) -> What:
        """The first entry; it is due no more. There must be one."""
        due = self._heap[0]
        there = self._at[due]
        if isinstance(there, _Shared):
            what = there.places[there.taken]
            there.taken += 1
        else:
            what = there
            del self._at[due]
            heapq.heappop(self._heap)
        what.armed = OFF
        self._places -= 1
        return what

    def _push(self, due: Instant) -> None:
        heapq.heappush(self._heap, due)
        if len(self._heap) > 2 * len(self._at) + _WASTE_MAX:
            self._heap = list(self._at)
            heapq.heapify(self._heap)

    def _clear_out(self, due: Instant, there: _Shared[What]) -> None:
        """Only what is good stays, in its first place: what was withdrawn and put back may have two."""
        before = len(there.places) - there.taken
        there.places = list(dict.fromkeys(what for what in there.places[there.taken :] if what.armed == due))
        there.taken = there.waste = 0
        self._places -= before - len(there.places)
        if not there.places:
            del self._at[due]
