"""Which occurrences did a pause swallow? They are accounted for when the pause ends: in stretches, as far as they go.

What fell due about when the pause began may have rung, or be ringing still, and is merely not reported yet. Each of
those stands alone, because the report of an attempt replaces a skip that stands alone, and never a part of a stretch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from shared.domain.event import Event
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone

# A minute of waiting, after which an occurrence is overtaken by the next, and half a minute for an answer.
UNDER_WAY_MS = 90_000
# So long a dispatcher may take to hear of the pause.
ON_ITS_WAY_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedStretch:
    """So many occurrences, the first of them, and the last."""

    first: Instant
    last: Instant
    count: int


def skipped_in_pause(event: Event, now: Instant) -> Iterator[SkippedStretch]:
    """What a paused event has not rung since its last settled occurrence, in order."""
    rule, clock = cron.parse(event.interval, seed=event.event_id), zone(event.timezone)
    since = max(event.anchor, event.settled_through or event.anchor)
    through = min(now, event.end_date - 1)
    # No change can be made before the pause begins; one that came later only makes more of them stand alone.
    doubtful = max(since, min(event.updated_date - UNDER_WAY_MS, through))
    heard = max(doubtful, min(event.updated_date + ON_ITS_WAY_MS, through))

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
