"""How an event is delivered: asked for, kept, changed in parts, announced, and its secrets never shown."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from api_service.store import events
from api_service.store.database import Database
from shared.domain.event import timer_of
from shared.domain.timer import Timer
from shared.messages.catalogue import Upserted
from shared.messages.codec import decode_what
from tests.integration.api.stage import NEW_EVENT, Api

ASKED: dict[str, Any] = {
    "retryPolicy": {"maxAttempts": 7, "initialIntervalSeconds": 10},
    "timeoutSeconds": 5,
    "misfirePolicy": "skip",
    "misfireGraceSeconds": 60,
    "overlapPolicy": "skip",
    "spreadSeconds": 30,
    "headers": {"x-api-token": "s3cret", "Authorization": "Bearer s3cret"},
}
SHOWN = {name: value for name, value in ASKED.items() if name != "headers"} | {
    "retryPolicy": {
        "maxAttempts": 7, "initialIntervalSeconds": 10, "maxIntervalSeconds": 300, "backoffCoefficient": 2.0,
    },
    "headerNames": ["Authorization", "x-api-token"],
}  # fmt: skip


async def announced(database: Database, event_id: str) -> Timer:
    """The timer as the latest change says it; it must be what a snapshot would say."""
    async with database.connection() as c:
        found = [
            what.timer
            for row in await c.fetch("select what from outbox order by id desc")
            if isinstance(what := decode_what(row["what"]), Upserted) and what.timer.id == event_id
        ]
        event = await events.get(c, found[0].application_id, event_id)
    assert found[0] == timer_of(event)
    return found[0]


def differences(answered: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {name: answered.get(name) for name in expected if answered.get(name) != expected[name]}


async def test_what_was_asked_for_is_kept_and_announced(api: Api, database: Database) -> None:
    created = await api.create(**ASKED)
    got = (await api.get(f"/v1/events/{created['eventId']}")).data

    assert differences(created, SHOWN) == {}
    assert got == created
    assert (await announced(database, created["eventId"])).delivery.headers == (
        ("Authorization", "Bearer s3cret"),
        ("x-api-token", "s3cret"),
    )


async def test_a_change_names_what_is_to_be_different(api: Api, database: Database) -> None:
    created = await api.create(**ASKED)
    path = f"/v1/events/{created['eventId']}"
    answer = await api.patch(path, {"retryPolicy": {"maxAttempts": 1}, "timeoutSeconds": 6})

    assert answer.status == 200
    policy = SHOWN["retryPolicy"] | {"maxAttempts": 1}
    assert differences(answer.data, SHOWN | {"retryPolicy": policy, "timeoutSeconds": 6}) == {}
    assert len((await announced(database, created["eventId"])).delivery.headers) == 2
    assert (await api.patch(path, {"headers": {"x-b": "v"}})).data["headerNames"] == ["x-b"]
    again = await api.patch(path, {"headers": {"x-b": "v"}, "retryPolicy": {}})
    assert again.data["version"] == answer.data["version"] + 1  # the second time nothing was different


async def test_a_change_must_go_with_what_it_leaves(api: Api) -> None:
    created = await api.create(retryPolicy={"initialIntervalSeconds": 10}, startDate="2030-08-01T00:00:00Z")
    answer = await api.patch(
        f"/v1/events/{created['eventId']}",
        {"retryPolicy": {"maxIntervalSeconds": 9}, "endDate": "2030-07-01T00:00:00Z"},
    )

    assert answer.status == 400
    assert answer.message == [
        "startDate should be before endDate",
        "retryPolicy.initialIntervalSeconds should be at most maxIntervalSeconds, which is 9",
    ]


async def test_no_answer_log_or_stored_answer_has_a_headers_value(
    api: Api, database: Database, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    key = {"Idempotency-Key": "once"}
    created = await api.post("/v1/events", NEW_EVENT | ASKED, headers=key)
    path = f"/v1/events/{created.data['eventId']}"
    answers = [
        created,
        await api.post("/v1/events", NEW_EVENT | ASKED, headers=key),
        await api.post("/v1/events", NEW_EVENT | {"headers": {"te": "s3cret", "x-a": " s3cret"}}),
        await api.patch(path, {"headers": {"x-a": "s3cret", "X-A": "s3cret"}}),
        await api.patch(path, {"headers": {"x-a": "s3cret"}}),
        await api.get("/v1/events"),
        await api.post(f"{path}/trigger"),
        await api.delete(path),
    ]

    assert [answer.status for answer in answers] == [201, 201, 400, 400, 200, 200, 200, 200]
    assert answers[0].text == answers[1].text
    async with database.connection() as c:
        stored = await c.fetch("select answer from idempotency_key")
    said = [answer.text + json.dumps(dict(answer.headers)) for answer in answers] + [row["answer"] for row in stored]
    assert "s3cret" not in "".join([*said, caplog.text, *capsys.readouterr()])


async def test_who_paused_an_event_is_shown(api: Api) -> None:
    created = await api.create()
    path = f"/v1/events/{created['eventId']}"

    assert created["pausedReason"] is None
    assert (await api.post(f"{path}/pause")).data["pausedReason"] == "client"
    assert (await api.get(path)).data["pausedReason"] == "client"
    assert (await api.post(f"{path}/resume")).data["pausedReason"] is None
    assert (await api.get(path)).data["pausedReason"] is None
