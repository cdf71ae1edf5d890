"""Executions as the recorder leaves them, for the API to show and to replay."""

from __future__ import annotations

from typing import Any

from api_service.store import recording
from api_service.store.database import Database
from api_service.store.digest import Digest
from shared.domain.firing import Attempted, AttemptError, FailReason, Outcome, Skipped, SkipReason
from shared.messages.catalogue import Outcomes, Report
from shared.timing.instants import Instant
from tests.integration.api.stage import NOW

SECOND = 1_000


async def record(database: Database, *told: Outcome, now: Instant = NOW) -> None:
    """Write down what a dispatcher reports."""
    async with database.transaction() as c:
        await recording.record(c, Digest.of([Outcomes("d1", [Report(0, "i", 1, list(told))])]), now)


def attempted(event_id: str, second: int, **given: Any) -> Attempted:
    """A delivery so many seconds after NOW."""
    facts: dict[str, Any] = {
        "timer_id": event_id,
        "nominal": NOW + second * SECOND,
        "manual": False,
        "attempt": 1,
        "started": NOW + second * SECOND + 3,
        "duration_ms": 12,
        "status_code": 200,
        "error": AttemptError.NONE,
        "settled_through": NOW,
    }
    return Attempted(**facts | given)


def failed(event_id: str, second: int, **given: Any) -> Attempted:
    """The same, refused by its receiver for good."""
    facts = {"status_code": 404, "error": AttemptError.STATUS, "reason": FailReason.NOT_RETRYABLE}
    return attempted(event_id, second, **facts | given)


def retried(event_id: str, second: int, *, retry_at: Instant) -> Attempted:
    """The same, to be attempted once more."""
    return attempted(event_id, second, status_code=503, error=AttemptError.STATUS, retry_at=retry_at)


def skipped(event_id: str, second: int, *, count: int = 1) -> Skipped:
    """So many occurrences that nobody attempted, one a second."""
    return Skipped(
        timer_id=event_id,
        first=NOW + second * SECOND,
        last=NOW + (second + count - 1) * SECOND,
        count=count,
        manual=False,
        reason=SkipReason.MISFIRED,
        settled_through=NOW,
    )


def name(event_id: str, second: int) -> str:
    """What an execution is called."""
    return f"{event_id}-{NOW + second * SECOND}"
