"""What is committed and not yet published: written in the transaction of the change itself, emptied by the relay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
import msgspec

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.errors import Unavailable

SQL = load(__file__)

COUNTED_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A change on its way to the bus."""

    id: int
    shard: int
    version: int
    what: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits to be published; above COUNTED_MOST, `changes` may say too many."""

    age_seconds: float
    changes: int


class _Row(msgspec.Struct):
    """A change as the statement reads it, of JSON, which has no bytes: base64."""

    shard: int
    version: int
    what: bytes


_ROWS: Final = msgspec.json.Encoder()


async def next_version(c: Connection, shard: int) -> int:
    """The next version of the shard. Take every other lock first: nobody else writes to the shard until you commit."""
    version: int | None = await c.fetchval(SQL["next_version"], shard)
    if version is None:
        raise LookupError(f"there is no shard {shard} in this installation")
    return version


async def next_versions(c: Connection, shards: Sequence[int]) -> list[int]:
    """The next versions of these shards, for each place its own, rising in their order. Take every other lock first.

    Shards are locked in ascending order: whoever needs several does it like this.
    """
    wanted = Counter(shards)
    rows = await c.fetch(SQL["next_versions"], list(wanted), list(wanted.values()))
    following = {row["shard"]: row["following"] for row in rows}
    if len(following) < len(wanted):
        raise LookupError(f"there is no shard {min(wanted.keys() - following.keys())} in this installation")
    versions = []
    for shard in shards:
        versions.append(following[shard])
        following[shard] += 1
    return versions


async def put(c: Connection, *, shard: int, version: int, what: bytes) -> None:
    """Publish this, an encoded `What`, once the transaction is committed."""
    await put_each(c, [(shard, version, what)])


async def put_each(c: Connection, changes: Sequence[tuple[int, int, bytes]]) -> None:
    """Publish these, each the shard, its version and an encoded `What`, once the transaction is committed."""
    await c.execute(SQL["put_each"], _ROWS.encode([_Row(*change) for change in changes]))


async def put_all(c: Connection, *, shard: int, whats: Sequence[bytes]) -> None:
    """Publish all these, in this order, once the transaction is committed. Take every other lock first."""
    await c.execute(SQL["put_all"], shard, whats)


async def put_everywhere(c: Connection, what: bytes) -> None:
    """Publish this to every shard once the transaction is committed. Take every other lock first, as for a version.

    Shards are locked in ascending order, as by `next_versions`.
    """
    await c.execute(SQL["put_everywhere"], what)


async def take(c: Connection, limit: int) -> list[Waiting]:
    """The oldest changes, at most `limit`; no other relay takes them before this transaction ends."""
    return [Waiting(**row) for row in await c.fetch(SQL["take"], limit)]


async def delete(c: Connection, ids: Sequence[int]) -> None:
    """These changes are published."""
    await c.execute(SQL["delete"], ids)


async def backlog(c: Connection) -> Backlog:
    """What waits to be published; cheap, however much that is. Raises Unavailable where the schema is too old."""
    try:
        (row,) = await c.fetch(SQL["backlog"], COUNTED_MOST)
    except (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError) as error:
        raise Unavailable from error
    return Backlog(**row)


async def waiting(c: Connection) -> int:
    """How many changes wait to be published."""
    count: int = await c.fetchval(SQL["waiting"])
    return count
