"""The database was set back: a backup was restored, or a failover forgot what was committed last.

Versions, epochs, generations and names of applications were given out since that it knows nothing of, and dispatchers
that heard of them would take new ones for old news. So all of them leap, further than anything can have come meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import Final

from api_service.store.database import Connection, connect
from api_service.store.queries import load

SQL = load(__file__)

VERSIONS: Final = 1_000_000_000  # receivers do not see them
EPOCHS: Final = 1_000_000  # receivers do, and may keep them in 32 bits
APPLICATIONS: Final = 100_000  # of the two thousand million that there can be
TIME_LIMIT: Final = 3600.0


async def restored(dsn: str) -> int:
    """Let this database's state outweigh whatever dispatchers have heard; returns how many events it has.

    They compare what they hold with it, and replace it. Harmless where nothing was set back. Raises Unavailable.
    """
    async with connect(dsn) as c, asyncio.timeout(TIME_LIMIT), c.transaction():
        return await leap(c)


async def leap(c: Connection) -> int:
    """Every number is one that nobody has heard of, in the caller's transaction; how many events there are."""
    # Events before shards, as everybody takes these locks.
    events: int = await c.fetchval(SQL["events"], VERSIONS)
    await c.execute(SQL["series"], VERSIONS)
    await c.execute(SQL["rules"], VERSIONS)
    await c.execute(SQL["keys"], VERSIONS)
    await c.execute(SQL["applications"], APPLICATIONS)
    await c.execute(SQL["shards"], VERSIONS, EPOCHS)
    return events
