"""The operations of subscriptions to a schedule, in words."""

from __future__ import annotations

from api_service.docs.oncall.operation import OncallOperation, Shape

_TAG = "Subscriptions"
_ALL = "/api/v4/schedules/{id}/subscriptions"
_ONE = f"{_ALL}/{{sid}}"
_EXAMPLE = {
    "callbackUrl": "https://example.com/oncall",
    "on": ["shift.started", "shift.starting"],
    "leadTime": "PT30M",
    "eventOwner": "user@example.com",
}
_BODY = (
    "At every instant at which something happens that is asked for, one callback tells all of it: `scheduleId`, "
    "`subscriptionId`, `at`, a `sequence` without holes, the schedule's `revision`, and `transitions`, each with its "
    "`kind` and `layer`, who `goes`, who `comes`, and the `occurrence` that starts or ends. A shift that starts is "
    "told even where the same people stay; whoever stays neither goes nor comes. What is "
    "changed about the past, but for the last minute, is not told."
)

SUBSCRIPTIONS = (
    OncallOperation(
        name="createSubscription",
        tag=_TAG,
        method="post",
        path=_ALL,
        summary="Have a schedule's transitions called back",
        description=f"{_BODY} Callbacks are signed, retried and kept as those of events are, under the same id.",
        status=201,
        data="Subscription",
        body="SubscriptionCreation",
        example=_EXAMPLE,
        is_once=True,
        refusals=(403,),
    ),
    OncallOperation(
        name="listSubscriptions",
        tag=_TAG,
        method="get",
        path=_ALL,
        summary="List a schedule's subscriptions",
        description="Newest first, unless `sort` says otherwise. Listings of events do not have them.",
        data="Subscription",
        shape=Shape.LIST,
    ),
    OncallOperation(
        name="getSubscription",
        tag=_TAG,
        method="get",
        path=_ONE,
        summary="Retrieve a subscription",
        description="Its executions, its pauses and rings by hand are those of `/v1/events` with the same id.",
        data="Subscription",
    ),
    *(
        OncallOperation(
            name=name,
            tag=_TAG,
            method=method,
            path=_ONE,
            summary="Change a subscription",
            description="What is not named stays as it is, with either method.",
            data="Subscription",
            body="SubscriptionChange",
            example={"on": ["shift.started", "gap.started"]},
            is_matched=True,
        )
        for method, name in (("put", "changeSubscription"), ("patch", "changeSubscriptionInPart"))
    ),
    OncallOperation(
        name="deleteSubscription",
        tag=_TAG,
        method="delete",
        path=_ONE,
        summary="Delete a subscription",
        description="Nothing of it is called back any more.",
        status=204,
        shape=Shape.NOTHING,
        is_matched=True,
    ),
)
