"""May the application have more events? Exactly, and without a place that all its creations queue at.

Counts are exact once committed; what is not committed yet is the trouble. Far from its quota an application creates
side by side: as long as there is room for what all transactions together can create that can be under way at all, the
last of them to look still leaves room for those it cannot see. Close to it, or where one creates more than that, each
creation waits until it is alone, and sees everything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from api_service.store.database import Connection
from api_service.store.queries import load

SQL = load(__file__)

# What advisory locks of this kind are called; the second half of the name is the application.
_KIND: Final = 1_904_226_017

# Events of one application that a transaction creates beside others: what all under way can create is kept free.
BESIDE_OTHERS: Final = 100


async def hold(
    c: Connection, application_id: int, quota: int, *, at_once: int | None = None, each: int = BESIDE_OTHERS
) -> bool:
    """Is there room for one event more, and will it be kept until this transaction ends? As `room` has it."""
    return (await room(c, {application_id: 1}, quota, at_once=at_once, each=each))[application_id] == 1


async def room(
    c: Connection, wanted: Mapping[int, int], quota: int, *, at_once: int | None = None, each: int = BESIDE_OTHERS
) -> Mapping[int, int]:
    """Of how many events that are wanted, by application, is there room? It is kept until the transaction ends.

    A quota of 0 has no end. Call it once, before any other lock is taken. `at_once` is how many transactions there can
    be, if not what Postgres says, and `each` how many events of an application one creates beside others.
    """
    if not quota:
        return wanted
    if max(wanted.values()) <= each:
        try:
            async with c.transaction():  # a savepoint: going back to it lets go of locks that cannot be tightened
                await _beside_others(c, wanted, quota, at_once, each)
        except _CloseError:
            pass
        else:
            return wanted
    await c.execute(SQL["hold_alone"], _KIND, list(wanted))
    used, _ = await _used(c, wanted)
    return {application: max(0, min(count, quota - used[application])) for application, count in wanted.items()}


async def _beside_others(c: Connection, wanted: Mapping[int, int], quota: int, at_once: int | None, each: int) -> None:
    await c.execute(SQL["hold_with_others"], _KIND, list(wanted))
    used, most = await _used(c, wanted)
    if max(used.values()) + (at_once or most) * each > quota:
        raise _CloseError


class _CloseError(Exception):
    """Those who cannot see each other might take more places than there are."""


async def _used(c: Connection, applications: Collection[int]) -> tuple[Mapping[int, int], int]:
    """A statement of its own, so that it sees all that was committed before the locks were given."""
    rows = await c.fetch(SQL["used"], list(applications))
    return {row["application_id"]: row["events"] for row in rows}, rows[0]["at_once"]
