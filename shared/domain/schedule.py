"""Schedules, and the account users who may be on call in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.timing.instants import Instant

ACCOUNT_USER_PREFIX: Final = "usr"
SCHEDULE_PREFIX: Final = "skd"
ONCALL_EVENT_PREFIX: Final = "evt"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUser:
    """A person; `time_zone` is a listed name, or IANA's."""

    account_user_id: str
    prefix_id: str
    tiny_id: int
    name: str
    email: str
    time_zone: str
    meta: Mapping[str, Any]
    created_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What on-call events are on."""

    schedule_id: str
    prefix_id: str
    tiny_id: int
    name: str
    time_zone: str
    meta: Mapping[str, Any]
    created_at: Instant
    updated_at: Instant
