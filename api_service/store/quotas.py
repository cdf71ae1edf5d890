"""May the application have one event more? Exactly, and without a place that all its creations queue at.

Counts are exact once committed; what is not committed yet is the trouble. Far from its quota an application creates
side by side: as long as there is a free place for each transaction that can be under way at all, the last of them to
look still leaves room for those it cannot see. Close to it, each creation waits until it is alone, and sees everything.
"""

from __future__ import annotations

from typing import Final

from api_service.store.database import Connection
from api_service.store.queries import load

SQL = load(__file__)

# What advisory locks of this kind are called; the second half of the name is the application.
_KIND: Final = 1_904_226_017


async def hold(c: Connection, application_id: int, quota: int, *, at_once: int | None = None) -> bool:
    """Is there room for one event more, and will it be kept until this transaction ends? A quota of 0 has no end.

    Call it before any other lock is taken. `at_once` is how many transactions there can be, if not what Postgres says.
    """
    if not quota:
        return True
    try:
        async with c.transaction():  # a savepoint: going back to it lets go of a lock that cannot be tightened
            await _beside_others(c, application_id, quota, at_once)
    except _CloseError:
        await c.execute(SQL["hold_alone"], _KIND, application_id)
        used, _ = await _used(c, application_id)
        return used < quota
    return True


async def _beside_others(c: Connection, application_id: int, quota: int, at_once: int | None) -> None:
    await c.execute(SQL["hold_with_others"], _KIND, application_id)
    used, most = await _used(c, application_id)
    if used + (at_once or most) > quota:
        raise _CloseError


class _CloseError(Exception):
    """Those who cannot see each other might take more places than there are."""


async def _used(c: Connection, application_id: int) -> tuple[int, int]:
    """A statement of its own, so that it sees all that was committed before the lock was given."""
    row = await c.fetchrow(SQL["used"], application_id)
    if row is None:
        raise LookupError("a sum is always one row")
    return row["events"], row["at_once"]
