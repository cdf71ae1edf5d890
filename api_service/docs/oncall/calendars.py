"""The operations of calendars, and of the tokens that open them, in words."""

from __future__ import annotations

from api_service.docs.oncall.operation import OncallOperation, Shape

_TAG = "Calendars"
_PATHS = {"Schedule": "/api/v4/schedules/{id}", "AccountUser": "/api/v4/account_users/{id}"}
_WHOSE = {"Schedule": "a schedule", "AccountUser": "an account user"}
_FEED = {
    "Schedule": "Who is on call in the schedule, as calendar programs read it.",
    "AccountUser": "When the person is on call, in every schedule, as calendar programs read it.",
}

CALENDARS = (
    *(
        OncallOperation(
            name=f"get{kind}Feed",
            tag=_TAG,
            method="get",
            path=f"{path}.ics",
            summary=f"Subscribe to {_WHOSE[kind]}",
            description=(
                f"{_FEED[kind]} Each shift is an event of its own, with a name that stays. Read with the API key, or "
                "with a feed's `token` in the address."
            ),
            texts=("text/calendar",),
            query=("token",),
        )
        for kind, path in _PATHS.items()
    ),
    OncallOperation(
        name="getScheduleRules",
        tag=_TAG,
        method="get",
        path="/api/v4/schedules/{id}/rules.ics",
        summary="Export the rules of a schedule",
        description="Its on-call events as recurring ones, which other programs expand to the same shifts.",
        texts=("text/calendar",),
    ),
    *(
        operation
        for kind, path in _PATHS.items()
        for operation in (
            OncallOperation(
                name=f"create{kind}FeedToken",
                tag=_TAG,
                method="post",
                path=f"{path}/feed_tokens",
                summary=f"Create an address for the feed of {_WHOSE[kind]}",
                description="Whoever knows the address reads the feed, and nothing else. It is told this once.",
                status=201,
                data="NewFeedToken",
                refusals=(409,),
            ),
            OncallOperation(
                name=f"list{kind}FeedTokens",
                tag=_TAG,
                method="get",
                path=f"{path}/feed_tokens",
                summary=f"List the addresses of the feed of {_WHOSE[kind]}",
                description="By id: what opens the feed is not told again.",
                data="FeedToken",
                shape=Shape.WHOLE,
            ),
            OncallOperation(
                name=f"revoke{kind}FeedToken",
                tag=_TAG,
                method="delete",
                path=f"{path}/feed_tokens/{{tokenId}}",
                summary=f"Revoke an address of the feed of {_WHOSE[kind]}",
                description="It opens nothing from then on.",
                status=204,
                shape=Shape.NOTHING,
            ),
        )
    ),
)
