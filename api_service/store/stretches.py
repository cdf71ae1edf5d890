"""How does a stretch of skipped occurrences enter the ledger? It begins at the first of them that has no other story.

What was attempted, or is asked for, keeps its row and its instant: a stretch that would begin there begins at the next
instant of its rule, whichever of the two was told first. So neither hides the other, and none of the others is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.firing import Skipped, SkipReason
from shared.domain.roster_series import series_of
from shared.domain.series import Series
from shared.timing.instants import Instant, from_datetime, to_datetime

SQL = load(__file__)

_TAKEN_AT_ONCE: Final = 1_000

Rules: TypeAlias = Mapping[str, Sequence[Series]]  # that events have had, the latest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """So many occurrences of an event that nobody attempts, the first of them, and the last; or a single one."""

    event_id: str
    first: Instant
    last: Instant
    count: int
    reason: SkipReason

    @classmethod
    def of(cls, told: Skipped) -> Stretch:
        """As a dispatcher tells it."""
        return cls(event_id=told.timer_id, first=told.first, last=told.last, count=told.count, reason=told.reason)

    @property
    def extent(self) -> tuple[Instant, int, str]:
        """Of two that begin together the greater one counts, as it does in `insert`."""
        return self.last, self.count, self.reason


async def put(c: Connection, told: Iterable[Stretch], now: Instant) -> None:
    """Write them down; harmless when repeated, and the order in which they and attempts are told changes nothing."""
    left = _longest(told)
    while left:
        columns = zip(*(_row(left[place]) for place in sorted(left)), strict=True)
        rows = await c.fetch(SQL["insert"], *columns, to_datetime(now))
        written = {(row["event_id"], from_datetime(row["nominal"])) for row in rows}
        refused = [one for place, one in left.items() if one.count > 1 and place not in written]
        left = _longest(await _behind_what_is_taken(c, refused)) if refused else {}


async def give_way(c: Connection, places: Collection[tuple[str, Instant, bool]], now: Instant) -> None:
    """Make room for what was attempted: stretches that begin at one of these instants begin at their next ones."""
    events, nominals, manuals = zip(*sorted(places), strict=True)
    moments = [to_datetime(nominal) for nominal in nominals]
    was = [
        Stretch(
            event_id=row["event_id"],
            first=from_datetime(row["nominal"]),
            last=from_datetime(row["last"]),
            count=row["count"],
            reason=SkipReason(row["reason"]),
        )
        for row in await c.fetch(SQL["shorten"], events, moments, manuals, to_datetime(now))
    ]
    rules = await _rules(c, was)
    await put(c, [rest for one in was if (rest := behind(one, rules.get(one.event_id, ()), {one.first}))], now)


def behind(stretch: Stretch, known: Sequence[Series], taken: Collection[Instant]) -> Stretch | None:
    """What is left of a stretch behind those at its beginning that are taken, by the rule that it is of; None: nothing.

    Of an event that is gone no rule is known, and nobody asks for the others.
    """
    first, last, count = stretch.first, stretch.last, stretch.count
    if first not in taken:
        return stretch
    if not known:
        return None
    series = next((one for one in known if _is_of(stretch, one)), known[0])
    while first in taken:
        count -= 1
        following = last if count == 1 else series.next_after(first)  # one that is left is the last, whatever the rule
        if following is None or following > last or count == 0:
            return None
        first = following
    return replace(stretch, first=first, count=count)


def _is_of(stretch: Stretch, series: Series) -> bool:
    """Does this series have the first and the last of them, and so many from the one to the other?

    The number alone is not enough: another rule of the event may have as many instants in that time, at other moments.
    """
    ends = all(series.next_after(one - 1) == one for one in (stretch.first, stretch.last))
    return ends and series.count_between(stretch.first, stretch.last) + 1 == stretch.count


async def _behind_what_is_taken(c: Connection, refused: Collection[Stretch]) -> list[Stretch]:
    """What is left of those that could not begin where they should; one in whose place is a longer one is done."""
    rules = await _rules(c, refused)
    found = []
    for one in refused:
        extent = to_datetime(one.first), to_datetime(one.last)
        rows = await c.fetch(SQL["taken"], one.event_id, *extent, _TAKEN_AT_ONCE)
        taken = {from_datetime(row["nominal"]) for row in rows}
        rest = behind(one, rules.get(one.event_id, ()), taken) if one.first in taken else None
        found += [] if rest is None else [rest]
    return found


async def _rules(c: Connection, stretches: Collection[Stretch]) -> Rules:
    known: defaultdict[str, list[Series]] = defaultdict(list)
    events = sorted({one.event_id for one in stretches})
    for row in await c.fetch(SQL["rules"], events) if events else []:
        series = series_of(row["interval"], row["timezone"], row["roster"] or b"", seed=row["event_id"])
        known[row["event_id"]].append(series)
    return known


def _longest(told: Iterable[Stretch]) -> dict[tuple[str, Instant], Stretch]:
    """One at each place: a statement that meets the same row twice fails."""
    found: dict[tuple[str, Instant], Stretch] = {}
    for one in told:
        place = one.event_id, one.first
        found[place] = max(one, found.get(place, one), key=lambda each: each.extent)
    return found


def _row(one: Stretch) -> tuple[object, ...]:
    return one.event_id, to_datetime(one.first), to_datetime(one.last), one.count, one.reason
