"""Forgets what is no longer promised: once an hour, in small steps, whoever else does the same."""

from __future__ import annotations

from typing import Protocol

from api_service.loops.trouble import Trouble
from api_service.store import api_keys, idempotency, signing
from api_service.store.database import Connection, Database
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.observability.logs import get_logger
from shared.timing.instants import Instant

INTERVAL = 3600.0
STEP_ROWS = 1_000
IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000


class Forget(Protocol):
    """Forgets what is older than a moment, at most so many, and says how many those were."""

    async def __call__(self, c: Connection, moment: Instant, *, limit: int) -> int:
        """In the caller's transaction."""
        ...


log = get_logger(__name__)


class Housekeeping:
    """Sweeps out old Idempotency-Keys, expired API keys and ended signing secrets."""

    def __init__(self, *, database: Database, clock: Clock, step_rows: int = STEP_ROWS) -> None:
        self._database = database
        self._clock = clock
        self._step_rows = step_rows
        self._trouble = Trouble(name="housekeeping", clock=clock, log=log)

    async def run(self) -> None:
        """Sweep at once and then every hour; ends only by cancellation."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                await self._trouble.wait(error)
            else:
                self._trouble.over()
                await self._clock.sleep(INTERVAL)

    async def sweep(self) -> None:
        """Forget answers given more than a day ago, and keys and secrets that have ended. Raises Unavailable."""
        now = self._clock.now()
        await self._forget(idempotency.forget_older, now - IDEMPOTENCY_KEPT_MS)
        await self._forget(api_keys.forget_expired, now)
        await self._forget(signing.forget_ended, now)

    async def _forget(self, forget: Forget, moment: Instant) -> None:
        forgotten = self._step_rows
        while forgotten == self._step_rows:
            async with self._database.transaction() as c:
                forgotten = await forget(c, moment, limit=self._step_rows)
