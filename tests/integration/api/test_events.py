"""The life of an event over HTTP: created, shown, changed, paused, resumed, deleted, and each time announced."""

from __future__ import annotations

from typing import Any

import pytest

from api_service.store.database import Database
from shared.domain.timer import Timer
from shared.messages.catalogue import Gone, Rotated, Triggered, Upserted, What
from shared.messages.codec import decode_what
from tests.integration.api.stage import DAY, HOUR, NEW_EVENT, NOW, Api, StandingClock

UNKNOWN = "01Q9GD6E00HTEBQW40SS57866H"
FIELDS = [
    "eventId", "status", "pausedReason", "createdDate", "updatedDate", "eventOwner", "startDate", "endDate", "interval",
    "timezone", "callbackUrl", "context", "tags", "retryPolicy", "timeoutSeconds", "misfirePolicy",
    "misfireGraceSeconds", "overlapPolicy", "spreadSeconds", "headerNames", "nextRunDate", "nextRunEffectiveDate",
    "lastRunDate", "version",
]  # fmt: skip


async def announced(database: Database, event_id: str) -> list[tuple[int, What]]:
    """What the outbox holds about an event, in order, with the versions."""
    async with database.connection() as c:
        rows = await c.fetch("select version, what from outbox order by id")
    changes = [(row["version"], decode_what(row["what"])) for row in rows]
    return [(version, what) for version, what in changes if event_id in _named(what)]


def _named(what: What) -> str:
    match what:
        case Upserted():
            return what.timer.id
        case Gone():
            return what.timer_id
        case Rotated():
            return ""
        case Triggered():
            return what.firing.timer_id


async def last_timer(database: Database, event: dict[str, Any]) -> Timer:
    """The timer as it was last announced, which is as new as the event."""
    version, what = (await announced(database, event["eventId"]))[-1]
    assert isinstance(what, Upserted)
    assert version == what.timer.version == event["version"]
    return what.timer


async def rows(database: Database, event_id: str) -> dict[str, int]:
    """How many rows of each table belong to an event."""
    async with database.connection() as c:
        return {
            table: await c.fetchval(f"select count(*) from {table} where event_id = $1", event_id)  # noqa: S608
            for table in ("event", "event_state", "event_term")
        }


async def test_the_specifications_example_creates_an_event(api: Api, database: Database) -> None:
    answer = await api.post("/v1/events", NEW_EVENT)

    assert answer.status == 201
    assert list(answer.json) == ["data"]
    assert list(answer.data) == FIELDS
    assert answer.data == NEW_EVENT | {
        "eventId": answer.data["eventId"],
        "status": "INACTIVE",
        "pausedReason": None,
        "createdDate": "2030-03-17T17:46:40.000Z",
        "updatedDate": "2030-03-17T17:46:40.000Z",
        "startDate": None,
        "timezone": "UTC",
        "retryPolicy": {
            "maxAttempts": 5,
            "initialIntervalSeconds": 1,
            "maxIntervalSeconds": 300,
            "backoffCoefficient": 2.0,
        },
        "timeoutSeconds": 30,
        "misfirePolicy": "latest",
        "misfireGraceSeconds": 86_400,
        "overlapPolicy": "allow",
        "spreadSeconds": 0,
        "headerNames": [],
        "nextRunDate": "2030-04-01T00:00:00.000Z",
        "nextRunEffectiveDate": "2030-04-01T00:00:00.000Z",
        "lastRunDate": None,
        "version": answer.data["version"],
    }
    timer = await last_timer(database, answer.data)
    assert (timer.url, timer.body, timer.anchor) == ("https://api.yourapi.com", b'{"user":12345}', NOW)
    assert (timer.end, timer.zone, timer.paused) == (1_914_556_319_708, "UTC", False)


async def test_a_start_date_and_a_zone_say_when_the_series_begins(api: Api, database: Database) -> None:
    start = "2030-06-01T00:00:00+02:00"
    event = await api.create(interval="0 9 * * *", timezone="europe/berlin", startDate=start)

    assert (event["timezone"], event["startDate"]) == ("Europe/Berlin", "2030-05-31T22:00:00.000Z")
    assert event["nextRunDate"] == "2030-06-01T07:00:00.000Z"
    assert (await last_timer(database, event)).anchor == 1_906_495_200_000


async def test_what_is_sent_comes_back_as_it_was_sent(api: Api) -> None:
    context = {"b": 1, "a": [1.5, 2**70, True, None, "🔔\n"], "": {"__proto__": {}}}
    event = await api.create(context=context, tags=["z", "a"], callbackUrl="HTTP://Example.com/%7Ea?q=ü")

    shown = (await api.get(f"/v1/events/{event['eventId']}")).data
    assert shown == event
    assert (shown["context"], shown["tags"], shown["callbackUrl"]) == (
        context,
        ["z", "a"],
        "HTTP://Example.com/%7Ea?q=ü",
    )
    assert list(shown["context"]) == ["b", "a", ""]


