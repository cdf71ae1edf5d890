"""The operations of calendar feeds, in words."""

from __future__ import annotations

from collections.abc import Iterator

from api_service.docs.oncall.operation import OncallOperation, Shape

_CALENDAR = ("text/calendar",)
_FEED = (
    "One event a shift and person, in UTC, from 30 days back to 12 months ahead; at most 10,000. What a program may "
    "have seen and is gone since is said to be cancelled for 30 days. Read it with the API key, or with a token alone."
)


def _feed(tag: str, path: str, name: str, whose: str) -> Iterator[OncallOperation]:
    """A feed, and the tokens that open it: the same of a schedule and of an account user."""
    one, tokens = f"{path}/{{id}}", f"{path}/{{id}}/feed_tokens"
    yield OncallOperation(
        name=f"get{name}Feed",
        tag=tag,
        method="get",
        path=f"{one}.ics",
        summary=f"Subscribe to the shifts of {whose}",
        description=_FEED,
        texts=_CALENDAR,
        query=("token",),
    )
    yield OncallOperation(
        name=f"create{name}FeedToken",
        tag=tag,
        method="post",
        path=tokens,
        summary="Create an address for calendar programs",
        description="It has a token in it, which opens this feed and nothing else. It is shown this once.",
        status=201,
        data="NewFeedToken",
        refusals=(409,),
    )
    yield OncallOperation(
        name=f"list{name}FeedTokens",
        tag=tag,
        method="get",
        path=tokens,
        summary="List a feed's tokens",
        description="All of them, newest first.",
        data="FeedTokens",
    )
    yield OncallOperation(
        name=f"revoke{name}FeedToken",
        tag=tag,
        method="delete",
        path=f"{tokens}/{{tokenId}}",
        summary="Revoke a feed's token",
        description="It opens nothing any more.",
        status=204,
        shape=Shape.NOTHING,
    )


FEEDS = (
    *_feed("Schedules", "/api/v4/schedules", "Schedule", "a schedule"),
    OncallOperation(
        name="getScheduleRules",
        tag="Schedules",
        method="get",
        path="/api/v4/schedules/{id}/rules.ics",
        summary="Retrieve a schedule in rule form",
        description=(
            "As iCalendar says it: recurrence rules that other programs expand to the same shifts. What no such rule "
            "can say is listed: hours on listed days of the week for about a year, and months whose shifts differ in "
            "length for a hundred years."
        ),
        texts=_CALENDAR,
    ),
    *_feed("Account users", "/api/v4/account_users", "AccountUser", "one person"),
)
