"""An Idempotency-Key creates one event, however often and however simultaneously it is sent.

The danger is shown first: without a key, simultaneous twins create as many events as there are twins, and a creation
that looks before it leaps, but does not hold on to its key, does the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest

from api_service.store import api_keys, idempotency
from api_service.store.database import Database
from api_service.store.idempotency import Remembered
from api_service.usecases.creating import Once
from tests.integration.api.stage import HOUR, NEW_EVENT, Answer, Api, StandingClock

KEY = {"Idempotency-Key": "9b2d…".replace("…", "")}
TWINS = 12
FIRST = '{"data":{"eventId":"x","version":7}}'


async def total(api: Api) -> int:
    events: int = (await api.get("/v1/events")).json["meta"]["total"]
    return events


async def together(api: Api, headers: Mapping[str, str]) -> list[Answer]:
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(api.post("/v1/events", NEW_EVENT, headers=headers)) for _ in range(TWINS)]
    return [task.result() for task in asked]


async def test_the_same_request_gets_the_same_answer(api: Api, clock: StandingClock) -> None:
    first = await api.post("/v1/events", NEW_EVENT, headers=KEY)
    clock.moment += 23 * HOUR
    again = await api.post("/v1/events", NEW_EVENT, headers=KEY)

    assert (first.status, again.status) == (201, 201)
    assert again.text == first.text
    assert await total(api) == 1


async def test_the_answer_stands_even_when_the_request_would_now_be_wrong(api: Api, clock: StandingClock) -> None:
    soon = NEW_EVENT | {"endDate": "2030-03-17T18:00:00Z"}
    first = await api.post("/v1/events", soon, headers=KEY)
    clock.moment += HOUR

    assert (await api.post("/v1/events", soon, headers=KEY)).text == first.text
    assert (await api.post("/v1/events", soon)).message == ["endDate should be in the future"]


async def test_spacing_and_order_make_no_different_request(api: Api) -> None:
    first = await api.post("/v1/events", NEW_EVENT, headers=KEY)
    backwards = json.dumps(dict(reversed(NEW_EVENT.items())), indent=4)
    again = await api.ask("POST", "/v1/events", data=backwards, headers=KEY | {"Content-Type": "application/json"})

    assert again.text == first.text


async def test_a_different_request_with_the_same_key_is_refused(api: Api) -> None:
    await api.post("/v1/events", NEW_EVENT, headers=KEY)
    answer = await api.post("/v1/events", NEW_EVENT | {"tags": ["other"]}, headers=KEY)

    assert (answer.status, answer.json["error"]) == (422, "Unprocessable Entity")
    assert answer.message == [
        "This Idempotency-Key was used before with a different request; send another key with this one."
    ]
    assert await total(api) == 1


async def test_a_refused_request_uses_no_key_up(api: Api) -> None:
    assert (await api.post("/v1/events", NEW_EVENT | {"tags": 1}, headers=KEY)).status == 400
    assert (await api.post("/v1/events", NEW_EVENT, headers=KEY)).status == 201


async def test_keys_are_each_applications_own(api: Api) -> None:
    other = await api.newcomer()
    one, two = await api.post("/v1/events", NEW_EVENT, headers=KEY), await other.post("/v1/events", {}, headers=KEY)

    assert (one.status, two.status) == (201, 400)
    assert (await other.post("/v1/events", NEW_EVENT, headers=KEY)).data["eventId"] != one.data["eventId"]


@pytest.mark.parametrize(("headers", "created"), [({}, TWINS), (KEY, 1)], ids=["without a key", "with a key"])
async def test_simultaneous_twins(api: Api, headers: Mapping[str, str], created: int) -> None:
    answers = await together(api, headers)

    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == created
    assert await total(api) == created


@pytest.mark.parametrize("holds_on", [False, True], ids=["looks only", "holds on to its key"])
async def test_a_twin_waits_for_the_one_that_came_first(api: Api, database: Database, holds_on: bool) -> None:
    """The first twin is played by hand, so that the second surely arrives between its look and its commit."""
    once = Once(key=KEY["Idempotency-Key"], request_hash=b"")
    application_id = await _application_of(api, database)
    async with asyncio.TaskGroup() as tasks, database.transaction() as first:
        assert await idempotency.find(first, application_id, once.key) is None
        if holds_on:
            kept = Remembered(request_hash=await _hash_of(api, database), event_id="x", answer=FIRST)
            await idempotency.remember(first, application_id, once.key, kept, now=api.clock.moment)
        second = tasks.create_task(api.post("/v1/events", NEW_EVENT, headers=KEY))
        waits = await _waits_or_answers(database, second)
    assert waits is holds_on
    assert second.result().text == FIRST if holds_on else second.result().data["eventId"]
    assert await total(api) == (0 if holds_on else 1)


async def _application_of(api: Api, database: Database) -> int:
    from api_service.usecases.registration import hash_of

    key_hash = hash_of(api.key or "")
    async with database.connection() as c:
        return (await api_keys.find(c, [key_hash]))[key_hash].application_id


async def _hash_of(api: Api, database: Database) -> bytes:
    """What the service takes for the meaning of the example's body."""
    from api_service.handlers.requests import meaning_of

    return meaning_of(json.dumps(NEW_EVENT).encode())


async def _waits_or_answers(database: Database, second: asyncio.Task[Answer]) -> bool:
    """Whether the second twin comes to wait for a lock before it answers."""
    while not second.done():
        async with database.connection() as c:
            if await c.fetchval("select count(*) from pg_locks where not granted"):
                return True
    return False
