"""The database was set back: a backup was restored, or a failover forgot what was committed last.

Versions, epochs, generations and numbers of applications were given out since that it knows nothing of, and dispatchers
that heard of them would take new ones for old news. So all of them leap to where the clock is: further than they can
have come by counting, and further each time, whatever backup it was.
"""

from __future__ import annotations

import asyncio
from typing import Final

from api_service.store.database import Connection, connect
from api_service.store.migrations import require_schema_of
from api_service.store.queries import load
from shared.timing.instants import Instant

SQL = load(__file__)

# 2026-01-01: what is counted from here stays small, and in 32 bits what others keep in them.
EPOCH: Final[Instant] = 1_767_225_600_000
TIME_LIMIT: Final = 3600.0


async def restored(dsn: str, *, now: Instant) -> int:
    """Let this database's state outweigh whatever dispatchers have heard; returns how many events it has.

    They compare what they hold with it, and replace it. Harmless where nothing was set back. Raises Unavailable, and
    SchemaBehind where the backup is of an older release and was not migrated yet.
    """
    async with connect(dsn) as c, asyncio.timeout(TIME_LIMIT), c.transaction():
        await require_schema_of(c)
        return await leap(c, now)


async def leap(c: Connection, now: Instant) -> int:
    """Every number is one that nobody has heard of, in the caller's transaction; how many events there are.

    All events have one version then: none is as old as what a dispatcher may hold, however long it was not changed.
    """
    milliseconds = now - EPOCH
    seconds = milliseconds // 1000
    version: int = await c.fetchval(SQL["version"], milliseconds)
    # Events before shards, and each in order, as everybody takes these locks: APIs may be running.
    events: int = await c.fetchval(SQL["events"], version)
    await c.execute(SQL["series"], version)
    await c.execute(SQL["keys"], milliseconds)
    await c.execute(SQL["applications"], seconds)
    await c.execute(SQL["shards"], version, seconds)
    return events
