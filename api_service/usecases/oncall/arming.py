"""Whoever subscribes to a schedule's transitions is called back by what the schedule is now."""

from __future__ import annotations

from collections.abc import Sequence

from api_service.store.database import Connection
from api_service.usecases.means import Means


async def rearm(c: Connection, means: Means, schedule_ids: Sequence[str]) -> None:
    """Let the subscriptions of these schedules know, in the same transaction, that they changed; there are none yet."""
