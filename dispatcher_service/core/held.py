"""A timer as a dispatcher holds it, and what of it is under way: small, since there may be a million of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from dispatcher_service.core.moments import OFF
from shared.domain.roster_series import RosterSeries
from shared.domain.series import Series
from shared.domain.timer import Timer
from shared.timing.instants import Instant

TAKEN_MOST: Final = 1_000  # a change that comes later than this many occurrences has long been missed

Nominal: TypeAlias = tuple[Instant, bool]  # a firing of a given timer: its nominal instant, and whether by hand


class Held(msgspec.Struct, gc=False, eq=False):
    """A timer on behalf of one shard. `offset`: by how many milliseconds its occurrences ring after they are nominal.

    The garbage collector knows nothing of it, since a million of them took it 200 ms at a time: whoever lets go of one
    drops its `waiting` too, which knows it in turn.
    `begins` is the anchor it came with: since then its occurrences were taken one after the other, up to the anchor.
    `unreported` occurrences were taken, and the ledger knows nothing of them; `unfinished` ones may be attempted again.
    Both, and `waiting`, are None where there is nothing in them: nearly all of a million timers have nothing.
    """

    timer: Timer
    shard: int
    series: Series
    offset: int
    begins: Instant
    armed: Instant = OFF
    unreported: list[Instant] | None = None
    unfinished: set[Instant] | None = None
    waiting: dict[Nominal, Waiting] | None = None

    @property
    def settled_through(self) -> Instant:
        """Every occurrence up to this moment is settled, or the ledger knows of it."""
        return min(self.unreported) - 1 if self.unreported else self.timer.anchor


@dataclass(slots=True, eq=False)
class Waiting:
    """A firing that is to be attempted, perhaps not for the first time, at `due`."""

    held: Held
    nominal: Instant
    manual: bool
    attempts: int
    attempts_before: int
    due: Instant
    armed: Instant = OFF


def body_at(held: Held, nominal: Instant) -> bytes:
    """What is POSTed for this firing, to the byte, at whatever attempt."""
    series = held.series
    return series.body_at(nominal, held.timer.id) if isinstance(series, RosterSeries) else held.timer.body


def begin(held: Held, nominal: Instant) -> None:
    """This occurrence is being worked on, and nobody else knows."""
    if held.unreported is None:
        held.unreported = []
    held.unreported.append(nominal)
    remain(held, nominal)


def remain(held: Held, nominal: Instant) -> None:
    """This occurrence is unfinished."""
    if held.unfinished is None:
        held.unfinished = set()
    held.unfinished.add(nominal)


def report(held: Held, nominal: Instant, *, finished: bool) -> Instant:
    """What became of this occurrence is being reported; returns up to where all of the timer's are accounted for."""
    if held.unreported and nominal in held.unreported:
        held.unreported.remove(nominal)
        held.unreported = held.unreported or None
    if finished and held.unfinished:
        held.unfinished.discard(nominal)
        held.unfinished = held.unfinished or None
    return held.settled_through


def inherit(held: Held, before: Held) -> None:
    """The same timer, changed: what is under way stays under way, and what was taken is not taken again.

    A new rule begins at its own anchor, however far the old one had come; what both have and was taken is settled.
    """
    timer, taken = held.timer, before.timer
    if timer.anchor < taken.anchor and before.begins <= timer.anchor and held.series == before.series:
        held.begins, timer.anchor = before.begins, taken.anchor
    settled = {*timer.settled, *taken.settled, *_taken_after(before, timer.anchor)}
    timer.settled = tuple(sorted(instant for instant in settled if instant > timer.anchor))
    held.unreported, held.unfinished, held.waiting = before.unreported, before.unfinished, before.waiting
    for waiting in (held.waiting or {}).values():
        waiting.held = held


def completes(told: Timer, known: Timer) -> bool:
    """Is it the same timer with the roster that an API of a release without rosters has left out?"""
    return told.version == known.version and bool(told.roster) and not known.roster


def _taken_after(held: Held, moment: Instant) -> Iterator[Instant]:
    """The occurrences after this moment that were taken, or the latest of them: those long before it are misfires."""
    after, through = max(moment, held.begins), held.timer.anchor
    if after < through:
        after = held.series.before_the_latest(after, through, TAKEN_MOST)
        yield from held.series.upcoming(after, held.series.count_between(after, through))
