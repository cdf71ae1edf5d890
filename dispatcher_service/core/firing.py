"""May this firing be attempted, given the facts? And what follows from an attempt: done, given up, or once more."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, TypeAlias

import msgspec

from dispatcher_service.core.held import Held, Waiting, report
from dispatcher_service.core.misfire import is_overtaken, misfired_through
from dispatcher_service.core.shard import Shard, Stage
from shared.domain.delivery import Headers
from shared.domain.firing import (
    Abandoned,
    Attempted,
    AttemptError,
    FailReason,
    PendingFiring,
    Skipped,
    SkipReason,
)
from shared.domain.ids import firing_name
from shared.domain.retry import GONE, backoff_ms, is_retryable, retry_after
from shared.timing.instants import Instant

Which: TypeAlias = tuple[str, int]  # a firing's name, and which attempt


class Firing(msgspec.Struct, kw_only=True, eq=False):
    """An occurrence that was taken from the agenda, or a firing that has waited for this attempt.

    `name` never changes. `effective` is when it is to ring: the nominal instant, and what the spread adds to it.
    `which` tells it from all others: its name, and which attempt it is.
    """

    shard: Shard
    held: Held
    nominal: Instant
    manual: bool
    attempt: int = 1
    attempts_before: int = 0
    due: Instant | None = None  # of a firing that waited; an occurrence is due at its effective instant
    name: str = ""
    effective: Instant = 0
    which: Which = ("", 0)

    def __post_init__(self) -> None:
        self.name = firing_name(self.held.timer.id, self.nominal, manual=self.manual)
        self.effective = self.nominal if self.manual else self.nominal + self.held.offset
        self.which = self.name, self.attempt

    @property
    def current(self) -> Held | None:
        """The timer as it is now: it may have been changed, or be gone."""
        return self.shard.timers.get(self.held.timer.id)


def firing_of(shard: Shard, waiting: Waiting) -> Firing:
    """The next attempt at a firing that has waited for it."""
    return Firing(
        shard=shard,
        held=waiting.held,
        nominal=waiting.nominal,
        manual=waiting.manual,
        attempt=waiting.attempts + 1,
        attempts_before=waiting.attempts_before,
        due=waiting.due,
    )


class Verdict(Enum):
    """What to do with a firing that is about to be attempted."""

    GO = auto()
    WAIT = auto()  # we cannot be sure that the shard is ours
    DROP = auto()  # it is none of our business any more; nothing is reported
    ENDED = auto()
    PAUSED = auto()
    MISFIRED = auto()  # it waited too long, for its host or for the lease


_SKIPPED: Final = {
    Verdict.ENDED: SkipReason.ENDED,
    Verdict.PAUSED: SkipReason.PAUSED,
    Verdict.MISFIRED: SkipReason.MISFIRED,
}
_ABANDONED: Final = {Verdict.ENDED: FailReason.ENDED, Verdict.PAUSED: FailReason.PAUSED}


def may_ring(shard: Shard, *, leased: bool, begun: bool) -> Verdict:
    """Is it ours to ring? While a shard is being given up, what has begun goes on and nothing new begins."""
    if shard.stage is Stage.LOST or (shard.stage is Stage.LEAVING and not begun):
        return Verdict.DROP
    return Verdict.GO if leased else Verdict.WAIT


def verdict(firing: Firing, *, leased: bool, now: Instant, begun: bool) -> Verdict:
    """May it be attempted now?"""
    shard = firing.shard
    if not leased or shard.stage is not Stage.LIVE:
        ours = may_ring(shard, leased=leased, begun=begun)
        if ours is not Verdict.GO:
            return ours
    held = shard.timers.get(firing.held.timer.id)
    timer = (held or firing.held).timer
    if now >= timer.end:
        return Verdict.ENDED
    if held is None:
        return Verdict.DROP
    if timer.paused:
        return Verdict.PAUSED
    waits_for_its_first = firing.due is None and not firing.manual
    if waits_for_its_first and firing.effective <= misfired_through(now, timer.delivery):
        return _late(firing, held, now)
    return Verdict.GO


def _late(firing: Firing, held: Held, now: Instant) -> Verdict:
    timer = held.timer

    def successors() -> int:  # a rule that has changed since may have none between, and has come further all the same
        return max(held.series.count_between(firing.nominal, timer.anchor), int(timer.anchor > firing.nominal))

    overtaken = is_overtaken(firing.effective, now, timer.delivery, successors=successors)
    return Verdict.MISFIRED if overtaken else Verdict.GO


class Heard(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """What came of a request, or why none was made.

    `status_code` is 0 where no answer came, and the rest of the answer is empty then. What is kept of an answer holds
    no secret that was sent. `truncated`: its body is more than `body`.
    """

    started: Instant
    duration_ms: int
    status_code: int
    error: AttemptError
    retry_after: str = ""
    not_before: Instant = 0  # the backoff begins then
    body: bytes = b""
    truncated: bool = False
    headers: Headers = ()


def attempted(firing: Firing, heard: Heard, *, version: int, now: Instant, draw: float) -> Attempted:
    """The outcome of an attempt at this version of the timer, and when there is another; `draw` is from [0, 1)."""
    retry_at, reason = _what_next(firing, heard, now, draw)
    return Attempted(
        timer_id=firing.held.timer.id,
        nominal=firing.nominal,
        manual=firing.manual,
        attempt=firing.attempt,
        started=heard.started,
        duration_ms=heard.duration_ms,
        status_code=heard.status_code,
        error=heard.error,
        settled_through=_reported(firing, finished=not retry_at),
        effective=firing.effective,
        retry_at=retry_at,
        reason=reason,
        version=version,
        body=heard.body,
        truncated=heard.truncated,
        headers=heard.headers,
    )


def _what_next(firing: Firing, heard: Heard, now: Instant, draw: float) -> tuple[Instant, FailReason | None]:
    """When the next attempt is due, 0 for never; and if it is given up, why."""
    if heard.error is AttemptError.NONE:
        return 0, None
    if heard.status_code == GONE:
        return 0, FailReason.GONE
    if not is_retryable(heard.error, heard.status_code):
        return 0, FailReason.NOT_RETRYABLE
    timer = (firing.current or firing.held).timer
    tried = firing.attempt - firing.attempts_before
    if tried >= timer.delivery.retry.max_attempts:
        return 0, FailReason.EXHAUSTED
    backoff = max(now, heard.not_before) + backoff_ms(timer.delivery.retry, tried, draw)
    retry_at = max(backoff, retry_after(heard.retry_after, now))
    return (retry_at, None) if retry_at < timer.end else (0, FailReason.ENDED)


def next_attempt(outcome: Attempted, firing: Firing) -> PendingFiring:
    """The firing as it waits for the attempt that the outcome speaks of."""
    return PendingFiring(
        timer_id=outcome.timer_id,
        nominal=outcome.nominal,
        manual=outcome.manual,
        attempts=outcome.attempt,
        due=outcome.retry_at,
        attempts_before=firing.attempts_before,
    )


def given_up(firing: Firing, why: Verdict) -> Skipped | Abandoned:
    """The outcome of a firing that is not attempted: skipped where it never was, abandoned where it was before."""
    version = (firing.current or firing.held).timer.version
    if firing.attempt > 1 and why in _ABANDONED:
        return Abandoned(
            timer_id=firing.held.timer.id,
            nominal=firing.nominal,
            manual=firing.manual,
            attempts=firing.attempt - 1,
            reason=_ABANDONED[why],
            settled_through=_reported(firing, finished=True),
            version=version,
        )
    return Skipped(
        timer_id=firing.held.timer.id,
        first=firing.nominal,
        last=firing.nominal,
        count=1,
        manual=firing.manual,
        reason=_SKIPPED[why],
        settled_through=_reported(firing, finished=True),
        version=version,
    )


def _reported(firing: Firing, *, finished: bool) -> Instant:
    held = firing.current or firing.held
    if firing.manual:
        return held.settled_through
    return report(held, firing.nominal, finished=finished)
