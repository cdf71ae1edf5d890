"""Listing over HTTP: newest first, exact totals, and filters that mean what the specification says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.api.stage import DAY, HOUR, Api, StandingClock

CONTEXTS: dict[str, Any] = {
    "number": {"user": 12345},
    "float": {"user": 12345.0},
    "text": {"user": "12345"},
    "true": {"user": True},
    "array": {"user": [12345, "a"]},
    "deep": {"a": {"b": [{"c": "x"}, {"c": 1.5}]}},
    "none": {},
}


def _in_json(query: Any) -> str:
    return "query=" + quote(json.dumps(query))


async def named(api: Api, raw: str) -> list[str]:
    """The first tags of the events that a listing finds; its total says the same."""
    answer = await api.get(f"/v1/events?{raw}")
    assert answer.status == 200, answer.text
    assert list(answer.json) == ["data", "meta"]
    assert answer.json["meta"] == {"total": len(answer.data)}
    return [event["tags"][0] for event in answer.data]


async def test_pages_are_newest_first_and_totals_are_of_all(api: Api, clock: StandingClock) -> None:
    names: list[str] = []
    for number in range(7):
        clock.moment += 1
        names.insert(0, (await api.create(tags=[f"n{number}"]))["eventId"])

    for limit, offset in ((3, 0), (3, 3), (3, 6), (3, 9), (1000, 0)):
        answer = await api.get(f"/v1/events?limit={limit}&offset={offset}")
        assert [event["eventId"] for event in answer.data] == names[offset : offset + limit]
        assert answer.json["meta"] == {"total": 7}


async def test_the_specifications_example_finds_its_event(api: Api) -> None:
    event = await api.create()
    await api.create(context={"user": 1})
    raw = (
        "query[eventOwner][]=user@example.com&query[tags][]=prod&query[context][0][path][]=user"
        "&query[context][0][value]=12345&query[context][0][type]=Number&query[context][0][isArray]=false&limit=10&offset=0"
    )

    assert (await api.get(f"/v1/events?{raw}")).json == {"data": [event], "meta": {"total": 1}}


async def test_owners_are_any_of_and_tags_all_of(api: Api) -> None:
    await api.create(tags=["1", "x", "y"], eventOwner="a@b.example")
    await api.create(tags=["2", "x"], eventOwner="c@d.example")
    await api.create(tags=["3", "y"], eventOwner="e@f.example")

    assert sorted(await named(api, "query[eventOwner][]=a@b.example&query[eventOwner][]=e@f.example")) == ["1", "3"]
    assert sorted(await named(api, "query[tags][]=x")) == ["1", "2"]
    assert await named(api, "query[tags][]=x&query[tags][]=y") == ["1"]
    assert await named(api, "query[tags]=x&query[eventOwner]=c@d.example") == ["2"]
    assert await named(api, "query[tags]=X") == []
    assert await named(api, "query[tags]=nobody") == []


@pytest.mark.parametrize(
    ("path", "value", "kind", "is_array", "found"),
    [
        (["user"], "12345", "Number", False, ["float", "number"]),
        (["user"], "1.2345e4", "Number", False, ["float", "number"]),
        (["user"], "12346", "Number", False, []),
        (["user"], "12345", "String", False, ["text"]),
        (["user"], "12345", "Number", True, ["array"]),
        (["user"], "a", "String", True, ["array"]),
        (["user"], "1", "Number", False, []),
        (["user", "0"], "12345", "Number", False, ["array"]),
        (["a", "b", "0", "c"], "x", "String", False, ["deep"]),
        (["a", "b", "1", "c"], "1.50", "Number", False, ["deep"]),
        (["a"], "x", "String", False, []),
    ],
)
async def test_a_context_filter_goes_down_its_path(
    api: Api, path: list[str], value: str, kind: str, is_array: bool, found: list[str]
) -> None:
    for name, context in CONTEXTS.items():
        await api.create(tags=[name], context=context)

    wanted = {"path": path, "value": value, "type": kind, "isArray": is_array}
    assert sorted(await named(api, _in_json({"context": [wanted]}))) == found


async def test_every_context_filter_holds(api: Api) -> None:
    await api.create(tags=["both"], context={"a": 1, "b": "x"})
    await api.create(tags=["one"], context={"a": 1, "b": "y"})
    filters = [{"path": ["a"], "value": "1", "type": "Number"}, {"path": ["b"], "value": "x", "type": "String"}]

    assert await named(api, _in_json({"context": filters})) == ["both"]
    assert await named(api, _in_json({"context": filters, "tags": ["one"]})) == []


async def test_statuses_filter_too(api: Api) -> None:
    await api.create(tags=["running"])
    event = await api.create(tags=["paused"])
    await api.post(f"/v1/events/{event['eventId']}/pause")

    assert await named(api, "query[status]=PAUSED") == ["paused"]
    assert await named(api, "query[status]=INACTIVE") == ["running"]
    assert sorted(await named(api, "query[status][]=PAUSED&query[status][]=INACTIVE")) == ["paused", "running"]
    assert await named(api, "query[status]=FINISHED") == []


async def test_a_listed_event_is_shown_as_it_stands(api: Api, clock: StandingClock) -> None:
    event = await api.create(interval="0 * * * *", endDate="2030-03-19T00:00:00Z")
    clock.moment += HOUR
    due = dict.fromkeys(("nextRunDate", "nextRunEffectiveDate"), "2030-03-17T19:00:00.000Z")
    assert (await api.get("/v1/events")).data == [event | due]

    clock.moment += 2 * DAY
    over = dict.fromkeys(due) | {"status": "FINISHED"}
    assert (await api.get("/v1/events")).data == [event | over]
