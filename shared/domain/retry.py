"""Is it worth another attempt, and when? A table of answers, and a backoff with full jitter.

| answer | |
|---|---|
| 2xx | delivered |
| no answer: not connected, timeout, broken off | retried |
| 408, 425, 429, 5xx | retried, not before `Retry-After` |
| any other | not retried; 410 pauses the event |
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from shared.domain.delivery import RetryPolicy
from shared.domain.firing import AttemptError
from shared.timing.instants import Instant, from_datetime

GONE: Final = 410
RETRY_AFTER_MOST_MS: Final = 86_400_000  # a receiver that asks for more is asked again after a day

_RETRIED_STATUSES: Final = frozenset({408, 425, 429})
_RETRIED_ERRORS: Final = frozenset({
    AttemptError.CONNECT,
    AttemptError.TLS,
    AttemptError.TIMEOUT,
    AttemptError.PROTOCOL,
    AttemptError.BREAKER,
})


def is_retryable(error: AttemptError, status_code: int) -> bool:
    """May the same request, made again, do better?"""
    if error is AttemptError.STATUS:
        return status_code in _RETRIED_STATUSES or status_code >= 500
    return error in _RETRIED_ERRORS


def backoff_ms(policy: RetryPolicy, attempt: int, draw: float) -> int:
    """How long to wait after this attempt: anything up to the bound, as `draw` from [0, 1) decides."""
    try:
        bound = policy.initial_interval_ms * policy.backoff_coefficient ** (attempt - 1)
    except OverflowError:
        bound = policy.max_interval_ms
    return int(min(bound, policy.max_interval_ms) * draw)


def retry_after(text: str, now: Instant) -> Instant:
    """Before which moment the receiver does not want to be asked again: seconds or an HTTP date (RFC 9110, 10.2.3).

    `now` where it says nothing that can be understood.
    """
    text = text.strip()
    moment = now
    if text.isascii() and text.isdigit():
        moment = now + int(text[:12]) * 1000
    elif text:
        try:
            date = parsedate_to_datetime(text)  # one of the three forms names no zone: all are UTC
            moment = from_datetime(date if date.tzinfo is not None else date.replace(tzinfo=UTC))
        except (ValueError, OverflowError, TypeError):
            moment = now
    return min(max(moment, now), now + RETRY_AFTER_MOST_MS)
