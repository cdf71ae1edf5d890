"""How is an occurrence delivered? What an event's owner decides about retries, lateness, overlap and spread."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec

from shared.timing.instants import Instant

Headers: TypeAlias = tuple[tuple[str, str], ...]

# How many misfired occurrences `all` rings, the latest ones.
CATCH_UP_MOST: Final = 100


class MisfirePolicy(StrEnum):
    """What to do about occurrences that nobody could attempt in time."""

    LATEST = "latest"  # the latest one rings, the others are skipped
    SKIP = "skip"  # none rings
    ALL = "all"  # the latest 100 ring


class OverlapPolicy(StrEnum):
    """What to do about an occurrence while an earlier one of the same event is unfinished."""

    ALLOW = "allow"
    SKIP = "skip"


class RetryPolicy(msgspec.Struct, array_like=True, gc=False, kw_only=True, frozen=True):
    """How often a firing is attempted, and how long it may wait in between: longer by the coefficient each time."""

    max_attempts: int = 5
    initial_interval_ms: int = 1_000
    max_interval_ms: int = 300_000
    backoff_coefficient: float = 2.0


class Delivery(msgspec.Struct, array_like=True, gc=False, kw_only=True, frozen=True):
    """Everything about an event that is not when, where and what. Values are equal where their fields are."""

    retry: RetryPolicy = RetryPolicy()
    timeout_ms: int = 30_000
    misfire_policy: MisfirePolicy = MisfirePolicy.LATEST
    misfire_grace_ms: int = 86_400_000
    overlap_policy: OverlapPolicy = OverlapPolicy.ALLOW
    spread_ms: int = 0
    headers: Headers = ()


DEFAULT: Final = Delivery()


def spread_offset(timer_id: str, spread_ms: int) -> int:
    """By how many milliseconds all occurrences of this timer ring later than their nominal instants.

    The same for ever, and evenly spread over the timers; the hash is not the one that shards are made of.
    """
    if not spread_ms:
        return 0
    return int.from_bytes(blake2b(timer_id.encode(), digest_size=8, person=b"spread").digest(), "big") % spread_ms


class SigningSecret(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A secret that callbacks are signed with until this moment; 0 is for ever."""

    secret: bytes
    until: Instant = 0


class SigningKeys(msgspec.Struct, array_like=True, gc=False, kw_only=True, frozen=True):
    """All secrets of an application that may still sign, newest first. A higher generation replaces a lower one."""

    application_id: int
    generation: int
    secrets: tuple[SigningSecret, ...]
