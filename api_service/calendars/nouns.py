"""What a calendar is written from: on-call events with when they were last changed, and the people in them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.oncall import OnCallEvent
from shared.timing.instants import Instant


@dataclass(frozen=True, slots=True)
class Person:
    """How a calendar names somebody."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An on-call event, and when it was last changed."""

    event: OnCallEvent
    changed: Instant
