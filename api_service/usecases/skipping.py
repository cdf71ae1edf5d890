"""Which occurrences did a pause or a change swallow? They are accounted for: in stretches, as far as they go.

What fell due about when the event stopped may have rung, or be ringing still, and is merely not reported yet. Each of
those stands alone, because the report of an attempt replaces a skip that stands alone, and never a part of a stretch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from shared.domain.event import Event, offset_of
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone

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


def skipped_in_pause(event: Event, now: Instant) -> Iterator[SkippedStretch]:
    """What a paused event has not rung since its last settled occurrence, in order."""
    # No change can be made before the pause begins; one that came later only makes more of them stand alone.
    return _skipped(event, event.updated_date, now)


def skipped_by_change(event: Event, now: Instant) -> Iterator[SkippedStretch]:
    """What a running event has not rung since its last settled occurrence, in order; its series begins anew now."""
    return _skipped(event, now, now)


def _skipped(event: Event, stopped: Instant, now: Instant) -> Iterator[SkippedStretch]:
    rule, clock = cron.parse(event.interval, seed=event.event_id), zone(event.timezone)
    since = max(event.anchor, event.settled_through or event.anchor)
    through = min(now, event.end_date - 1)
    if since >= through:
        return
    last_due = stopped - offset_of(event)
    # However late it is, the latest one may have been caught up with.
    latest = cron.latest_through(rule, clock, since, min(last_due, through)) or through
    under_way = min(last_due - WAITING_MS - event.delivery.timeout_ms, latest - 1)
    doubtful = max(since, min(under_way, through))
    heard = max(doubtful, min(last_due + ON_ITS_WAY_MS, through))

    yield from _stretch(rule, clock, since, doubtful)
    yield from _alone(rule, clock, doubtful, heard)
    yield from _stretch(rule, clock, heard, through)


def _stretch(rule: cron.Rule, clock: ZoneInfo, after: Instant, through: Instant) -> Iterator[SkippedStretch]:
    last = cron.latest_through(rule, clock, after, through)
    if last is not None:
        first = cron.next_after(rule, clock, after) or last
        yield SkippedStretch(first=first, last=last, count=cron.count_between(rule, clock, after, through))


def _alone(rule: cron.Rule, clock: ZoneInfo, after: Instant, through: Instant) -> Iterator[SkippedStretch]:
    while (due := cron.next_after(rule, clock, after)) is not None and due <= through:
        yield SkippedStretch(first=due, last=due, count=1)
        after = due
