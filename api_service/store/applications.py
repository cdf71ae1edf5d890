"""Who is known? Applications, each written together with its first key."""

from __future__ import annotations

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.errors import NameTaken
from shared.timing.instants import Instant, to_datetime

SQL = load(__file__)


async def register(c: Connection, *, app_name: str, key_hash: bytes, now: Instant) -> int:
    """The id of a new application that this key opens. Raises NameTaken."""
    application_id: int | None = await c.fetchval(SQL["register"], app_name, key_hash, to_datetime(now))
    if application_id is None:
        raise NameTaken
    return application_id
