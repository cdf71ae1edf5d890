"""A firing is one occurrence of one timer; an outcome is what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from shared.timing.instants import Instant


class Execution(StrEnum):
    """Where a firing stands in the ledger."""

    PENDING = "PENDING"  # triggered by hand, not yet attempted
    DELIVERED = "DELIVERED"  # the receiver answered 2xx
    FAILED = "FAILED"  # attempted, and not delivered
    SKIPPED = "SKIPPED"  # never attempted, and the reason says why


class SkipReason(StrEnum):
    """Why an occurrence was not attempted."""

    MISFIRED = "misfired"  # too late to be worth ringing; a later occurrence rang instead
    PAUSED = "paused"
    ENDED = "ended"  # its attempt would have started after endDate


class AttemptError(StrEnum):
    """Why an attempt has no 2xx, by the stage at which it failed."""

    NONE = ""
    CONNECT = "connect"  # no connection: refused, unreachable, name not found
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"  # the connection broke or what came was not HTTP
    STATUS = "status"  # an answer, but not 2xx
    REFUSED = "refused"  # we did not send: the target is not allowed


class PendingFiring(msgspec.Struct, array_like=True, gc=False, kw_only=True, frozen=True):
    """A firing that the ledger knows as not finished, so that whoever owns the shard goes on with it."""

    timer_id: str
    nominal: Instant
    manual: bool
    attempts: int = 0
    due: Instant = 0


class Attempted(msgspec.Struct, tag="attempted", array_like=True, gc=False, kw_only=True, frozen=True):
    """One HTTP request was made for a firing. `settled_through`: every occurrence up to it is settled."""

    timer_id: str
    nominal: Instant
    manual: bool
    attempt: int
    started: Instant
    duration_ms: int
    status_code: int  # 0 where no answer came
    error: AttemptError
    settled_through: Instant


class Skipped(msgspec.Struct, tag="skipped", array_like=True, gc=False, kw_only=True, frozen=True):
    """The occurrences from `first` to `last` were not attempted; `count` of them."""

    timer_id: str
    first: Instant
    last: Instant
    count: int
    manual: bool
    reason: SkipReason
    settled_through: Instant


class Finished(msgspec.Struct, tag="finished", array_like=True, gc=False, kw_only=True, frozen=True):
    """A timer reached its end: nothing of it rings any more."""

    timer_id: str
    end: Instant


Outcome: TypeAlias = Attempted | Skipped | Finished
