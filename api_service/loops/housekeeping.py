"""Forgets what is no longer promised: once an hour, in small steps, whoever else does the same.

The ledger's weeks are made before they are needed, and go when they are over. Where that cannot be, now or at all, the
ledger stays whole and grows: it is said, and everything else goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from api_service.loops.trouble import Trouble
from api_service.store import api_keys, changes, idempotency, partitions, retention, signing
from api_service.store.database import Connection, Database
from api_service.store.partitions import NotAllowed, NotNow
from api_service.store.retention import DAY_MS, Retention, Sweep
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.observability.logs import get_logger
from shared.timing.instants import Instant

INTERVAL = 3600.0
STEP_ROWS = 1_000
STEPS_MOST = 200  # for one partition of the ledger; the rest has time until the next hour
WEEKS_MOST = 4
IDEMPOTENCY_KEPT_MS = DAY_MS


class Forget(Protocol):
    """Forgets what is older than a moment, at most so many, and says how many those were."""

    async def __call__(self, c: Connection, moment: Instant, *, limit: int) -> int:
        """In the caller's transaction."""
        ...


log = get_logger(__name__)


class Housekeeping:
    """Sweeps out old Idempotency-Keys, expired API keys, ended signing secrets, old changes and weeks of the ledger."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        kept: Retention,
        change_log_days: int = 90,
        step_rows: int = STEP_ROWS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept
        self._changes_kept_ms = change_log_days * DAY_MS
        self._failures = Sweep()
        self._told = False
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
        """Forget answers of more than a day ago, ended keys and secrets, old changes and old weeks of the ledger.

        Raises Unavailable.
        """
        now = self._clock.now()
        await self._forget(idempotency.forget_older, now - IDEMPOTENCY_KEPT_MS)
        await self._forget(api_keys.forget_expired, now)
        await self._forget(signing.forget_ended, now)
        await self._forget(changes.forget_older, now - self._changes_kept_ms)
        await self._forget(changes.forget_older_oncall, now - self._changes_kept_ms)
        await self._keep_ledger(now)

    async def _forget(self, forget: Forget, moment: Instant) -> None:
        forgotten = self._step_rows
        while forgotten == self._step_rows:
            async with self._database.transaction() as c:
                forgotten = await forget(c, moment, limit=self._step_rows)

    async def _keep_ledger(self, now: Instant) -> None:
        async with self._database.connection() as c:
            with self._allowances():
                for week in await partitions.prepare(c, now):
                    log.info("housekeeping.week_made", week=week.name)
            with self._allowances():
                await self._forget_weeks(c, now)
            with self._allowances():
                await self._sweep_ledger(c, now)

    async def _forget_weeks(self, c: Connection, now: Instant) -> None:
        for _ in range(WEEKS_MOST):
            week = await retention.forget_week(c, self._kept, now)
            if week is None:
                break
            log.info("housekeeping.week_forgotten", week=week)

    async def _sweep_ledger(self, c: Connection, now: Instant) -> None:
        for name in await retention.sweepable(c):
            for _ in range(STEPS_MOST):
                if await retention.sweep_settled(c, name, self._kept, now, limit=self._step_rows) < self._step_rows:
                    break
        for _ in range(STEPS_MOST):
            if not await retention.sweep_failed(c, self._failures, self._kept, now, limit=self._step_rows):
                break

    @contextmanager
    def _allowances(self) -> Iterator[None]:
        try:
            yield
        except NotNow as error:
            log.info("housekeeping.ledger_delayed", why=str(error))
        except NotAllowed as error:
            if not self._told:
                log.warning("housekeeping.ledger_forbidden", why=str(error))
            self._told = True
