"""The operations that look after many events: in bulk, and who did what, in words."""

from __future__ import annotations

from api_service import limits
from api_service.docs.operation import Operation

_BULK = (
    "Which events is said by `query`, with the filters of the list of events, or by `all: true`; one of them is "
    "needed, and a `query` without a filter is refused. With `dryRun` it is counted and nothing changes. Each event is "
    f"changed as if it were asked for alone, at most {limits.BULK_EVENTS} of them and for about "
    f"{limits.BULK_SECONDS:g} seconds: ask again while `remaining` is not 0. What somebody else changed meanwhile "
    "is left alone and said in `failed`. To the limit of requests it is one request."
)

OVERSIGHT = (
    *(
        Operation(
            name=f"{word}Events",
            tag="Bulk",
            method="post",
            path=f"/v1/bulk/{word}",
            summary=f"{word.capitalize()} many events",
            description=f"{said} {_BULK}",
            body="BulkRequest",
            example={"query": {"tags": ["prod"]}, "dryRun": True},
            data="Bulk",
        )
        for word, said in (
            ("pause", "Pauses all events that match and run."),
            ("resume", "Resumes all events that match and are paused; what fell into their pauses is skipped."),
            ("delete", "Deletes all events that match, finished ones too."),
        )
    ),
    Operation(
        name="listChanges",
        tag="Changes",
        method="get",
        path="/v1/changes",
        summary="List changes",
        description=(
            "Who did what, newest first: to events, be they deleted by now, to API keys and to signing secrets; and to "
            "account users, schedules, on-call events, subscriptions and feed tokens. A change is here if and only if "
            "it was made; requests that changed nothing are not. Never in it: the values of headers, contexts, URLs "
            "and `meta`, what people are called and their e-mail addresses, keys, tokens and secrets. Kept for as "
            "many days as the operator says, 90 unless he does. For the next page, send `meta.next` as `cursor` with "
            "the same filters; null is the end."
        ),
        data="Change",
        is_list=True,
        is_counted=False,
        by_cursor=True,
        page="ChangesPage",
    ),
)
