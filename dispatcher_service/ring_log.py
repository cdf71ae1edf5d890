"""What the log says of rings: of those that failed, were given up or skipped, always; of all, where that is asked for.

A line for every ring fills disks, and the ledger has every attempt anyway. Of the URL only the
host is said: paths, headers and bodies are between an event's owner and the receiver.
"""

from __future__ import annotations

from typing import Any, Final

from dispatcher_service.core.hosts import host_of
from dispatcher_service.core.shard import Shard
from shared.clock import Clock
from shared.domain.firing import Abandoned, Attempted, AttemptError, Outcome, Skipped
from shared.domain.ids import firing_name
from shared.observability.logs import get_logger
from shared.timing.instants import iso

SKIPS_A_SECOND: Final = 100  # after an outage every timer may have skipped something

log = get_logger(__name__)


class RingLog:
    """The lines about what is reported."""

    def __init__(self, *, clock: Clock, everything: bool) -> None:
        self._clock = clock
        self._everything = everything
        self._second = 0
        self._told = 0
        self._untold = 0

    def reported(self, shard: Shard, outcome: Outcome) -> None:
        """The ledger is being told of this."""
        match outcome:
            case Attempted(error=AttemptError.NONE):
                if self._everything:
                    log.info("ring.delivered", **_attempt(shard, outcome))
            case Attempted():
                self._failed(shard, outcome)
            case Abandoned():
                facts = _firing(shard, outcome)
                log.warning("firing.given_up", **facts, attempt=outcome.attempts, reason=outcome.reason.value)
            case Skipped():
                self._skipped(shard, outcome)
            case _:
                pass  # an event that is over is no ring

    def _failed(self, shard: Shard, outcome: Attempted) -> None:
        log.info("ring.failed", **_attempt(shard, outcome))
        if not outcome.retry_at:
            reason = "" if outcome.reason is None else outcome.reason.value
            log.warning("firing.given_up", **_firing(shard, outcome), attempt=outcome.attempt, reason=reason)

    def _skipped(self, shard: Shard, outcome: Skipped) -> None:
        second = int(self._clock.steady())
        if second != self._second:
            self._second, self._told = second, 0
        if self._told >= SKIPS_A_SECOND:
            self._untold += 1
            return
        self._told += 1
        untold, self._untold = self._untold, 0
        log.info(
            "firing.skipped",
            firing=firing_name(outcome.timer_id, outcome.first, manual=outcome.manual),
            event_id=outcome.timer_id,
            shard=shard.number,
            epoch=shard.epoch,
            last=iso(outcome.last),
            count=outcome.count,
            reason=outcome.reason.value,
            untold_before=untold,
        )


def _attempt(shard: Shard, outcome: Attempted) -> dict[str, Any]:
    held = shard.timers.get(outcome.timer_id)
    facts = _firing(shard, outcome) | {
        "attempt": outcome.attempt,
        "status": outcome.status_code,
        "error": outcome.error.value,
        "duration_ms": outcome.duration_ms,
        "retry_at": iso(outcome.retry_at) if outcome.retry_at else None,
        "host": None if held is None else host_of(held.timer.url),
    }
    if outcome.attempt == 1:
        facts["lateness_ms"] = outcome.started - (outcome.effective or outcome.nominal)
    return facts


def _firing(shard: Shard, outcome: Attempted | Abandoned) -> dict[str, Any]:
    return {
        "firing": firing_name(outcome.timer_id, outcome.nominal, manual=outcome.manual),
        "event_id": outcome.timer_id,
        "shard": shard.number,
        "epoch": shard.epoch,
    }
