"""Which occurrences did a pause or a change swallow? They are accounted for: in stretches, as far as they go.

What fell due about when the event stopped may have rung, or be ringing still, and is merely not reported yet. Each of
those stands alone, because the report of an attempt replaces a skip that stands alone, and never a part of a stretch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.event import Event, offset_of, series_of
from shared.domain.series import Series
from shared.timing.instants import Instant

# So long an occurrence waits for its host before it is overtaken by the next; then its attempt takes its time.
WAITING_MS = 60_000
# So long a dispatcher may take to hear of it.
ON_ITS_WAY_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedStretch:
    """So many occurrences, the first of them, and the last."""

    first: Instant
    last: Instant
    count: int


def skipped_in_pause(event: Event, through: Instant) -> Iterator[SkippedStretch]:
    """What a paused event has not rung since its last settled occurrence, in order, up to where it begins anew."""
    # No change can be made before the pause begins; one that came later only makes more of them stand alone.
    return _skipped(event, event.updated_date, through)


def skipped_by_change(event: Event, now: Instant, through: Instant) -> Iterator[SkippedStretch]:
    """What a running event has not rung since its last settled occurrence, in order, up to where it begins anew."""
    return _skipped(event, now, through)


def _skipped(event: Event, stopped: Instant, through: Instant) -> Iterator[SkippedStretch]:
    series = series_of(event)
    since = max(event.anchor, event.settled_through or event.anchor)
    through = min(through, event.end_date - 1)
    if since >= through:
        return
    last_due = stopped - offset_of(event)
    # However late it is, the latest one may have been caught up with.
    latest = series.latest_through(since, min(last_due, through)) or through
    under_way = min(last_due - WAITING_MS - event.delivery.timeout_ms, latest - 1)
    doubtful = max(since, min(under_way, through))
    heard = max(doubtful, min(last_due + ON_ITS_WAY_MS, through))

    yield from _stretch(series, since, doubtful)
    yield from _alone(series, doubtful, heard)
    yield from _stretch(series, heard, through)


def _stretch(series: Series, after: Instant, through: Instant) -> Iterator[SkippedStretch]:
    last = series.latest_through(after, through)
    if last is not None:
        first = series.next_after(after) or last
        yield SkippedStretch(first=first, last=last, count=series.count_between(after, through))


def _alone(series: Series, after: Instant, through: Instant) -> Iterator[SkippedStretch]:
    while (due := series.next_after(after)) is not None and due <= through:
        yield SkippedStretch(first=due, last=due, count=1)
        after = due
