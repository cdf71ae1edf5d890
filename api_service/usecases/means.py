"""What a wish needs to come true: handed in by whoever asks, never looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api_service.store.database import Database
from shared.timing.instants import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """On whose behalf, when, and with what."""

    database: Database
    application_id: int
    key_id: str
    request_id: str
    now: Instant
    shards: int
    quota_events: int  # 0: no end
    ledger_success_days: int
    entropy: Callable[[int], bytes]
    wake_relay: Callable[[], None]
