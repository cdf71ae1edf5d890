"""In which week is a row of the ledger? Executions and attempts are partitioned by the week of their nominal instant.

A week begins on Monday, 00:00 UTC. Its two partitions come and go together, in one transaction, so a firing and its
attempts always lie side by side. Weekly, because planning a query costs more with every partition.
Whoever rebuilds locks the parents before anything else that others use, attempts first, as a recorder does: so nobody
has found his partition and then meets another one. He waits for them less than a deadlock is waited for, and gives way.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import asyncpg

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.timing.instants import Instant, iso, to_datetime

SQL = load(__file__)

TABLES: Final = ("attempt", "execution")
WEEKS_AHEAD: Final = 4
PATIENCE_MS: Final = 900  # less than Postgres's deadlock_timeout; and all others wait behind us
HOLD_MS: Final = 10_000
HOLD_TIMEOUT: Final = HOLD_MS / 1000 + 1  # the server is to notice first
KEPT: Final = "_kept"

_WEEK_MS: Final = 7 * 24 * 3600 * 1000
_FIRST_MONDAY: Final = 4 * 24 * 3600 * 1000  # 5 January 1970
_NAME: Final = re.compile(r"(\d{4})w(\d{2})")


class NotNow(Exception):
    """Somebody else is at it, or a lock could not be had in time; the next hour will do."""


class NotAllowed(Exception):
    """The role that this service connects as may not do this; the message says what is to be done."""


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """From a Monday, 00:00 UTC, up to the next."""

    begins: Instant

    @classmethod
    def of(cls, moment: Instant) -> Week:
        """The week that this moment is in."""
        return cls(moment - (moment - _FIRST_MONDAY) % _WEEK_MS)

    @classmethod
    def named(cls, name: str) -> Week:
        """The week of this name; raises ValueError."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"{name!r} names no week")
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return cls((monday - date(1970, 1, 1)) // timedelta(milliseconds=1))

    @property
    def ends(self) -> Instant:
        """The first moment of the next week."""
        return self.begins + _WEEK_MS

    @property
    def name(self) -> str:
        """As ISO 8601 numbers it: 2026w48."""
        year, week, _ = to_datetime(self.begins).isocalendar()
        return f"{year:04}w{week:02}"


async def names(c: Connection) -> list[str]:
    """How the partitions are called but for the default ones, oldest first: 2026w44_kept, 2026w48."""
    return [row[0] for row in await c.fetch(SQL["partitions"])]


async def prepare(c: Connection, now: Instant, *, patience_ms: int = PATIENCE_MS) -> list[Week]:
    """Make the partitions of this week and of the next ones, where they are missing; returns those that were.

    What already lies in a default partition moves. Raises NotNow and NotAllowed; then some may be made.
    """
    made = []
    week = Week.of(now)
    for _ in range(1 + WEEKS_AHEAD):
        async with alone(c, patience_ms):
            if not {week.name, week.name + KEPT} & {*await names(c)}:
                await create(c, week.name)
                await hold(c)
                for table in TABLES:
                    await c.execute(SQL["move_in"].format(table=table, **facts(week)), timeout=HOLD_TIMEOUT)
                await attach(c, week, week.name)
                made.append(week)
        week = Week(week.ends)
    return made


async def stay(c: Connection) -> None:
    """Let no week be put in another's place until the transaction ends; to be said before its first statement."""
    await c.execute(SQL["stay"])


async def create(c: Connection, name: str) -> None:
    """Make tables that are not yet a part of the ledger."""
    for table in TABLES:
        await c.execute(SQL["create"].format(table=table, name=name))


async def attach(c: Connection, week: Week, name: str) -> None:
    """Make them the partitions of this week."""
    for table in TABLES:
        await c.execute(SQL["attach"].format(table=table, **facts(week) | {"name": name}), timeout=HOLD_TIMEOUT)


async def hold(c: Connection) -> None:
    """Keep everybody from the ledger until the transaction ends, which must be soon."""
    await c.execute(SQL["hold"])
    await c.execute(SQL["hurry"], str(HOLD_MS))


def facts(week: Week) -> dict[str, str]:
    """What the statements about this week leave open: nothing that anybody could have written."""
    return {"name": week.name, "begins": iso(week.begins), "ends": iso(week.ends)}


@asynccontextmanager
async def alone(c: Connection, patience_ms: int = PATIENCE_MS) -> AsyncIterator[None]:
    """A transaction in which nobody else rebuilds the ledger, and no wait for a lock is long.

    Raises NotNow and NotAllowed; then nothing has been.
    """
    try:
        async with c.transaction():
            if not await c.fetchval(SQL["exclude_others"], str(patience_ms)):
                raise NotNow("another process is rebuilding the ledger")
            yield
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError) as error:
        raise NotNow(str(error)) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowed(
            f"{error}; the ledger stays in its default partition until api_service connects as the role that migrates"
        ) from error
