"""Not too fast, and not too much: each application by itself, and told what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from api_service.store.database import Database
from tests.integration.api.stage import NEW_EVENT, Answer, Api, Server, StandingClock, compose

Open: TypeAlias = Callable[..., Awaitable[Api]]

FULL = "The application has as many events as it may, finished ones too; delete some, or ask the operator for more."
TOO_FAST = "The application asks faster than it may; try again after as many seconds as Retry-After says."


@pytest.fixture
def opened(aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock) -> Open:
    async def open_with(*, rate: int = 0, quota: int = 0) -> Api:
        client = await aiohttp_client(Server(compose(database, clock, rate=rate, quota=quota)))
        return await Api(client, clock).newcomer()

    return open_with


async def test_who_asks_too_fast_is_told_when_to_come_again(opened: Open, clock: StandingClock) -> None:
    api = await opened(rate=3)
    stranger = await api.newcomer()
    assert [(await api.get("/v1/events")).status for _ in range(3)] == [200] * 3
    answer = await api.get("/v1/events")

    assert (answer.status, answer.message, answer.json["error"]) == (429, [TOO_FAST], "Too Many Requests")
    assert answer.headers["Retry-After"] == "1"
    assert (await stranger.get("/v1/events")).status == 200
    assert (await Api(api.client, clock, "ck_wrong").get("/v1/events")).status == 401
    assert (await api.get("/healthz")).status == 200

    clock.moment += 1000
    assert [(await api.get("/v1/events")).status for _ in range(4)] == [200] * 3 + [429]


async def test_all_keys_of_an_application_have_one_limit(opened: Open) -> None:
    api = await opened(rate=2)
    newer = Api(api.client, api.clock, (await api.post("/v1/keys", {})).data["apiKey"])

    assert [(await key.get("/v1/keys")).status for key in (api, newer)] == [200, 429]


async def test_above_the_quota_nothing_is_created_and_a_deletion_makes_room(opened: Open) -> None:
    api = await opened(quota=2)
    first, _ = await api.create(), await api.create()
    answer = await api.post("/v1/events", NEW_EVENT)

    assert (answer.status, answer.message, answer.json["error"]) == (403, [FULL], "Forbidden")
    assert (await api.get("/v1/events")).json["meta"] == {"total": 2}
    assert (await api.post("/v1/events", {})).status == 400  # what is wrong is told first
    await (await api.newcomer()).create()

    assert (await api.delete(f"/v1/events/{first['eventId']}")).status == 200
    await api.create()
    assert (await api.post("/v1/events", NEW_EVENT)).status == 403


async def test_however_many_create_at_once_the_quota_is_filled_exactly(opened: Open) -> None:
    api = await opened(quota=3)

    answers = await together(api, [{"Idempotency-Key": f"key-{number}"} if number % 2 else {} for number in range(12)])
    assert sorted(answer.status for answer in answers) == [201] * 3 + [403] * 9
    assert (await api.get("/v1/events")).json["meta"] == {"total": 3}


async def test_who_repeats_the_creation_that_took_the_last_place_gets_its_answer(opened: Open) -> None:
    api = await opened(quota=1)

    answers = await together(api, [{"Idempotency-Key": "once"}] * 8)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (await api.post("/v1/events", NEW_EVENT)).status == 403


async def together(api: Api, headers: list[dict[str, str]]) -> list[Answer]:
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(api.post("/v1/events", NEW_EVENT, headers=one)) for one in headers]
    return [task.result() for task in asked]