@pytest.mark.parametrize("spelling", ["/v1/events", "/v1/event"])
async def test_both_spellings_answer_for_every_verb(api: Api, spelling: str) -> None:
    created = await api.post(spelling, NEW_EVENT)
    path = f"{spelling}/{created.data['eventId']}"

    assert created.status == 201
    assert (await api.get(spelling)).json["meta"] == {"total": 1}
    for answer in (
        await api.get(path),
        await api.patch(path, {"tags": []}),
        await api.post(f"{path}/pause"),
        await api.post(f"{path}/resume"),
        await api.post(f"{path}/trigger"),
        await api.get(f"{path}/executions"),
        await api.delete(path),
    ):
        assert answer.status == 200, answer.text


async def test_a_change_takes_effect_at_once(api: Api, clock: StandingClock, database: Database) -> None:
    event = await api.create(interval="0 0 1 1 *")
    clock.moment += HOUR
    answer = await api.patch(f"/v1/events/{event['eventId']}", {"interval": "*/10 * * * *", "context": {"a": 1}})

    assert answer.status == 200
    assert answer.data == event | {
        "interval": "*/10 * * * *",
        "context": {"a": 1},
        "updatedDate": "2030-03-17T18:46:40.000Z",
        "nextRunDate": "2030-03-17T18:50:00.000Z",
        "nextRunEffectiveDate": "2030-03-17T18:50:00.000Z",
        "version": answer.data["version"],
    }
    timer = await last_timer(database, answer.data)
    assert (timer.anchor, timer.body) == (NOW + HOUR, b'{"a":1}')


async def test_a_change_of_other_things_leaves_the_series_alone(
    api: Api, clock: StandingClock, database: Database
) -> None:
    event = await api.create()
    clock.moment += HOUR
    answer = await api.patch(f"/v1/events/{event['eventId']}", {"callbackUrl": "https://other.example"})

    assert (await last_timer(database, answer.data)).anchor == NOW


@pytest.mark.parametrize("changes", [{}, {"tags": ["prod"]}, {"context": {"user": 12345}, "timezone": "utc"}])
async def test_a_change_that_changes_nothing_writes_nothing(
    api: Api, clock: StandingClock, database: Database, changes: dict[str, Any]
) -> None:
    event = await api.create()
    clock.moment += HOUR
    answer = await api.patch(f"/v1/events/{event['eventId']}", changes)

    assert (answer.status, answer.data) == (200, event)
    assert len(await announced(database, event["eventId"])) == 1


@pytest.mark.parametrize("value", [True, 1.0])
async def test_what_only_python_thinks_equal_is_a_change(api: Api, value: Any) -> None:
    event = await api.create(context={"a": 1})
    answer = await api.patch(f"/v1/events/{event['eventId']}", {"context": {"a": value}})

    assert type(answer.data["context"]["a"]) is type(value)
    assert answer.data["version"] > event["version"]


async def test_a_change_moves_the_terms_it_can_be_found_by(api: Api) -> None:
    event = await api.create(tags=["old", "both"])
    await api.patch(f"/v1/events/{event['eventId']}", {"tags": ["new", "both"]})

    totals = [(await api.get(f"/v1/events?query[tags]={tag}")).json["meta"]["total"] for tag in ("old", "both", "new")]
    assert totals == [0, 1, 1]


async def test_dates_are_judged_together_with_those_that_stand(api: Api) -> None:
    event = await api.create(startDate="2030-06-01T00:00:00Z")
    answer = await api.patch(f"/v1/events/{event['eventId']}", {"endDate": "2030-05-01T00:00:00Z"})

    assert (answer.status, answer.message) == (400, ["startDate should be before endDate"])


async def test_pausing_and_resuming(api: Api, clock: StandingClock, database: Database) -> None:
    event = await api.create(interval="0 * * * *")
    path = f"/v1/events/{event['eventId']}"
    paused = await api.post(f"{path}/pause")
    assert (paused.status, paused.data["status"], paused.data["nextRunDate"]) == (200, "PAUSED", None)
    assert (await last_timer(database, paused.data)).paused

    clock.moment += DAY
    again = await api.post(f"{path}/pause")
    assert (again.status, again.data) == (200, paused.data)

    resumed = await api.post(f"{path}/resume")
    assert (resumed.data["status"], resumed.data["nextRunDate"]) == ("INACTIVE", "2030-03-18T18:00:00.000Z")
    timer = await last_timer(database, resumed.data)
    assert (timer.paused, timer.anchor) == (False, NOW + DAY)

    again = await api.post(f"{path}/resume")
    assert (again.status, again.data) == (200, resumed.data)
    assert len(await announced(database, event["eventId"])) == 3


