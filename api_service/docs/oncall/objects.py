"""The operations of account users and schedules, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api_service.docs.oncall.operation import OncallOperation, Shape

_ID = "The path takes the ULID or the prefix id."


def _crud(
    tag: str, path: str, data: str, what: str, example: dict[str, Any], gone: str, **deletion: Any
) -> Iterator[OncallOperation]:
    """Create, list, read, change (by two methods) and delete: the same of every kind of thing."""
    one = f"{path}/{{id}}"
    yield OncallOperation(
        name=f"create{data}",
        tag=tag,
        method="post",
        path=path,
        summary=f"Create {what}",
        description="Repeated with its Idempotency-Key it creates nothing twice and answers as before.",
        status=201,
        data=data,
        body=f"{data}Creation",
        example=example,
        is_once=True,
    )
    yield OncallOperation(
        name=f"list{data}s",
        tag=tag,
        method="get",
        path=path,
        summary=f"List {tag[0].lower()}{tag[1:]}",
        description="Newest first, unless `sort` says otherwise; filtered by any attribute.",
        data=data,
        shape=Shape.LIST,
    )
    yield OncallOperation(
        name=f"get{data}",
        tag=tag,
        method="get",
        path=one,
        summary=f"Retrieve {what}",
        description=_ID,
        data=data,
    )
    for method, name in (("put", f"change{data}"), ("patch", f"change{data}InPart")):
        yield OncallOperation(
            name=name,
            tag=tag,
            method=method,
            path=one,
            summary=f"Change {what}",
            description="What is not named stays as it is, with either method.",
            data=data,
            body=f"{data}Change",
            example={"name": example["name"]},
            is_matched=True,
        )
    yield OncallOperation(
        name=f"delete{data}",
        tag=tag,
        method="delete",
        path=one,
        summary=f"Delete {what}",
        description=gone,
        status=204,
        shape=Shape.NOTHING,
        is_matched=True,
        **deletion,
    )


OBJECTS = (
    *_crud(
        "Account users",
        "/api/v4/account_users",
        "AccountUser",
        "an account user",
        {"name": "Ada Lovelace", "email": "ada@example.com", "time_zone": "London"},
        "Whoever attends on-call events stays: the answer is 409 and names the first of them.",
        refusals=(409,),
    ),
    *_crud(
        "Schedules",
        "/api/v4/schedules",
        "Schedule",
        "a schedule",
        {"name": "Core on call", "time_zone": "Berlin"},
        "Its on-call events are taken off it, and those that are on no other schedule are deleted. With `dry_run=true` "
        "nothing is written, and the answer says who would lose which hours.",
        is_trial=True,
    ),
)
