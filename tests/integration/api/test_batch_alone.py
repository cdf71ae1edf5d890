"""A batch is the same events created one by one: what is answered, written, noted, announced, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_service.store.database import Connection, Database
from shared.messages.catalogue import Upserted
from shared.messages.codec import decode_what
from tests.integration.api.stage import NEW_EVENT, Answer, Api

# Of each field what is right, and at the end of some what is not.
FIELDS: dict[str, list[Any]] = {
    "eventOwner": ["user@example.com", "other@example.com", "oncall:01JD8M2Z9T5R0C4V7K3N6P1QXA", "nobody"],
    "endDate": [
        "2030-09-02T05:11:59.708Z",
        "2030-03-17T18:00:00+00:00",
        "2099-01-01T00:00:00Z",
        "2020-01-01T00:00:00Z",
    ],
    "interval": ["* * * 1 * *", "0 30 9 * * 1-5", "H H * * *", "0 0 29 2 *", "*/7 * * * * *", "61 * * * *"],
    "callbackUrl": ["https://api.yourapi.com", "http://example.com:8080/a?b#c", "http://10.0.0.1/"],
    "context": [{}, {"user": 1.0, "of": [1, {"a": "é"}, None, True]}, {"big": 10**30, "small": 1e-7, "d": 1e22}, []],
    "tags": [[], ["prod", "eu"], ["a", "a"]],
    "timezone": ["UTC", "europe/berlin", "Nowhere"],
    "startDate": [None, "2030-03-17T17:50:00Z", "2020-01-01T00:00:00Z"],
    "retryPolicy": [{"maxAttempts": 3}, {"initialIntervalSeconds": 9, "maxIntervalSeconds": 3}],
    "timeoutSeconds": [10, 0],
    "misfirePolicy": ["skip", "all"],
    "misfireGraceSeconds": [60],
    "overlapPolicy": ["skip"],
    "spreadSeconds": [0, 600, 3600],
    "headers": [{"Authorization": "Bearer 1", "X-A": "b"}, {"Host": "a"}],
    "status": ["ACTIVE"],
}
ANY = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FIELDS.items()})
RIGHT = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from(
            values if name in {"misfirePolicy", "spreadSeconds"} else values[: max(1, len(values) - 1)]
        )
        for name, values in FIELDS.items()
        if name not in {"status", "eventOwner"}
    },
)
# Each body twice in a row may be the same: two events.
EVENTS = st.lists(RIGHT.map(lambda some: NEW_EVENT | some), min_size=1, max_size=4)
SOME_WRONG = st.lists((ANY | RIGHT).map(lambda some: NEW_EVENT | some), min_size=1, max_size=4)

# One server for all examples, and an application of its own for each.
_OFTEN = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_OF_ITS_OWN = {"eventId", "version", "nextRunDate", "nextRunEffectiveDate"}  # what goes by the id
_WRITTEN = {
    "event": "select * from event where event_id = $1",
    "event_state": "select * from event_state where event_id = $1",
    "event_rule": "select * from event_rule where event_id = $1",
    "event_term": "select term from event_term where event_id = $1 order by term",
    "change_log": "select action, happened, key_id is null, request_id, fields from change_log where event_id = $1",
}
_NOT_COMPARED = {"event_id", "application_id", "shard", "version"}


async def one_by_one(api: Api, events: list[dict[str, Any]]) -> list[Answer]:
    return [await api.post("/v1/events", event, headers={"X-Request-Id": "same"}) for event in events]


async def written(c: Connection, shown: dict[str, Any]) -> dict[str, Any]:
    """All that there is of an event, but for what is its own."""
    rows = {
        table: [
            {name: value for name, value in row.items() if name not in _NOT_COMPARED}
            for row in await c.fetch(query, shown["eventId"])
        ]
        for table, query in _WRITTEN.items()
    }
    (version,) = [
        row["version"] for row in await c.fetch("select version from event where event_id = $1", shown["eventId"])
    ]
    assert version == shown["version"]
    return rows


async def announced(c: Connection) -> dict[str, Any]:
    """What waits for the dispatchers, by timer, but for what is its own."""
    told = {}
    for row in await c.fetch("delete from outbox returning shard, version, what"):
        what = decode_what(row["what"])
        assert isinstance(what, Upserted)
        assert what.timer.version == row["version"]
        told[what.timer.id] = (row["shard"], what)
    return told


@_OFTEN
@given(events=EVENTS)
async def test_a_batch_is_the_same_events_one_by_one(
    api: Api, database: Database, events: list[dict[str, Any]]
) -> None:
    many, single = await api.newcomer(), await api.newcomer()
    async with database.connection() as c:
        await c.execute("delete from outbox")
    batch = await many.post("/v1/events/batch", {"events": events}, headers={"X-Request-Id": "same"})
    singly = [answer.data for answer in await one_by_one(single, events)]

    assert batch.status == 201
    for ours, alone in zip(batch.data, singly, strict=True):
        assert list(ours) == list(alone)
        assert {k: v for k, v in ours.items() if k not in _OF_ITS_OWN} == {
            k: v for k, v in alone.items() if k not in _OF_ITS_OWN
        }
        assert (await many.get(f"/v1/events/{ours['eventId']}")).data == ours
    async with database.connection() as c:
        told = await announced(c)
        assert told.keys() == {event["eventId"] for event in [*batch.data, *singly]}
        for ours, alone in zip(batch.data, singly, strict=True):
            assert await written(c, ours) == await written(c, alone)
            (_, mine), (_, other) = told[ours["eventId"]], told[alone["eventId"]]
            same = {"id": "", "version": 0, "application_id": 0, "rule": ""}
            assert _with(mine.timer, same) == _with(other.timer, same)
            assert mine.keys is not None
        counts = await c.fetch(
            "select sum(events) as events from event_count group by application_id order by application_id desc limit 2"
        )
        assert [row["events"] for row in counts] == [len(events)] * 2


def _with(timer: Any, same: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(timer, name) for name in timer.__struct_fields__} | same


@_OFTEN
@given(events=SOME_WRONG)
async def test_a_batch_is_refused_for_what_its_events_are_refused_for(api: Api, events: list[dict[str, Any]]) -> None:
    many, single = await api.newcomer(), await api.newcomer()
    batch = await many.post("/v1/events/batch", {"events": events})
    singly = await one_by_one(single, events)

    refused = [
        f"events[{place}].{problem}"
        for place, answer in enumerate(singly)
        if answer.status != 201
        for problem in answer.message
    ]
    if not refused:
        assert batch.status == 201
        return
    assert batch.status == 400
    # Whether a schedule is there is looked at once all else is in order, as it is alone.
    of_owners = [problem for problem in refused if "is no schedule" in problem]
    assert batch.message == ([problem for problem in refused if problem not in of_owners] or of_owners)
    assert (await many.get("/v1/events")).json["meta"] == {"total": 0}


@pytest.mark.parametrize("body", [{}, [], "x", 1, None, {"a": {"b": []}}])
async def test_what_is_no_event_is_refused_as_it_is_alone(api: Api, body: Any) -> None:
    alone = await api.ask("POST", "/v1/events", data=json.dumps(body), headers={"Content-Type": "application/json"})
    batch = await api.post("/v1/events/batch", {"events": [body]})

    assert batch.message == [
        problem.replace("the body", "events[0]") if problem.startswith("the body") else f"events[0].{problem}"
        for problem in alone.message
    ]
