"""Which instant is meant by a time on a zone's wall clock, and which one shows when? Both by one search in a table.

Here everything is in milliseconds: instants since the epoch, wall-clock times since the same date on the wall.
A time that happens twice means the first, one that is jumped over moves on by what was jumped over.
"""

from bisect import bisect_right
from calendar import isleap
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, cached_property
from typing import Final
from zoneinfo import ZoneInfo

from shared.timing.instants import Instant
from shared.timing.stretches import CALENDAR_ENDS, stretches
from shared.timing.zones import zone

DAY: Final = 86_400_000
EPOCH_DAY: Final = date(1970, 1, 1).toordinal()

# Up to here changes are looked up as governments announced them (Gaza's, for every Ramadan, reach to 2086), an era of
# four years at a time and only when it is asked about. From here on the calendar's 400 years are laid end to end,
# because what is left are rules like "the last Sunday in March".
_FIRST_YEAR, _FAR_YEAR = 1969, 2100
_ERA_BITS: Final = 37
# A table knows a little more than its time: what the wall shows is never as far from UTC as this.
_MARGIN: Final = 3 * DAY
_CYCLE_YEARS: Final = 400
_CYCLE: Final = 146_097 * DAY
_NEVER: Final = 10**18

# What is asked about lies between these; rules begin after the one, and no occurrence ends after the other.
OPENS: Final = (date(_FIRST_YEAR, 7, 1).toordinal() - EPOCH_DAY) * DAY
CLOSES: Final = CALENDAR_ENDS * 1000 - 2 * DAY
_FAR: Final = (date(_FAR_YEAR, 7, 1).toordinal() - EPOCH_DAY) * DAY


class _Table:
    """Changes of offset in order: at `edges[n]` it goes from `offsets[n]` to `offsets[n + 1]`.

    `limits[n]` is the wall-clock time up to which, first passes and jumped-over times included, the former counts.
    """

    __slots__ = ("edges", "limits", "offsets")

    def __init__(self, pieces: Iterator[tuple[Instant, int]]) -> None:
        _, first = next(pieces)
        self.edges, self.offsets = [-_NEVER], [first, first]
        for begins, offset in pieces:
            if offset != self.offsets[-1]:
                self.edges.append(begins)
                self.offsets.append(offset)
        self.edges.append(_NEVER)
        self.offsets.append(self.offsets[-1])
        self.limits = [edge + max(self.offsets[place : place + 2]) for place, edge in enumerate(self.edges)]


