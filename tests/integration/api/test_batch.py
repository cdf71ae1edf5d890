"""Many events in one request: each as if it were created alone, all of them or none, every problem by its place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import pytest

from api_service import limits
from api_service.store.database import Database
from tests.integration.api.stage import HOUR, NEW_EVENT, Answer, Api, Server, StandingClock, compose

BATCH = "/v1/events/batch"
MANY = 3


def events(count: int = MANY, **different: Any) -> dict[str, Any]:
    return {"events": [NEW_EVENT | {"context": {"place": place}} | different for place in range(count)]}


async def total(api: Api) -> int:
    counted: int = (await api.get("/v1/events")).json["meta"]["total"]
    return counted


async def test_all_are_created_and_shown_in_the_order_given(api: Api) -> None:
    answer = await api.post(BATCH, events())

    assert (answer.status, answer.json["meta"]) == (201, {"total": MANY})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert [event["context"]["place"] for event in answer.data] == [0, 1, 2]
    assert [(await api.get(f"/v1/events/{event['eventId']}")).data for event in answer.data] == answer.data
    # Newest first, as if one had been created after the other.
    assert (await api.get("/v1/events")).data == answer.data[::-1]


async def test_both_spellings_of_the_path(api: Api) -> None:
    assert (await api.post("/v1/event/batch", events(1))).status == 201


async def test_the_same_event_twice_is_two_events(api: Api) -> None:
    answer = await api.post(BATCH, {"events": [NEW_EVENT] * 2})

    assert len({event["eventId"] for event in answer.data}) == await total(api) == 2


async def test_as_many_as_may_be(api: Api) -> None:
    answer = await api.post(BATCH, events(limits.BATCH_EVENTS))

    assert (answer.status, await total(api)) == (201, limits.BATCH_EVENTS)
    assert [event["context"]["place"] for event in answer.data] == list(range(limits.BATCH_EVENTS))


async def test_every_problem_of_every_event_is_told_at_once_and_nothing_is_created(api: Api) -> None:
    sent = events(6)["events"]
    sent[1] = {"tags": [1, ""], "endDate": "2020-01-01T00:00:00Z", "interval": "x", "nope": 1, "status": "PAUSED"}
    sent[2] = "an event"
    sent[3] |= {"callbackUrl": "http://127.0.0.1/", "headers": {"Host": "secret value"}}
    sent[5] |= {"startDate": "2031-01-01T00:00:00Z"}
    answer = await api.post(f"{BATCH}?limit=1", {"events": sent, "dryRun": True}, headers={"Idempotency-Key": "a b"})

    assert (answer.status, answer.json["error"]) == (400, "Bad Request")
    assert [problem.split(" ")[0] for problem in answer.message] == [
        "limit",
        "Idempotency-Key",
        "dryRun",
        "events[1].eventOwner",
        "events[1].endDate",
        "events[1].interval",
        "events[1].callbackUrl",
        "events[1].tags[0]",
        "events[1].tags[1]",
        "events[1].nope",
        "events[1].status",
        "events[2]",
        "events[3].callbackUrl",
        "events[3].headers.Host",
        "events[5].startDate",
    ]
    assert "events[2] should be a JSON object" in answer.message
    assert "events[1].status is read-only: leave it out and use /pause and /resume" in answer.message
    assert "secret value" not in answer.text
    assert await total(api) == 0
    assert (await api.get("/v1/changes?action=created")).data == []


async def test_each_events_problems_are_bounded_and_so_are_all(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"field{number}": 1 for number in range(102)}
    monkeypatch.setattr(limits, "BATCH_PROBLEMS", 150)
    answer = await api.post(BATCH, events(2, **many))

    assert len(answer.message) == 151
    assert answer.message[100] == "events[0]: and 2 more problems"
    assert answer.message[150] == "and 52 more problems"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty; send a JSON object"),
        (b"[]", "the body should be a JSON object"),
        (b'"x"', "the body should be a JSON object"),
        (b"null", "the body should be a JSON object"),
        (b"{}", "events is required"),
        (b'{"events": null}', "events should not be null"),
        (b'{"events": {}}', "events should be an array of events"),
        (b'{"events": []}', "events should have 1 to 1000 items"),
        (json.dumps({"events": [{}] * 1001}).encode(), "events should have at most 1000 items"),
        (b'{"events": [], "events": []}', "the body has the key 'events' more than once"),
        (b'{"events": [{"a": 1, "a": 1}]}', "the body has the key 'a' more than once"),
        (b'{"events": [{}', "the body should be valid JSON"),
        (b'{"events": [{"a": "\\u0000"}]}', "the body has a NUL"),
        (b'{"events": ["' + b"x" * 65_536 + b'"]}', "events[0] should have at most 65536 bytes"),
        (b'{"events": ["\xff"]}', "the body should be UTF-8: byte 13 is not"),
    ],
)
async def test_a_body_that_is_no_batch_is_refused(api: Api, body: bytes, said: str) -> None:
    answer = await api.ask("POST", BATCH, data=body, headers={"Content-Type": "application/json"})

    assert (answer.status, len(answer.message)) == (400, 1)
    assert answer.message[0].startswith(said)


async def test_a_body_may_be_long_and_not_endless(api: Api) -> None:
    item = json.dumps(NEW_EVENT | {"context": {"text": "x" * 60_000}}).encode()
    fits = b'{"events": [' + b",".join([item] * 60) + b"]}"
    too_long = fits + b" " * (limits.BATCH_BODY_BYTES - len(fits) + 1)
    json_body = {"Content-Type": "application/json"}

    assert len(fits) > 50 * limits.BODY_BYTES
    assert (await api.ask("POST", BATCH, data=BytesIO(fits), headers=json_body)).status == 201
    answer = await api.ask("POST", BATCH, data=BytesIO(too_long), headers=json_body)
    assert (answer.status, answer.message) == (413, ["the body should have at most 4194304 bytes"])
    answer = await api.ask("POST", BATCH, data=b"{}", headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.message) == (415, ["Content-Type should be application/json"])


async def test_an_owner_that_is_no_schedule_is_named_by_its_place(api: Api) -> None:
    schedule = (await api.post("/api/v4/schedules", {"name": "Core", "time_zone": "UTC"})).json["id"]
    sent = events(4)["events"]
    sent[0] |= {"eventOwner": f"oncall:{schedule}"}
    sent[1] |= {"eventOwner": "oncall:01JD8M2Z9T5R0C4V7K3N6P1QX0"}
    sent[3] |= {"eventOwner": "oncall:01JD8M2Z9T5R0C4V7K3N6P1QX1"}
    answer = await api.post(BATCH, {"events": sent})

    way_out = "is no schedule; GET /api/v4/schedules lists what there are"
    assert answer.message == [
        f"events[1].eventOwner 01JD8M2Z9T5R0C4V7K3N6P1QX0 {way_out}",
        f"events[3].eventOwner 01JD8M2Z9T5R0C4V7K3N6P1QX1 {way_out}",
    ]
    assert await total(api) == 0
    assert (await api.post(BATCH, {"events": [sent[0], sent[2]]})).status == 201


async def test_each_event_has_its_row_in_the_change_log(api: Api) -> None:
    created = (await api.post(BATCH, events(), headers={"X-Request-Id": "mine"})).data
    rows = (await api.get("/v1/changes?action=created")).data

    assert sorted(row["eventId"] for row in rows) == [event["eventId"] for event in created]
    assert {row["requestId"] for row in rows} == {"mine"}


async def test_headers_are_never_shown_again(api: Api) -> None:
    answer = await api.post(BATCH, events(headers={"Authorization": "Bearer secret"}))

    assert answer.status == 201
    assert [event["headerNames"] for event in answer.data] == [["Authorization"]] * MANY
    assert "secret" not in answer.text


async def test_all_or_none_fit_into_the_quota_and_it_is_said_how_many_would(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock
) -> None:
    api = await Api(await aiohttp_client(Server(compose(database, clock, quota=5))), clock).newcomer()
    assert (await api.post(BATCH, events(3))).status == 201
    answer = await api.post(BATCH, events(3))

    assert (answer.status, answer.message) == (
        403,
        [
            "The application may have 2 events more, finished ones counted, and not 3; none was created. Send fewer, "
            "delete some, or ask the operator for more."
        ],
    )
    assert await total(api) == 3
    answers = await asyncio.gather(*(api.post(BATCH, events(2)) for _ in range(3)), api.post("/v1/events", NEW_EVENT))
    assert await total(api) <= 5
    assert 201 in {answer.status for answer in answers}


async def test_to_the_limit_of_requests_it_is_one(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock
) -> None:
    api = await Api(await aiohttp_client(Server(compose(database, clock, rate=2))), clock).newcomer()

    assert [(await api.post(BATCH, events(10))).status for _ in range(3)] == [201, 201, 429]


async def test_the_relay_is_told_once(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock
) -> None:
    woken: list[bool] = []
    client = await aiohttp_client(Server(compose(database, clock, wake=lambda: woken.append(True))))
    api = await Api(client, clock).newcomer()
    await api.post(BATCH, events())
    await api.post(BATCH, events(endDate="x"))

    assert woken == [True]


KEY = {"Idempotency-Key": "load-of-monday"}


async def test_the_same_batch_gets_the_same_answer(api: Api, clock: StandingClock) -> None:
    first = await api.post(BATCH, events(), headers=KEY)
    await api.delete(f"/v1/events/{first.data[0]['eventId']}")
    clock.moment += 23 * HOUR
    again = await api.post(BATCH, events(), headers=KEY)

    assert (first.status, again.status, again.text) == (201, 201, first.text)
    assert await total(api) == MANY - 1


async def test_the_answer_stands_even_when_the_batch_would_now_be_wrong(api: Api, clock: StandingClock) -> None:
    soon = events(endDate="2030-03-17T18:00:00Z")
    first = await api.post(BATCH, soon, headers=KEY)
    clock.moment += HOUR

    assert (await api.post(BATCH, soon, headers=KEY)).text == first.text
    assert (await api.post(BATCH, soon)).status == 400


async def test_spacing_and_order_of_names_make_no_different_batch_and_the_order_of_events_does(api: Api) -> None:
    first = await api.post(BATCH, events(), headers=KEY)
    turned = [dict(reversed(event.items())) for event in events()["events"]]
    spaced = json.dumps({"events": turned}, indent=4)
    again = await api.ask("POST", BATCH, data=spaced, headers=KEY | {"Content-Type": "application/json"})

    assert again.text == first.text
    assert (await api.post(BATCH, {"events": turned[::-1]}, headers=KEY)).status == 422
    assert (await api.post(BATCH, events(MANY - 1), headers=KEY)).status == 422
    assert (await api.post("/v1/events", NEW_EVENT, headers=KEY)).status == 422
    assert await total(api) == MANY


async def test_a_refused_batch_uses_no_key_up(api: Api) -> None:
    assert (await api.post(BATCH, events(endDate="x"), headers=KEY)).status == 400
    assert (await api.post(BATCH, events(), headers=KEY)).status == 201


async def test_simultaneous_twins_create_once(api: Api) -> None:
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(api.post(BATCH, events(), headers=KEY)) for _ in range(6)]
    answers: list[Answer] = [task.result() for task in asked]

    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await total(api) == MANY
