"""Awaiting what Postgres does not announce."""

from __future__ import annotations

import asyncio

from api_service.store.database import Database


async def somebody_waits(database: Database) -> None:
    """Return once a transaction is kept waiting by another one's lock."""
    async with asyncio.timeout(10), database.connection() as c:
        while not await c.fetchval("select count(*) from pg_locks where not granted"):
            pass