class WallClock:
    """The clock on the wall of one zone."""

    def __init__(self, place: ZoneInfo) -> None:
        self._zone = place
        self._eras: dict[int, _Table] = {}

    def instant(self, wall: int) -> Instant:
        """The instant that a wall-clock time means."""
        table, moved = self._at(wall)

        return wall - table.offsets[bisect_right(table.limits, wall - moved)]

    def later_instant(self, wall: int) -> Instant:
        """The instant that a wall-clock time means, the second one if it happens twice."""
        table, moved = self._at(wall)
        wall -= moved
        place = bisect_right(table.limits, wall)
        before, after = table.offsets[place : place + 2]
        happens_twice = after < before and wall >= table.edges[place] + after

        return wall + moved - (after if happens_twice else before)

    def reached(self, wall: int) -> Instant:
        """The first instant at which the clock shows this time or has jumped over it."""
        table, moved = self._at(wall)
        wall -= moved
        place = bisect_right(table.limits, wall)

        return min(wall - table.offsets[place], table.edges[place]) + moved

    def offset(self, instant: Instant) -> int:
        """How far the wall is ahead of UTC."""
        table, moved = self._at(instant)

        return table.offsets[bisect_right(table.edges, instant - moved)]

    def span(self, first: int, end: int) -> tuple[Instant, Instant] | None:
        """The instants of a span on the wall, or None if the clock jumps over all of it."""
        table, moved = self._at(first)
        place = bisect_right(table.limits, first - moved)
        begins, ends = first - table.offsets[place], self.instant(end)
        if ends <= begins:
            return None
        jumped_over = begins - moved >= table.edges[place] and end - moved <= table.limits[place]

        return None if jumped_over else (begins, ends)

    def count_before(self, instant: Instant, before: Callable[[int], int]) -> int:
        """How many wall-clock times mean an earlier instant, where `before` counts those below one on the wall.

        They must be at least a day apart, so that no two lie within what a clock jumps over.
        """
        if not OPENS < instant < CLOSES:
            instant = OPENS if instant <= OPENS else CLOSES
        table, moved = self._at(instant)
        place = bisect_right(table.edges, instant - moved)
        wall, since = instant + table.offsets[place], instant - moved - table.edges[place - 1]
        if since >= _MARGIN:
            return before(wall)
        # The clock was changed a moment ago; by how much, and which time on the wall was then over?
        jumped, over = table.offsets[place] - table.offsets[place - 1], table.limits[place - 1] + moved
        if jumped < 0:
            # All that happens twice has happened.
            return before(max(wall, over))
        count = before(wall)
        if since < jumped and count == before(over):
            # Times that were jumped over are still to come.
            return before(wall - jumped)

        return count

    def changes_from(self, instant: Instant) -> Iterator[tuple[Instant, int]]:
        """The offset at this instant, and each later one with the instant from which it counts, in order.

        One that goes on may be told again, so that nobody needs to look far ahead to hear that there is no change.
        """
        while instant < CLOSES:
            yield instant, self.offset(instant)
            table, moved = self._at(instant)
            era_ends = ((instant >> _ERA_BITS) + 1) << _ERA_BITS
            ends = min(era_ends, _FAR) if instant < _FAR else min(_FAR + moved + _CYCLE, CLOSES)
            for place in range(bisect_right(table.edges, instant - moved), len(table.edges) - 1):
                begins = table.edges[place] + moved
                if begins >= ends:
                    break
                yield begins, table.offsets[place + 1]
            instant = ends

    def _at(self, moment: int) -> tuple[_Table, int]:
        """The table that tells about this moment, and by how much it is set back before it is looked up."""
        if moment >= _FAR:
            return self._far, (moment - _FAR) // _CYCLE * _CYCLE
        try:
            return self._eras[moment >> _ERA_BITS], 0
        except KeyError:
            return self._learn(moment >> _ERA_BITS), 0

    def _learn(self, era: int) -> _Table:
        begins, ends = era << _ERA_BITS, (era + 1) << _ERA_BITS
        table = _Table(_pieces(self._zone, begins - _MARGIN, ends + _MARGIN))
        self._eras[era] = table

        return table

    @cached_property
    def _far(self) -> _Table:
        return _Table(_cycle_pieces(self._zone))


@cache
def wall_clock(name: str) -> WallClock:
    """The wall clock of the zone of this IANA name."""
    return _wall_clock(zone(name))


@cache
def _wall_clock(place: ZoneInfo) -> WallClock:
    return WallClock(place)


def _pieces(place: ZoneInfo, first: Instant, end: Instant) -> Iterator[tuple[Instant, int]]:
    """From when which offset counts, in this time; one may come twice in a row, and the first may begin earlier."""
    for stretch in stretches(place, first // 1000):
        if stretch.begins * 1000 >= end:
            return
        if stretch.ends * 1000 > first:
            yield stretch.begins * 1000, stretch.offset * 1000


def _cycle_pieces(place: ZoneInfo) -> Iterator[tuple[Instant, int]]:
    """The same for the calendar's whole cycle, of whose years there are but fourteen kinds."""
    kinds: dict[tuple[int, bool], list[tuple[int, int]]] = {}
    for year in range(_FAR_YEAR, _FAR_YEAR + _CYCLE_YEARS + 1):
        begins = _year_begins(year)
        kind = (date(year, 1, 1).weekday(), isleap(year))
        if kind not in kinds:
            pieces = _pieces(place, begins, _year_begins(year + 1))
            kinds[kind] = [(moment - begins, offset) for moment, offset in pieces]
        for after, offset in kinds[kind]:
            yield begins + after, offset


def _year_begins(year: int) -> Instant:
    return (date(year, 1, 1).toordinal() - EPOCH_DAY) * DAY
