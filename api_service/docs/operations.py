"""Every operation of the API in words; that each is routed, and each route is here, is tested."""

from __future__ import annotations

from api_service import limits
from api_service.docs.executions import EXECUTIONS
from api_service.docs.operation import Operation
from api_service.docs.oversight import OVERSIGHT

_NEW_EVENT = {
    "eventOwner": "user@example.com",
    "endDate": "2030-09-02T05:11:59.708Z",
    "interval": "0 30 9 * * 1-5",
    "timezone": "Europe/Berlin",
    "callbackUrl": "https://api.yourapi.com",
    "context": {"user": 12345},
    "tags": ["prod"],
    "retryPolicy": {"maxAttempts": 8, "initialIntervalSeconds": 2},
    "timeoutSeconds": 10,
    "headers": {"Authorization": "Bearer 12345"},
}

OPERATIONS = (
    Operation(
        name="registerApplication",
        tag="Applications",
        method="post",
        path="/v1/register",
        summary="Register an application",
        description=(
            "Gives a new application its API key and its signing secret, which are shown this once. A name that is "
            "taken is refused with 409. Where the operator has set a registration token, send it as "
            "`X-Registration-Token`."
        ),
        body="Registration",
        example={"appName": "RLP"},
        data="Application",
        status=201,
        parameters=("X-Registration-Token",),
        refusals=(401, 409),
        needs_key=False,
    ),
    Operation(
        name="getSigningSecret",
        tag="Applications",
        method="get",
        path="/v1/signing-secret",
        summary="Show the signing secrets' dates",
        description=(
            "Since when and until when each of the application's secrets signs its callbacks, newest first; never the "
            "secrets themselves."
        ),
        data="SigningSecret",
    ),
    Operation(
        name="rotateSigningSecret",
        tag="Applications",
        method="post",
        path="/v1/signing-secret/rotate",
        summary="Get a new signing secret",
        description=(
            "Gives the application another secret, which is shown this once. Until the overlap ends, callbacks are "
            "signed with the others too, so that receivers can learn the new one meanwhile. At most "
            f"{limits.SIGNING_SECRETS} secrets sign at once; one more is refused with 409."
        ),
        body="SigningRotation",
        example={"overlapSeconds": 3600},
        data="NewSigningSecret",
        refusals=(409,),
    ),
    Operation(
        name="listKeys",
        tag="Applications",
        method="get",
        path="/v1/keys",
        summary="List API keys",
        description="The application's valid keys, newest first: what they are called, never what they are.",
        data="ApiKey",
        is_list=True,
    ),
    Operation(
        name="rotateKey",
        tag="Applications",
        method="post",
        path="/v1/keys",
        summary="Rotate the API key",
        description=(
            "Gives the application a new key, which is shown this once. All its other keys expire once "
            "`overlapSeconds` are over, or when they would have anyway. An application has at most "
            f"{limits.KEYS} valid keys; one more is refused with 409."
        ),
        body="Rotation",
        example={"overlapSeconds": 3600},
        data="NewApiKey",
        status=201,
        refusals=(409,),
    ),
    Operation(
        name="revokeKey",
        tag="Applications",
        method="delete",
        path="/v1/keys/{keyId}",
        summary="Revoke an API key",
        description=(
            "From now on the key opens nothing, be it the one that is used. The last valid key is refused with 409; "
            "keys that are left expire when they would have."
        ),
        data="ApiKey",
        parameters=("keyId",),
        refusals=(404, 409),
    ),
    Operation(
        name="createEvent",
        tag="Events",
        method="post",
        path="/v1/events",
        summary="Create an event",
        description=(
            "From now on, or from `startDate`, until `endDate` the callback is called whenever the interval says so. "
            f"With an `Idempotency-Key` the same request within {limits.IDEMPOTENCY_KEY_HOURS} hours gets the same "
            "answer and creates nothing more; a different request with that key is refused with 422. "
            "Where the operator has set a quota, an event above it is refused with 403."
        ),
        body="EventCreation",
        example=_NEW_EVENT,
        data="Event",
        status=201,
        parameters=("Idempotency-Key",),
        refusals=(403, 422),
    ),
    Operation(
        name="createEvents",
        tag="Events",
        method="post",
        path="/v1/events/batch",
        summary="Create many events",
        description=(
            f"Creates up to {limits.BATCH_EVENTS} events, each as it would be created alone, in one go: all of them, "
            "or none where anything is wrong with any. Every problem is told at once and names its event, counted from "
            "0: `events[7].endDate should be in the future`. The answer has the events in the order in which they "
            "were sent, and lists have them in it too. The same event twice is two events. "
            f"The body has at most {limits.BATCH_BODY_BYTES // 1024**2} MiB, and each event "
            f"{limits.BODY_BYTES // 1024} KiB. `Idempotency-Key` is for the batch as a whole, as for a single event: "
            "send it, and repeat the request if no answer comes. Where the operator has set a quota and not all events "
            "fit, none is created and 403 says how many would. To the limit of requests it is one request. At most "
            f"{limits.BATCHES_OF_ONE} batches of an application are dealt with at once and others wait, for up to "
            f"{limits.BATCH_SECONDS:g} seconds; then 503 says that nothing was created."
        ),
        body="EventBatch",
        example={"events": [_NEW_EVENT, _NEW_EVENT | {"interval": "0 0 18 * * 5", "context": {"user": 6789}}]},
        data="Event",
        is_list=True,
        counts="How many were created.",
        status=201,
        parameters=("Idempotency-Key",),
        refusals=(403, 422),
    ),
    Operation(
        name="listEvents",
        tag="Events",
        method="get",
        path="/v1/events",
        summary="List events",
        description=(
            "The application's events, newest first. `query` filters them: every filter in it must match. It is "
            "sent with brackets, as axios does (`query[tags][]=prod`), with written-out indexes (`[0]`), "
            'or as one JSON string (`query={"tags":["prod"]}`). `meta.total` is the number of all that match.'
        ),
        data="Event",
        is_list=True,
        page="EventsPage",
        parameters=("query", "status"),
    ),
    Operation(
        name="getEvent",
        tag="Events",
        method="get",
        path="/v1/events/{eventId}",
        summary="Get an event",
        description="One event as it stands now.",
        data="Event",
        parameters=("eventId",),
        refusals=(404,),
    ),
    Operation(
        name="changeEvent",
        tag="Events",
        method="patch",
        path="/v1/events/{eventId}",
        summary="Change an event",
        description=(
            "What is left out stays as it is, inside `retryPolicy` too; `headers` are replaced as a whole. A new "
            "interval, timezone or startDate takes effect at once. A FINISHED event is changed only together with a "
            "new `endDate`; otherwise it is refused with 409."
        ),
        body="EventChange",
        example={"interval": "0 */5 * * * *", "tags": ["prod", "eu"], "retryPolicy": {"maxAttempts": 3}},
        data="Event",
        parameters=("eventId", "If-Match"),
        refusals=(404, 409, 412),
    ),
    Operation(
        name="deleteEvent",
        tag="Events",
        method="delete",
        path="/v1/events/{eventId}",
        summary="Delete an event",
        description="Returns the event as it was. It is not called any more.",
        data="Event",
        parameters=("eventId", "If-Match"),
        refusals=(404, 412),
    ),
    Operation(
        name="pauseEvent",
        tag="Events",
        method="post",
        path="/v1/events/{eventId}/pause",
        summary="Pause an event",
        description="No callback until it is resumed. Harmless on a paused event.",
        data="Event",
        parameters=("eventId", "If-Match"),
        refusals=(404, 409, 412),
    ),
    Operation(
        name="resumeEvent",
        tag="Events",
        method="post",
        path="/v1/events/{eventId}/resume",
        summary="Resume an event",
        description="Callbacks from now on; what fell into the pause is skipped. Harmless on a running event.",
        data="Event",
        parameters=("eventId", "If-Match"),
        refusals=(404, 409, 412),
    ),
    *EXECUTIONS,
    Operation(
        name="previewInterval",
        tag="Previews",
        method="post",
        path="/v1/preview",
        summary="Preview an interval",
        description=(
            "When an interval would ring, computed by what really rings it. Each event draws its own `H`: the one that "
            "is drawn here stands for any."
        ),
        body="PreviewRequest",
        example={"interval": "0 30 9 * * 1-5", "timezone": "Europe/Berlin", "count": 3},
        data="Preview",
    ),
    *OVERSIGHT,
)

# What a program that uses the API does not call: answered, and not part of the contract with it.
SERVICE_PATHS = {
    "/healthz": "The process lives.",
    "/readyz": "What requests need is there, or 503 says what is not. Without the bus changes wait, and are taken.",
    "/metrics": "Figures for Prometheus.",
    "/openapi.json": "This document.",
    "/docs": "This page.",
}
