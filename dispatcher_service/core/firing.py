"""May this firing be attempted, given the facts? Asked before the attempt, and again as its bytes are to leave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from dispatcher_service.core.agenda import Held, settle
from dispatcher_service.core.misfire import is_overtaken
from dispatcher_service.core.shard import Shard, Stage
from shared.domain.firing import Attempted, AttemptError, Skipped, SkipReason
from shared.domain.ids import firing_name
from shared.timing.instants import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An occurrence that was taken from the agenda, or asked for by hand."""

    shard: Shard
    held: Held
    nominal: Instant
    manual: bool
    attempt: int = 1

    @property
    def name(self) -> str:
        """The name that never changes."""
        return firing_name(self.held.timer.id, self.nominal, manual=self.manual)

    @property
    def current(self) -> Held | None:
        """The timer as it is now: it may have been changed, or be gone."""
        return self.shard.timers.get(self.held.timer.id)


class Verdict(Enum):
    """What to do with a firing that is about to be attempted."""

    GO = auto()
    WAIT = auto()  # we cannot be sure that the shard is ours
    DROP = auto()  # it is none of our business any more; nothing is reported
    ENDED = auto()
    PAUSED = auto()
    MISFIRED = auto()  # it waited too long, for its host or for the lease


def verdict(firing: Firing, *, leased: bool, now: Instant, begun: bool) -> Verdict:
    """May it be attempted now? While a shard is being given up, what has begun goes on and nothing new begins."""
    stage = firing.shard.stage
    if stage is Stage.LOST or (stage is Stage.LEAVING and not begun):
        return Verdict.DROP
    if not leased:
        return Verdict.WAIT
    held = firing.current
    if now >= (held or firing.held).timer.end:
        return Verdict.ENDED
    return Verdict.DROP if held is None else _standing(firing, held, now)


def _standing(firing: Firing, held: Held, now: Instant) -> Verdict:
    if held.timer.paused:
        return Verdict.PAUSED
    if not firing.manual and is_overtaken(firing.nominal, held.timer.anchor, now):
        return Verdict.MISFIRED
    return Verdict.GO


def attempted(
    firing: Firing, *, started: Instant, duration_ms: int, status_code: int, error: AttemptError
) -> Attempted:
    """The outcome of an attempt that is over; the firing is settled by it."""
    return Attempted(
        timer_id=firing.held.timer.id,
        nominal=firing.nominal,
        manual=firing.manual,
        attempt=firing.attempt,
        started=started,
        duration_ms=duration_ms,
        status_code=status_code,
        error=error,
        settled_through=_settled(firing),
    )


def skipped(firing: Firing, reason: SkipReason) -> Skipped:
    """The outcome of a firing that was taken and then not attempted."""
    return Skipped(
        timer_id=firing.held.timer.id,
        first=firing.nominal,
        last=firing.nominal,
        count=1,
        manual=firing.manual,
        reason=reason,
        settled_through=_settled(firing),
    )


def _settled(firing: Firing) -> Instant:
    held = firing.current or firing.held
    if firing.manual:
        return held.settled_through
    return settle(held, firing.nominal)
