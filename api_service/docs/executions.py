"""The operations on executions in words: ring, look, replay and audit."""

from __future__ import annotations

from api_service import limits
from api_service.docs.operation import Operation

EXECUTIONS = (
    Operation(
        name="triggerEvent",
        tag="Executions",
        method="post",
        path="/v1/events/{eventId}/trigger",
        summary="Trigger an event",
        description="Calls back once now, outside the series. Refused with 409 while the event is paused or finished.",
        data="Execution",
        parameters=("eventId", "If-Match"),
        refusals=(404, 409, 412),
    ),
    Operation(
        name="listExecutions",
        tag="Executions",
        method="get",
        path="/v1/events/{eventId}/executions",
        summary="List an event's executions",
        description=(
            "What became of every occurrence, newest first, with each attempt. Every filter must match; a stretch of "
            "skipped occurrences counts as its first one. `meta.total` is the number of all that match. The next page "
            "is at `meta.next`, sent as `cursor` with the same filters: what is added meanwhile does not move it. On "
            "the last page it is null."
        ),
        data="Execution",
        is_list=True,
        by_cursor=True,
        page="ExecutionsPage",
        parameters=("eventId",),
        refusals=(404,),
    ),
    Operation(
        name="getExecution",
        tag="Executions",
        method="get",
        path="/v1/events/{eventId}/executions/{executionId}",
        summary="Get an execution",
        description=(
            "One occurrence with each attempt and what was answered to it: a few headers and the first 4 KiB of the "
            "body, without the values of the event's own `headers`."
        ),
        data="ExecutionDetail",
        parameters=("eventId", "executionId"),
        refusals=(404,),
    ),
    Operation(
        name="replayExecution",
        tag="Executions",
        method="post",
        path="/v1/events/{eventId}/executions/{executionId}/replay",
        summary="Replay an execution",
        description=(
            "Attempts it again now, under the same `webhook-id` and with the event as it is by now; `carillon-attempt` "
            "goes on, and `retryPolicy` begins anew. Only what is FAILED, or SKIPPED and single, and only while the "
            "event could be triggered; anything else is refused with 409."
        ),
        data="Execution",
        status=202,
        parameters=("eventId", "executionId", "If-Match"),
        refusals=(404, 409, 412),
    ),
    Operation(
        name="replayExecutions",
        tag="Executions",
        method="post",
        path="/v1/events/{eventId}/executions/replay",
        summary="Replay what has failed",
        description=(
            f"Replays the oldest {limits.REPLAYS:,} of the FAILED executions in the range; while `remaining` is not 0, "
            "ask again. With `dryRun` nothing is done. Refused with 409 while the event is paused or finished."
        ),
        body="ReplayRequest",
        example={"from": "2030-03-17T17:00:00Z", "to": "2030-03-17T18:00:00Z", "dryRun": True},
        data="Replay",
        parameters=("eventId", "If-Match"),
        refusals=(404, 409, 412),
    ),
    Operation(
        name="auditEvent",
        tag="Executions",
        method="get",
        path="/v1/events/{eventId}/audit",
        summary="Audit an event",
        description=(
            "Proves that every occurrence is in the ledger, or names those that are not: what was due is computed anew "
            "from the rule and its history, whatever the ledger says. Firings by hand are no part of it. At most "
            f"{limits.AUDIT_INSTANTS} occurrences at once; for more, ask for the time in parts."
        ),
        data="Audit",
        page="AuditTime",
        parameters=("eventId",),
        refusals=(404,),
    ),
)
