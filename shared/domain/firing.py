"""A firing is one occurrence of one timer; an outcome is what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from shared.domain.delivery import Headers
from shared.timing.instants import Instant


class Execution(StrEnum):
    """Where a firing stands in the ledger."""

    PENDING = "PENDING"  # asked for by hand, not yet attempted
    RETRYING = "RETRYING"  # attempted, not delivered, and another attempt is due
    DELIVERED = "DELIVERED"  # the receiver answered 2xx
    FAILED = "FAILED"  # attempted, not delivered, and given up
    SKIPPED = "SKIPPED"  # never attempted, and the reason says why


class SkipReason(StrEnum):
    """Why an occurrence was not attempted."""

    MISFIRED = "misfired"  # nobody could attempt it in time, and the misfire policy does not want it any more
    OVERLAPPED = "overlapped"  # an earlier occurrence was unfinished, and the overlap policy does not want two
    PAUSED = "paused"
    ENDED = "ended"  # its attempt would have started after endDate
    CHANGED = "changed"  # the rule was changed before anybody attempted it
    DELETED = "deleted"  # the event was


class FailReason(StrEnum):
    """Why a firing that was attempted is given up."""

    EXHAUSTED = "exhausted"  # all attempts are used up
    NOT_RETRYABLE = "not_retryable"  # the receiver's answer would not change, or the target is not allowed
    GONE = "gone"  # the receiver answered 410, and the event is paused
    PAUSED = "paused"  # the next attempt was due while the event was paused
    ENDED = "ended"  # the next attempt would have started after endDate
    DELETED = "deleted"  # the event was


class AttemptError(StrEnum):
    """Why an attempt has no 2xx, by the stage at which it failed."""

    NONE = ""
    CONNECT = "connect"  # no connection: refused, unreachable, name not found
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"  # the connection broke or what came was not HTTP
    STATUS = "status"  # an answer, but not 2xx
    REFUSED = "refused"  # we did not send: the target is not allowed
    BREAKER = "breaker"  # we did not send: the host has not been there for a while


class PendingFiring(msgspec.Struct, array_like=True, gc=False, kw_only=True, frozen=True):
    """A firing that the ledger knows as not finished, so that whoever owns the shard goes on with it.

    `attempts` were made so far, the first `attempts_before` of them before it was last asked for by hand; the next one
    is due at `due`.
    """

    timer_id: str
    nominal: Instant
    manual: bool
    attempts: int = 0
    due: Instant = 0
    attempts_before: int = 0


class Attempted(msgspec.Struct, tag="attempted", array_like=True, gc=False, kw_only=True, frozen=True):
    """One attempt at a firing. `settled_through`: every occurrence up to it is settled, or known to the ledger.

    `version` is the timer's, 0 where nobody says: `settled_through` speaks of its rule, and of no rule that came after.
    `effective` is when the firing was due. Another attempt is due at `retry_at`; where that is 0 the firing is settled,
    and `reason` says why it is given up. `body` is the beginning of the answer.
    """

    timer_id: str
    nominal: Instant
    manual: bool
    attempt: int
    started: Instant
    duration_ms: int
    status_code: int  # 0 where no answer came
    error: AttemptError
    settled_through: Instant
    effective: Instant = 0
    retry_at: Instant = 0
    reason: FailReason | None = None
    version: int = 0
    body: bytes = b""
    truncated: bool = False
    headers: Headers = ()


class Abandoned(msgspec.Struct, tag="abandoned", array_like=True, gc=False, kw_only=True, frozen=True):
    """A firing that was attempted before is given up without another attempt."""

    timer_id: str
    nominal: Instant
    manual: bool
    attempts: int
    reason: FailReason
    settled_through: Instant
    version: int = 0


class Skipped(msgspec.Struct, tag="skipped", array_like=True, gc=False, kw_only=True, frozen=True):
    """The occurrences from `first` to `last` were not attempted; `count` of them."""

    timer_id: str
    first: Instant
    last: Instant
    count: int
    manual: bool
    reason: SkipReason
    settled_through: Instant
    version: int = 0


class Finished(msgspec.Struct, tag="finished", array_like=True, gc=False, kw_only=True, frozen=True):
    """A timer of this version reached its end: nothing of it rings any more."""

    timer_id: str
    end: Instant
    version: int = 0


Outcome: TypeAlias = Attempted | Abandoned | Skipped | Finished
