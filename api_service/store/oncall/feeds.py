"""Who may read a calendar feed, and what has it shown? Hashes of tokens, and events as they were."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from api_service.calendars.nouns import Person
from api_service.calendars.shown import Shown
from api_service.store.database import Connection
from api_service.store.queries import load
from shared.timing.instants import Instant, from_datetime, to_datetime

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

SQL = load(__file__)


class FeedOf(NamedTuple):
    """Whose feed it is: a schedule's or an account user's."""

    schedule_id: str | None = None
    account_user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedToken:
    """What opens one feed."""

    token_hash: bytes = field(repr=False)
    feed_token_id: str
    application_id: int
    of: FeedOf
    created_at: Instant


async def add_token(c: Connection, token: FeedToken) -> None:
    """One more token of the feed."""
    values = (token.token_hash, token.feed_token_id, token.application_id, *token.of, to_datetime(token.created_at))
    await c.execute(SQL["add_token"], *values)


async def tokens(c: Connection, application_id: int, of: FeedOf) -> list[FeedToken]:
    """The tokens of the feed, newest first."""
    return [_token(row) for row in await c.fetch(SQL["tokens"], application_id, *of)]


async def remove_token(c: Connection, application_id: int, of: FeedOf, feed_token_id: str) -> bool:
    """The token opens nothing any more; was there one?"""
    return await c.execute(SQL["remove_token"], application_id, *of, feed_token_id) != "DELETE 0"


async def find_token(c: Connection, token_hash: bytes) -> tuple[FeedToken, str] | None:
    """The token with this hash, and the prefix id of what its feed is of."""
    row = await c.fetchrow(SQL["find_token"], token_hash)
    return None if row is None else (_token(row), row["prefix_id"])


async def people(c: Connection, application_id: int, account_user_ids: Collection[str]) -> dict[str, Person]:
    """How calendars name these account users, by id; those who are gone are not there."""
    rows = await c.fetch(SQL["people"], application_id, sorted(account_user_ids))
    return {row["account_user_id"]: Person(row["name"], row["email"]) for row in rows}


async def schedules(c: Connection, application_id: int, schedule_ids: Collection[str]) -> dict[str, str]:
    """How these schedules are called, by id."""
    rows = await c.fetch(SQL["schedules"], application_id, sorted(schedule_ids))
    return {row["schedule_id"]: row["name"] for row in rows}


async def shown(c: Connection, of: FeedOf) -> frozenset[Shown]:
    """What the feed has shown."""
    rows = await c.fetch(SQL["shown"], *of)
    return frozenset(Shown(row["form"], _instant(row["gone_at"])) for row in rows)


async def show(c: Connection, of: FeedOf, before: frozenset[Shown], after: frozenset[Shown]) -> None:
    """Write what the feed has shown by now; nobody minds if somebody else does so at the same time."""
    was, now = {each.form: each for each in before}, {each.form: each for each in after}
    added = [now[form] for form in sorted(now.keys() - was.keys())]
    changed = [now[form] for form in sorted(now.keys() & was.keys()) if now[form] != was[form]]
    await c.execute(SQL["forget"], *of, [_digest(form) for form in sorted(was.keys() - now.keys())])
    await c.execute(SQL["change"], *of, [_digest(each.form) for each in changed], [_gone(each) for each in changed])
    columns = [_digest(each.form) for each in added], [each.form for each in added], [_gone(each) for each in added]
    await c.execute(SQL["show"], *of, *columns)


def _digest(form: bytes) -> bytes:
    return sha256(form).digest()


def _gone(each: Shown) -> datetime | None:
    return None if each.gone is None else to_datetime(each.gone)


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)


def _token(row: asyncpg.Record) -> FeedToken:
    return FeedToken(
        token_hash=row["token_hash"],
        feed_token_id=row["feed_token_id"],
        application_id=row["application_id"],
        of=FeedOf(row["schedule_id"], row["account_user_id"]),
        created_at=from_datetime(row["created_at"]),
    )
