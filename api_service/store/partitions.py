"""In which week is a row of the ledger? Executions and attempts are partitioned by the week of their nominal instant.

A week begins on Monday, 00:00 UTC. Its two partitions come and go together, in one transaction, so a firing and its
attempts always lie side by side. Weekly, because planning a query costs more with every partition.
Locks are taken in this order: the default partitions before the parents, attempts before executions, as a recorder
does; and each wait for one is bounded, since whoever comes after it waits as well.
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
from shared.timing.instants import Instant, from_datetime, iso, to_datetime

SQL = load(__file__)

TABLES: Final = ("attempt", "execution")
WEEKS_AHEAD: Final = 4

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

    @property
    def names(self) -> dict[str, str]:
        """What the statements about this week leave open: nothing that anybody could have written."""
        return {"week": self.name, "begins": iso(self.begins), "ends": iso(self.ends)}


async def prepare(c: Connection, now: Instant) -> list[Week]:
    """Make the partitions of this week and of the next ones, where they are missing; returns those that were.

    What already lies in a default partition moves. Raises NotNow and NotAllowed; then some may be made.
    """
    made = []
    week = Week.of(now)
    for _ in range(1 + WEEKS_AHEAD):
        async with alone(c):
            if not await c.fetchval(SQL["exists"], f"execution_{week.name}"):
                await _make(c, week)
                made.append(week)
        week = Week(week.ends)
    return made


async def _make(c: Connection, week: Week) -> None:
    for table in TABLES:
        await c.execute(SQL["create"].format(table=table, **week.names))
    await c.execute(SQL["hold_defaults"])
    for table in TABLES:
        await c.execute(SQL["move_in"].format(table=table, **week.names), timeout=MOVE_TIMEOUT)
        await c.execute(SQL["attach"].format(table=table, **week.names), timeout=MOVE_TIMEOUT)


MOVE_TIMEOUT: Final = 300.0  # for what is nothing, unless nobody kept house for weeks


@asynccontextmanager
async def alone(c: Connection) -> AsyncIterator[None]:
    """A transaction in which nobody else rebuilds the ledger, and no wait for a lock is long.

    Raises NotNow and NotAllowed.
    """
    try:
        async with c.transaction():
            if not await c.fetchval(SQL["exclude_others"]):
                raise NotNow("another process is rebuilding the ledger")
            yield
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
        raise NotNow(str(error)) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowed(f"{error}: let api_service connect as the role that owns the tables") from error
