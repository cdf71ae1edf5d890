"""Executions are listed by filters and by cursor, and one of them is shown with what was answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api_service.store.database import Database
from shared.domain.firing import AttemptError
from tests.integration.api.ledgers import SECOND, attempted, failed, name, record, retried, skipped
from tests.integration.api.stage import NOW, Api, StandingClock

UNKNOWN = "01JD8M2Z9T5R0C4V7K3N6P1QXA"


def seconds(rows: list[dict[str, Any]]) -> list[int]:
    """When they were nominal, in seconds after NOW."""
    return [int(row["executionId"].split("-")[1]) // SECOND - NOW // SECOND for row in rows]


async def filled(api: Api, database: Database) -> str:
    """An event with an execution of every kind, and where they are listed."""
    event_id = (await api.create())["eventId"]
    await record(
        database,
        attempted(event_id, 1),
        failed(event_id, 2),
        skipped(event_id, 3),
        retried(event_id, 4, retry_at=NOW + 90 * SECOND),
        failed(event_id, 5),
        skipped(event_id, 6, count=3),
    )
    path = f"/v1/events/{event_id}"
    assert (await api.post(f"{path}/trigger")).status == 200  # nominal at NOW
    return f"{path}/executions"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [6, 5, 4, 3, 2, 1, 0]),
        ("status=FAILED", [5, 2]),
        ("status=FAILED&status=SKIPPED", [6, 5, 3, 2]),
        ("status[]=PENDING&status[]=RETRYING", [4, 0]),
        ("status=DELIVERED&manual=true", []),
        ("manual=true", [0]),
        ("manual=false", [6, 5, 4, 3, 2, 1]),
        ("from=2030-03-17T17:46:42Z", [6, 5, 4, 3, 2]),
        ("to=2030-03-17T17:46:42.000Z", [1, 0]),
        ("from=2030-03-17T18:46:42%2B01:00&to=2030-03-17T17:46:45Z&status=FAILED", [2]),
        ("from=2030-03-17T17:46:47Z", []),  # a stretch counts as its first
    ],
)
async def test_what_is_asked_for_is_listed_and_counted(
    api: Api, database: Database, query: str, expected: list[int]
) -> None:
    path = await filled(api, database)

    answer = await api.get(f"{path}?{query}")

    assert answer.status == 200, answer.text
    assert seconds(answer.data) == expected
    assert answer.json["meta"] == {"total": len(expected), "next": None}
    if len(expected) > 1:
        first = await api.get(f"{path}?{query}&limit=1")
        rest = await api.get(f"{path}?{query}&cursor={first.json['meta']['next']}")
        assert seconds(first.data + rest.data) == expected
        assert rest.json["meta"] == {"total": len(expected), "next": None}


async def test_pages_by_cursor_are_stable_while_executions_come(
    api: Api, database: Database, clock: StandingClock
) -> None:
    event_id = (await api.create())["eventId"]
    path = f"/v1/events/{event_id}/executions"
    await record(database, *(attempted(event_id, second) for second in range(10)))

    read: list[int] = []
    cursor, totals = "", []
    while True:
        page = await api.get(f"{path}?limit=3{cursor}")
        read += seconds(page.data)
        totals.append(page.json["meta"]["total"])
        if page.json["meta"]["next"] is None:
            break
        cursor = f"&cursor={page.json['meta']['next']}"
        # Newer ones come, and one that has been read goes.
        await record(database, *(attempted(event_id, 100 + len(read) + more) for more in range(2)))
        async with database.connection() as c:
            await c.execute(
                "delete from execution where event_id = $1 and nominal = to_timestamp($2)",
                event_id,
                NOW // SECOND + read[0],
            )

    assert read == list(range(9, -1, -1))
    assert totals == [10, 11, 13, 15]


async def test_a_firing_by_hand_and_one_of_the_series_at_one_instant_are_two_places(
    api: Api, database: Database
) -> None:
    event_id = (await api.create())["eventId"]
    path = f"/v1/events/{event_id}"
    await record(database, attempted(event_id, 0), attempted(event_id, -1))
    await api.post(f"{path}/trigger")

    first = await api.get(f"{path}/executions?limit=1")
    second = await api.get(f"{path}/executions?limit=1&cursor={first.json['meta']['next']}")
    third = await api.get(f"{path}/executions?limit=1&cursor={second.json['meta']['next']}")
    assert [row["manual"] for page in (first, second, third) for row in page.data] == [True, False, False]
    assert seconds(first.data + second.data + third.data) == [0, 0, -1]
    assert third.json["meta"]["next"] is None


async def test_the_total_is_of_the_same_moment_as_the_page(api: Api, database: Database) -> None:
    event_id = (await api.create())["eventId"]
    path = f"/v1/events/{event_id}/executions?limit=1000"

    async def write() -> None:
        for second in range(150):
            await record(database, attempted(event_id, second))

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(write())
        while not writing.done():
            page = await api.get(path)
            assert page.json["meta"]["total"] == len(page.data)


async def test_offsets_are_refused_with_the_way_out(api: Api) -> None:
    event_id = (await api.create())["eventId"]

    answer = await api.get(f"/v1/events/{event_id}/executions?offset=0")

    assert answer.status == 400
    assert answer.message == [
        "offset is not taken here, since executions come while you read; send meta.next of the page before as cursor"
    ]


async def test_an_execution_is_shown_with_what_was_answered(api: Api, database: Database) -> None:
    event_id = (await api.create())["eventId"]
    told = {"effective": NOW + 1500, "body": b"out of \xc3\xbc\x00\xff", "headers": (("retry-after", "9"),)}
    await record(
        database,
        attempted(
            event_id,
            1,
            started=NOW + 1600,
            status_code=503,
            error=AttemptError.STATUS,
            retry_at=NOW + 9000,
            truncated=True,
            **told,
        ),
        attempted(
            event_id,
            1,
            attempt=2,
            started=NOW + 9001,
            status_code=0,
            error=AttemptError.TIMEOUT,
            retry_at=NOW + 20_000,
            effective=NOW + 1500,
        ),
    )

    path = f"/v1/events/{event_id}/executions"
    answer = await api.get(f"{path}/{name(event_id, 1)}")

    assert answer.status == 200
    assert answer.data == {
        "executionId": name(event_id, 1),
        "eventId": event_id,
        "status": "RETRYING",
        "nominalDate": "2030-03-17T17:46:41.000Z",
        "effectiveDate": "2030-03-17T17:46:41.500Z",
        "startedDate": "2030-03-17T17:46:41.600Z",
        "latenessMs": 100,
        "lastDate": "2030-03-17T17:46:41.000Z",
        "count": 1,
        "manual": False,
        "reason": None,
        "recordedDate": "2030-03-17T17:46:40.000Z",
        "nextAttemptDate": "2030-03-17T17:47:00.000Z",
        "attempts": [
            {
                "attempt": 1,
                "startedDate": "2030-03-17T17:46:41.600Z",
                "durationMs": 12,
                "statusCode": 503,
                "error": "status",
                "dispatcher": "d1",
                "epoch": 1,
                "stale": True,
                "response": {"headers": {"retry-after": "9"}, "body": "out of ü\x00\ufffd", "truncated": True},
            },
            {
                "attempt": 2,
                "startedDate": "2030-03-17T17:46:49.001Z",
                "durationMs": 12,
                "statusCode": None,
                "error": "timeout",
                "dispatcher": "d1",
                "epoch": 1,
                "stale": True,
                "response": None,
            },
        ],
    }
    listed = (await api.get(path)).data[0]
    assert [attempt.pop("response") for attempt in answer.data["attempts"]] != []
    assert listed == answer.data


async def test_every_execution_of_the_list_can_be_got(api: Api, database: Database) -> None:
    path = await filled(api, database)

    for listed in (await api.get(path)).data:
        got = await api.get(f"{path}/{listed['executionId']}")
        for attempt in got.data["attempts"]:
            del attempt["response"]
        assert got.data == listed
    stretch = (await api.get(f"{path}?limit=1")).data[0]
    assert (stretch["count"], stretch["lastDate"], stretch["effectiveDate"]) == (3, "2030-03-17T17:46:48.000Z", None)


async def test_what_is_not_there_is_not_found(api: Api, database: Database) -> None:
    path = await filled(api, database)
    event_id = path.split("/")[3]
    other = (await api.create())["eventId"]
    await record(database, attempted(other, 1))
    stranger = await api.newcomer()

    for execution_id in (
        name(event_id, 9),
        f"{name(event_id, 1)}-manual",
        name(other, 1),
        name(UNKNOWN, 1),
        "replay",
        "x",
        "%00",
        f"{event_id}-1%0A",
    ):
        for answer in (
            await api.get(f"{path}/{execution_id}"),
            await api.post(f"{path}/{execution_id}/replay"),
        ):
            assert (answer.status, answer.message) == (404, ["The event has no execution with this id."])
    for method, below in (("GET", ""), ("POST", "/replay")):
        answer = await stranger.ask(method, f"{path}/{name(event_id, 2)}{below}")
        assert (answer.status, answer.message) == (404, ["There is no event with this id."])
    assert (await api.get(f"{path}/{name(event_id, 1)}?verbose=1")).status == 400
