"""Between which moments does a zone's clock keep its distance from UTC?

A zone is a row of stretches of constant offset. Within one, wall-clock time is instant plus offset and
cron is plain calendar search; all that clock changes do to a rule is said in the two windows of a stretch.
Everything is in whole seconds: instants since the epoch, wall-clock times since the same date on the wall.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_DAY = 86_400

# Shorter than any stretch since 1970 (the shortest, Recife's summer of 2000, is a week less an hour).
_PROBE = 6 * _DAY

# The edges of the calendar, a little inside Python's own so that no offset leads out of it.
FIRST_YEAR, LAST_YEAR = 2, 9999
CALENDAR_BEGINS = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // _SECOND
CALENDAR_ENDS = (datetime(LAST_YEAR, 12, 30, tzinfo=UTC) - _EPOCH) // _SECOND


class Stretch(NamedTuple):
    """A time from `begins` up to, not including, `ends` in which the offset is the same.

    `repeated` is how many seconds of wall-clock time at its beginning have just been on the wall already;
    `skipped` is how many at its end the clock is about to jump over.
    """

    begins: int
    ends: int
    offset: int
    repeated: int
    skipped: int

    def window(self, *, every_hour: bool) -> tuple[int, int]:
        """The wall-clock times, first and end, that a rule takes from this stretch.

        A rule for every hour lives in real time: what is skipped is skipped, what is repeated rings twice.
        A rule for chosen hours lives on the wall: skipped times move on by what was skipped (they are still
        counted with this offset), repeated times were already rung.
        """
        opens, closes = self.begins + self.offset, self.ends + self.offset
        return (opens, closes) if every_hour else (opens + self.repeated, closes + self.skipped)


def stretches(zone: ZoneInfo, instant: int) -> Iterator[Stretch]:
    """The stretches that may hold moments after this instant, in order, to the calendar's end.

    A stretch may be cut at a year's end; a cut changes nothing, since nothing is repeated or skipped there.
    """
    instant = max(instant, CALENDAR_BEGINS)
    if instant >= CALENDAR_ENDS:
        return
    # What the last stretch skips is still counted with it, for at most the day that Samoa once skipped.
    first_year = (_EPOCH + timedelta(seconds=max(instant - _DAY, CALENDAR_BEGINS))).year
    for year in range(first_year, LAST_YEAR + 1):
        for stretch in _year(zone, year):
            if stretch.ends + stretch.skipped > instant:
                yield stretch


def quiet_stretch(zone: ZoneInfo, instant: int) -> Stretch | None:
    """The stretch that this instant lies in, where no earlier one may hold later moments; None where one may.

    So it is but for the first day of a stretch; and who asks is mostly in the stretch of whoever asked before.
    """
    last = _last_asked_about(zone)
    stretch = last[0]
    if not stretch.begins <= instant < stretch.ends:
        stretch = next((each for each in stretches(zone, instant) if instant < each.ends), stretch)
        last[0] = stretch
    return stretch if stretch.begins + _DAY <= instant < stretch.ends else None


@cache
def _last_asked_about(_zone: ZoneInfo) -> list[Stretch]:
    return [Stretch(begins=0, ends=0, offset=0, repeated=0, skipped=0)]


@lru_cache(maxsize=16_384)
def _year(zone: ZoneInfo, year: int) -> tuple[Stretch, ...]:
    begins = (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // _SECOND
    ends = CALENDAR_ENDS if year == LAST_YEAR else (datetime(year + 1, 1, 1, tzinfo=UTC) - _EPOCH) // _SECOND
    edges = [begins, *_changes(zone, begins, ends), ends]
    # A change at the very stroke of the year is one of these edges too.
    offsets = [_offset(zone, edge) for edge in (begins - 1, *edges)]

    return tuple(
        Stretch(
            begins=edges[place],
            ends=edges[place + 1],
            offset=offset,
            repeated=max(0, offsets[place] - offset),
            skipped=max(0, offsets[place + 2] - offset),
        )
        for place, offset in enumerate(offsets[1:-1])
    )


def _changes(zone: ZoneInfo, begins: int, ends: int) -> Iterator[int]:
    """The moments strictly between the two at which the offset changes."""
    low, before = begins, _offset(zone, begins)
    while low < ends - 1:
        high = min(low + _PROBE, ends - 1)
        after = _offset(zone, high)
        if after != before:
            yield _first_moment(zone, low, high)
        low, before = high, after


def _first_moment(zone: ZoneInfo, low: int, high: int) -> int:
    """The first moment after low that has the offset of high."""
    reached = _offset(zone, high)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == reached:
            high = middle
        else:
            low = middle

    return high


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    return 0 if offset is None else offset // _SECOND
