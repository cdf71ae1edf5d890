"""What time is it for Postgres?"""

from __future__ import annotations

from api_service.store.database import Connection
from api_service.store.queries import load

SQL = load(__file__)


async def now(c: Connection) -> float:
    """Milliseconds since the epoch, with their fractions."""
    milliseconds: float = await c.fetchval(SQL["now"])
    return milliseconds
