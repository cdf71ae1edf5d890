"""Who may read a feed that has no key to show? Whoever knows its address: a token in it opens this feed alone."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

from api_service import limits
from api_service.schemas.oncall.changes import came, went
from api_service.store.database import Connection, Database
from api_service.store.oncall import account_users, application, feeds, schedules
from api_service.store.oncall.feeds import FeedOf, FeedToken
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from api_service.usecases.registration import hash_of
from shared.domain.changelog import Action
from shared.domain.errors import FeedTokenNotFound, NotAuthenticated, TooManyFeedTokens
from shared.domain.ids import ulid
from shared.domain.schedule import SCHEDULE_PREFIX

_TOKEN_BYTES = 32
_TOKEN_PREFIX = "cf_"  # noqa: S105 - what it begins with


async def make(means: Means, prefix: str, name: str) -> tuple[FeedToken, str]:
    """A new token of the feed, and what opens it, which is kept nowhere.

    Raises ScheduleNotFound, AccountUserNotFound, TooManyFeedTokens.
    """
    opens = _TOKEN_PREFIX + urlsafe_b64encode(means.entropy(_TOKEN_BYTES)).rstrip(b"=").decode()
    async with means.database.transaction() as c:
        await application.held(c, means.application_id)
        of = await _feed_of(c, means, prefix, name)
        if len(await feeds.tokens(c, means.application_id, of)) >= limits.FEED_TOKENS:
            raise TooManyFeedTokens
        token = FeedToken(
            token_hash=hash_of(opens),
            feed_token_id=ulid(means.now, means.entropy(10)),
            application_id=means.application_id,
            of=of,
            created_at=means.now,
        )
        await feeds.add_token(c, token)
        whose = [came(*_named(of))]
        await note(c, means, Action.FEED_TOKEN_CREATED, object_id=token.feed_token_id, fields=whose)
    return token, opens


async def find(means: Means, prefix: str, name: str) -> list[FeedToken]:
    """The tokens of the feed, newest first. Raises ScheduleNotFound, AccountUserNotFound."""
    async with means.database.connection() as c:
        return await feeds.tokens(c, means.application_id, await _feed_of(c, means, prefix, name))


async def revoke(means: Means, prefix: str, name: str, feed_token_id: str) -> None:
    """The token opens nothing any more. Raises ScheduleNotFound, AccountUserNotFound, FeedTokenNotFound."""
    async with means.database.transaction() as c:
        of = await _feed_of(c, means, prefix, name)
        if not await feeds.remove_token(c, means.application_id, of, feed_token_id):
            raise FeedTokenNotFound
        await note(c, means, Action.FEED_TOKEN_REVOKED, object_id=feed_token_id, fields=[went(*_named(of))])


async def authenticate(database: Database, token: str, prefix: str, name: str) -> FeedToken:
    """The token, if it opens the feed of this name. Raises NotAuthenticated; how long it takes tells nothing of it."""
    sent = hash_of(token)
    async with database.connection() as c:
        found = await feeds.find_token(c, sent)
    if found is None:
        raise NotAuthenticated
    known, prefix_id = found
    of = known.of.schedule_id if prefix == SCHEDULE_PREFIX else known.of.account_user_id
    if not hmac.compare_digest(known.token_hash, sent) or of is None or name not in {of, prefix_id}:
        raise NotAuthenticated
    return known


def _named(of: FeedOf) -> tuple[str, str | None]:
    return next((name, whose) for name, whose in of._asdict().items() if whose is not None)


async def _feed_of(c: Connection, means: Means, prefix: str, name: str) -> FeedOf:
    if prefix == SCHEDULE_PREFIX:
        return FeedOf(schedule_id=(await schedules.get(c, means.application_id, name)).schedule_id)
    return FeedOf(account_user_id=(await account_users.get(c, means.application_id, name)).account_user_id)
