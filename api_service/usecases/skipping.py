"""Which occurrences did a pause swallow? They are accounted for as one stretch when the pause ends."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.event import Event
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedStretch:
    """So many occurrences, the first of them, and the last."""

    first: Instant
    last: Instant
    count: int


def skipped_in_pause(event: Event, now: Instant) -> SkippedStretch | None:
    """What a paused event has not rung since its last settled occurrence, if anything."""
    rule, clock = cron.parse(event.interval, seed=event.event_id), zone(event.timezone)
    since = max(event.anchor, event.settled_through or event.anchor)
    through = min(now, event.end_date - 1)

    first = cron.next_after(rule, clock, since)
    if first is None or first > through:
        return None
    last = cron.latest_through(rule, clock, since, through)
    count = cron.count_between(rule, clock, since, through)
    return SkippedStretch(first=first, last=first if last is None else last, count=count)
