"""Who comes in: keys, names and the operator's token."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import pytest

from api_service.store.database import Database
from tests.integration.api.stage import Api, Server, StandingClock, compose


async def test_an_application_gets_its_key_once(api: Api, database: Database) -> None:
    answer = await Api(api.client, api.clock).post("/v1/register", {"appName": "RLP"})

    assert answer.status == 201
    assert list(answer.json) == ["data"]
    assert list(answer.data) == ["appName", "apiKey", "signingSecret"]
    assert answer.data["appName"] == "RLP"
    assert re.fullmatch(r"ck_[A-Za-z0-9_-]{43}", answer.data["apiKey"])
    async with database.connection() as c:
        kept = await c.fetchval(
            "select key_hash from api_key join application using (application_id) where app_name = 'RLP'"
        )
    assert kept == sha256(answer.data["apiKey"].encode()).digest()


async def test_a_name_is_taken_once(api: Api) -> None:
    await api.post("/v1/register", {"appName": "taken"})
    answer = await api.post("/v1/register", {"appName": "taken"})

    assert (answer.status, answer.message) == (
        409,
        ["An application of this appName is registered already; choose another name."],
    )
    assert (await api.post("/v1/register", {"appName": "Taken"})).status == 201


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "appName is required"),
        ({"appName": ""}, "appName should have 1 to 100 characters"),
        ({"appName": "x" * 101}, "appName should have 1 to 100 characters"),
        ({"appName": " x"}, "appName should have no blanks at its ends and no control characters"),
        ({"appName": "a\nb"}, "appName should have no blanks at its ends and no control characters"),
        ({"appName": 1}, "appName should be a string"),
        ({"appName": None}, "appName should not be null"),
        ({"appName": "x", "apiKey": "mine"}, "apiKey is not known here; known are appName"),
    ],
)
async def test_a_name_is_within_bounds(api: Api, sent: Any, said: str) -> None:
    answer = await api.post("/v1/register", sent)

    assert (answer.status, answer.message) == (400, [said])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/events"),
        ("GET", "/v1/events"),
        ("GET", "/v1/events/x"),
        ("PATCH", "/v1/events/x"),
        ("DELETE", "/v1/event/x"),
        ("POST", "/v1/event/x/pause"),
        ("POST", "/v1/events/x/resume"),
        ("POST", "/v1/events/x/trigger"),
        ("GET", "/v1/events/x/executions"),
        ("POST", "/v1/preview"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("DELETE", "/v1/keys/x"),
    ],
)
@pytest.mark.parametrize("key", [None, "", "ck_" + "A" * 43, "x" * 4000, "schlüssel"])
async def test_without_a_valid_key_nothing_answers(api: Api, method: str, path: str, key: str | None) -> None:
    answer = await Api(api.client, api.clock, key).ask(method, path, json={"not": "looked at"})

    assert answer.status == 401
    assert answer.json == {
        "statusCode": 401,
        "message": ["A valid API key is needed, as Authorization: Bearer or in the header X-API-Key."],
        "error": "Unauthorized",
        "timestamp": "2030-03-17T17:46:40.000Z",
    }
    assert "WWW-Authenticate" in answer.headers


async def test_bytes_that_are_no_text_are_no_key(api: Api) -> None:
    answer = await Api(api.client, api.clock).get("/v1/events", headers={"X-API-Key": "\udcff\udc80"})

    assert answer.status == 401


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), ("geheim\xe9", 401), ("open sesame", 201)])
async def test_the_operators_token_closes_registration(
    aiohttp_client: Callable[..., Awaitable[Any]],
    database: Database,
    clock: StandingClock,
    token: str | None,
    status: int,
) -> None:
    closed = await aiohttp_client(Server(compose(database, clock, token="open sesame")))
    headers = {} if token is None else {"X-Registration-Token": token}
    answer = await Api(closed, clock).post("/v1/register", {"appName": f"by token {token}"}, headers=headers)

    assert answer.status == status
    if status == 401:
        assert answer.message == ["Registering needs the operator's token in the header X-Registration-Token."]
