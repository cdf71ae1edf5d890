"""How long does the ledger remember? Successes for so long, failures for longer, what is unfinished until it is not.

A week that ended longer ago than successes are kept gives way to a smaller one with what outlives it; one that ended
longer ago than failures are kept is dropped. The last failure of an event that exists is never forgotten: it moves to
the default partitions, which are swept by row. Every step is one transaction; whoever takes one leaves a whole ledger.
What is kept is copied beside the ledger, and only what changed meanwhile is copied again while everybody waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from api_service.store import partitions
from api_service.store.database import Connection
from api_service.store.partitions import HOLD_TIMEOUT, KEPT, PATIENCE_MS, TABLES, Week
from api_service.store.queries import load
from shared.timing.instants import Instant, to_datetime

SQL = load(__file__)

DAY_MS: Final = 24 * 3600 * 1000
STEP_ROWS: Final = 1_000
COPY_TIMEOUT: Final = 600.0  # beside the ledger, nobody waits for it
SWEEP_TIMEOUT: Final = 60.0  # in a kept week it looks at every failure
_BEGINNING: Final = ("", datetime(1, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how many days the ledger keeps what is neither failed nor unfinished, and for how many what failed."""

    success_days: int
    failure_days: int

    def success_since(self, now: Instant) -> Instant:
        """What ended before it is forgotten, unless it failed or is unfinished."""
        return now - self.success_days * DAY_MS

    def failure_since(self, now: Instant) -> Instant:
        """What failed before it is forgotten."""
        return now - self.failure_days * DAY_MS


@dataclass(slots=True)
class Sweep:
    """How far the failures in the default partition have been gone through."""

    after: tuple[str, datetime] = _BEGINNING


async def forget_week(c: Connection, kept: Retention, now: Instant, *, patience_ms: int = PATIENCE_MS) -> str | None:
    """Make the oldest week that is due smaller, or drop it; returns its name, or None where no week is due.

    Raises NotNow and NotAllowed; then nothing has been.
    """
    async with partitions.alone(c, patience_ms):
        for name in await partitions.names(c):
            week = Week.named(name.removesuffix(KEPT))
            if week.ends <= kept.failure_since(now):
                await _drop(c, name, kept.success_since(now))
                return name
            if week.ends <= kept.success_since(now) and not name.endswith(KEPT):
                await _thin(c, week, kept.success_since(now))
                return name
    return None


async def _thin(c: Connection, week: Week, since: Instant) -> None:
    await _keep_beside(c, week.name, since, last_failures=False)
    await _detach(c, week.name)
    await partitions.attach(c, week, week.name + KEPT)
    await _remove(c, week.name)


async def _drop(c: Connection, name: str, since: Instant) -> None:
    await _keep_beside(c, name, since, last_failures=True)
    await _detach(c, name)
    for table in TABLES:
        await c.execute(SQL["pour"].format(table=table, name=name, kept=KEPT), timeout=HOLD_TIMEOUT)
    await _remove(c, name + KEPT)
    await _remove(c, name)


async def _keep_beside(c: Connection, name: str, since: Instant, *, last_failures: bool) -> None:
    """Copy what is kept while others read and write; then hold the ledger, and copy again what they have written."""
    await partitions.create(c, name + KEPT)
    mark = await c.fetchval(SQL["mark"])
    keep = SQL["keep"].format(name=name, kept=KEPT)
    await c.execute(keep, to_datetime(since), last_failures, None, timeout=COPY_TIMEOUT)

    await partitions.hold(c)
    await c.execute(SQL["walk"])
    await c.execute(SQL["forget_changed"].format(name=name, kept=KEPT), mark, timeout=HOLD_TIMEOUT)
    await c.execute(keep, to_datetime(since), last_failures, mark, timeout=HOLD_TIMEOUT)


async def _detach(c: Connection, name: str) -> None:
    for table in TABLES:
        await c.execute(SQL["detach"].format(table=table, name=name), timeout=HOLD_TIMEOUT)


async def _remove(c: Connection, name: str) -> None:
    for table in TABLES:
        await c.execute(SQL["drop"].format(table=table, name=name), timeout=HOLD_TIMEOUT)


async def sweepable(c: Connection) -> list[str]:
    """The partitions from which settled rows go one by one."""
    return ["default", *(name for name in await partitions.names(c) if name.endswith(KEPT))]


async def sweep_settled(c: Connection, name: str, kept: Retention, now: Instant, *, limit: int = STEP_ROWS) -> int:
    """Forget what is neither failed nor unfinished and has ended long enough ago; how many, at most `limit`."""
    async with partitions.alone(c):
        since = to_datetime(kept.success_since(now))
        gone: int = await c.fetchval(SQL["sweep_settled"].format(name=name), since, limit, timeout=SWEEP_TIMEOUT)
    return gone


async def sweep_failed(c: Connection, sweep: Sweep, kept: Retention, now: Instant, *, limit: int = STEP_ROWS) -> bool:
    """Go on through the default partition's failures, and forget what is old enough; False at the end of them."""
    async with partitions.alone(c):
        row = await c.fetchrow(SQL["sweep_failed"], *sweep.after, to_datetime(kept.failure_since(now)), limit)
    sweep.after = _BEGINNING if row is None else (row["event_id"], row["nominal"])
    return row is not None
