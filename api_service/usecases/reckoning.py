"""Is each instant in the ledger? What was due is laid beside what is written, a window at a time, in order.

A stretch says that nothing in it was attempted, so it accounts for all that was due from its first to its last, be it
of a newer rule than its own. But its number must be right by its own: otherwise it proves nothing, and is unexpected,
as is an entry at an instant that no rule names.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from api_service import limits
from api_service.store.entries import Entry
from api_service.usecases.history import Due, Era, series_before
from shared.domain.firing import Execution
from shared.timing.instants import Instant


@dataclass(slots=True, kw_only=True)
class Gap:
    """So many instants one after the other of which the ledger knows nothing, the first of them, and the last."""

    first: Instant
    last: Instant
    count: int = 1


@dataclass(slots=True, kw_only=True)
class Reckoning:
    """What was due, and what the ledger says of it. All instants up to `settled` must be in it.

    `expected` is the sum of what is recorded, what is missing and what is under way: due later than that, and not yet
    in the ledger. Only the first gaps and unexpected entries are kept; their numbers are of all.
    """

    settled: Instant
    eras: Sequence[Era]
    shown: int = limits.AUDIT_SHOWN
    expected: int = 0
    recorded: Counter[Execution] = field(default_factory=Counter)
    missing: int = 0
    gaps: list[Gap] = field(default_factory=list)
    under_way: int = 0
    unexpected_count: int = 0
    unexpected: list[Entry] = field(default_factory=list)
    _proofs: list[Entry] = field(default_factory=list)
    _open: Gap | None = None

    def reach(self, entries: Sequence[Entry]) -> None:
        """Count in the stretches that began before the first window."""
        for entry in entries:
            if self._is_right(entry):
                self._proofs.append(entry)
            else:
                self._does_not_expect(entry)

    def window(self, dues: Sequence[Due], entries: Sequence[Entry]) -> None:
        """Lay beside each other what was due in the next window of time and all that begins in it, in order."""
        due = {one.nominal for one in dues}
        alone: dict[Instant, Entry] = {}
        for entry in entries:
            if entry.count == 1:
                alone[entry.nominal] = entry
                is_right = True
            elif is_right := _is_within(entry, dues) or self._is_right(entry):
                self._proofs.append(entry)
            if not is_right or entry.nominal not in due:
                self._does_not_expect(entry)
        for one in dues:
            self._reckon(one, alone.get(one.nominal) or self._proof_of(one))

    def _is_right(self, stretch: Entry) -> bool:
        """Is its number that of its series? Of what began before the history did, that cannot be said."""
        first, last, count = stretch.nominal, stretch.last, stretch.count
        return first <= self.eras[0].since or any(
            series.count_between(first, last) + 1 == count for series in series_before(self.eras, first)
        )

    def _proof_of(self, due: Due) -> Entry | None:
        self._proofs = [entry for entry in self._proofs if entry.last >= due.nominal]
        return next((entry for entry in self._proofs if entry.nominal <= due.nominal), None)

    def _reckon(self, due: Due, entry: Entry | None) -> None:
        self.expected += 1
        if entry is not None:
            self.recorded[entry.status] += 1
            self._open = None
        elif due.nominal > self.settled:
            self.under_way += 1
        else:
            self._misses(due.nominal)

    def _misses(self, nominal: Instant) -> None:
        self.missing += 1
        if self._open is not None:
            self._open.last = nominal
            self._open.count += 1
            return
        self._open = Gap(first=nominal, last=nominal)
        if len(self.gaps) < self.shown:
            self.gaps.append(self._open)

    def _does_not_expect(self, entry: Entry) -> None:
        self.unexpected_count += 1
        if len(self.unexpected) < self.shown:
            self.unexpected.append(entry)


def _is_within(stretch: Entry, dues: Sequence[Due]) -> bool:
    """Is it seen to be right without counting: all of it in the window, and all of one series?"""
    first = bisect_left(dues, stretch.nominal, key=_nominal)
    end = bisect_right(dues, stretch.last, key=_nominal)
    is_whole = end < len(dues) or (end > 0 and stretch.last == dues[-1].nominal)
    return (
        is_whole and end - first == stretch.count and all(one.series == dues[first].series for one in dues[first:end])
    )


def _nominal(due: Due) -> Instant:
    return due.nominal