async def test_what_fell_into_a_pause_is_written_off(api: Api, clock: StandingClock) -> None:
    event = await api.create(interval="0 * * * *")
    path = f"/v1/events/{event['eventId']}"
    await api.post(f"{path}/pause")
    clock.moment += DAY
    await api.post(f"{path}/resume")

    answer = await api.get(f"{path}/executions")
    assert answer.json["meta"] == {"total": 1, "next": None}
    assert answer.data[0] == {
        "executionId": f"{event['eventId']}-1900000800000",
        "eventId": event["eventId"],
        "status": "SKIPPED",
        "nominalDate": "2030-03-17T18:00:00.000Z",
        "effectiveDate": None,
        "startedDate": None,
        "latenessMs": None,
        "lastDate": "2030-03-18T17:00:00.000Z",
        "count": 24,
        "manual": False,
        "reason": "paused",
        "recordedDate": "2030-03-18T17:46:40.000Z",
        "nextAttemptDate": None,
        "attempts": [],
    }


async def test_a_new_rule_writes_off_what_the_old_one_missed_in_the_pause(api: Api, clock: StandingClock) -> None:
    event = await api.create(interval="0 * * * *")
    path = f"/v1/events/{event['eventId']}"
    await api.post(f"{path}/pause")
    clock.moment += 2 * HOUR
    await api.patch(path, {"interval": "0 */2 * * *"})
    clock.moment += 2 * HOUR
    await api.post(f"{path}/resume")

    counts = [(row["nominalDate"][11:16], row["count"]) for row in (await api.get(f"{path}/executions")).data]
    assert counts == [("20:00", 1), ("18:00", 2)]


async def test_a_pause_without_occurrences_leaves_no_trace(api: Api, clock: StandingClock) -> None:
    event = await api.create()
    path = f"/v1/events/{event['eventId']}"
    await api.post(f"{path}/pause")
    clock.moment += HOUR
    await api.post(f"{path}/resume")

    assert (await api.get(f"{path}/executions")).json == {"data": [], "meta": {"total": 0, "next": None}}


async def test_an_event_past_its_end_is_finished_at_once(api: Api, clock: StandingClock) -> None:
    event = await api.create(interval="0 * * * *", endDate="2030-03-17T18:46:40.000Z")
    path = f"/v1/events/{event['eventId']}"
    clock.moment += HOUR

    shown = (await api.get(path)).data
    assert (shown["status"], shown["nextRunDate"]) == ("FINISHED", None)
    for answer in (
        await api.patch(path, {"tags": []}),
        await api.post(f"{path}/pause"),
        await api.post(f"{path}/resume"),
        await api.post(f"{path}/trigger"),
    ):
        assert (answer.status, answer.json["error"]) == (409, "Conflict")
        assert answer.message[0].startswith("The event is FINISHED")

    revived = await api.patch(path, {"endDate": "2030-03-18T00:00:00Z"})
    assert (revived.status, revived.data["status"]) == (200, "INACTIVE")
    assert revived.data["nextRunDate"] == "2030-03-17T19:00:00.000Z"


async def test_deleting_returns_the_event_and_leaves_nothing(api: Api, database: Database) -> None:
    event = await api.create()
    answer = await api.delete(f"/v1/events/{event['eventId']}")

    assert (answer.status, answer.data) == (200, event)
    assert (await api.get(f"/v1/events/{event['eventId']}")).status == 404
    assert (await api.get("/v1/events")).json == {"data": [], "meta": {"total": 0}}
    assert await rows(database, event["eventId"]) == {"event": 0, "event_state": 0, "event_term": 0}
    _, gone = (await announced(database, event["eventId"]))[-1]
    assert gone == Gone(event["eventId"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/trigger"),
        ("GET", "/executions"),
    ],
)  # fmt: skip
async def test_another_applications_event_is_not_there(api: Api, database: Database, method: str, path: str) -> None:
    event = await api.create()
    stranger = await api.newcomer()
    body: dict[str, Any] = {"json": {"tags": []}} if method == "PATCH" else {}

    answers = [
        await stranger.ask(method, f"/v1/events/{event_id}{path}", **body)
        for event_id in (
            event["eventId"],
            UNKNOWN,
            "x",
            event["eventId"].lower(),
            "%00",
            "%ED%A0%80",
            "a%2Fb",
            "%F0%9F%94%94",
        )
    ]
    assert {answer.status for answer in answers} == {404}
    assert {answer.message[0] for answer in answers} == {"There is no event with this id."}
    assert (await api.get(f"/v1/events/{event['eventId']}")).data == event
    assert (await stranger.get("/v1/events")).json == {"data": [], "meta": {"total": 0}}
