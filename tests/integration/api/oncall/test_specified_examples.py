"""The specification's own examples, field by field: an event, an override in Arizona, an exception, an end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.domain.ids import is_ulid
from tests.integration.api.oncall.calendar import Team, at
from tests.integration.api.oncall.stage import V4

NOW = "2030-03-17T17:46:40.000Z"
FIELDS = [
    "id", "prefix_id", "tiny_id", "start_datetime", "end_datetime", "start_time", "end_time", "layer", "time_zone",
    "iana_time_zone", "repeat", "frequency", "frequency_unit", "days_of_week", "repeat_end_datetime", "terminated_on",
    "rotation", "parent_id", "role", "covers", "schedule_ids", "event_attendees", "exceptions", "meta", "created_at",
    "updated_at",
]  # fmt: skip


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben", "cleo")


async def test_an_event_is_shown_field_by_field(team: Team) -> None:
    body = {
        "start_datetime": "2022-10-31T08:00:00.000-07:00",
        "end_datetime": "2022-10-31T20:00:00.000-07:00",
        "layer": 2,
        "time_zone": "Arizona",
        "repeat": True,
        "frequency": 2,
        "frequency_unit": "weekly",
        "days_of_week": [3, 1],
        "repeat_end_datetime": "2022-12-31T00:00:00.000-07:00",
        "rotation": True,
        "schedule_ids": [team.schedule_id],
        "account_user_ids": team.users("ben", "ada"),
        "meta": {"page": "hard"},
    }
    shown = await team.v4.made("/events", body)

    assert list(shown) == FIELDS
    assert is_ulid(shown["id"])
    assert re.fullmatch(r"evt_[0-9A-Za-z]{14}", shown["prefix_id"])
    for theirs, position, name in zip(shown["event_attendees"], (1, 2), ("ben", "ada"), strict=True):
        expected = {"attendee_id": team.people[name], "attendee_type": "AccountUser", "position": position}
        assert is_ulid(theirs.pop("id"))
        assert theirs == expected
    assert {name: shown[name] for name in FIELDS[2:-1] if name != "event_attendees"} == {
        "tiny_id": 1,
        "start_datetime": "2022-10-31T08:00:00.000-07:00",
        "end_datetime": "2022-10-31T20:00:00.000-07:00",
        "start_time": "2022-10-31T08:00:00.000-07:00",
        "end_time": "2022-10-31T20:00:00.000-07:00",
        "layer": 2,
        "time_zone": "Arizona",
        "iana_time_zone": "America/Phoenix",
        "repeat": True,
        "frequency": 2,
        "frequency_unit": "weekly",
        "days_of_week": [1, 3],
        "repeat_end_datetime": "2022-12-31T00:00:00.000-07:00",
        "terminated_on": None,
        "rotation": True,
        "parent_id": None,
        "role": None,
        "covers": [],
        "schedule_ids": [team.schedule_id],
        "exceptions": [],
        "meta": {"page": "hard"},
        "created_at": NOW,
    }
    for name in (shown["id"], shown["prefix_id"]):
        assert await team.shown(name) | {"event_attendees": []} == shown | {"event_attendees": []}


async def test_an_override_in_arizona(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True)
    body = {
        "start_time": "2022-11-01 08:00",
        "end_time": "2022-11-01 17:00",
        "layer": 1,
        "time_zone": "Arizona",
        "account_user_ids": [team.people["cleo"]],
        "action_time": "2022-11-01T00:00:00.000-07:00",
    }
    answer = await team.v4.ask("POST", f"/events/{event['id']}/override", body)
    override: dict[str, Any] = answer.json

    assert answer.status == 201
    assert list(override) == FIELDS
    assert {name: override[name] for name in FIELDS[3:21]} == {
        "start_datetime": at(1, 8),
        "end_datetime": at(1, 17),
        "start_time": at(1, 8),
        "end_time": at(1, 17),
        "layer": 1,
        "time_zone": "Arizona",
        "iana_time_zone": "America/Phoenix",
        "repeat": False,
        "frequency": None,
        "frequency_unit": None,
        "days_of_week": [],
        "repeat_end_datetime": None,
        "terminated_on": None,
        "rotation": False,
        "parent_id": event["id"],
        "role": "override",
        "covers": [at(1)],
        "schedule_ids": [team.schedule_id],
    }
    assert [who["attendee_id"] for who in override["event_attendees"]] == team.users("cleo")
    assert [one["start_datetime"] for one in (await team.shown(event["id"]))["exceptions"]] == [at(1)]
    assert (await team.window())[:4] == [
        (at(1), at(1, 8), "ada"),
        (at(1, 8), at(1, 17), "cleo"),
        (at(1, 17), at(2), "ada"),
        (at(2), at(3), "ben"),
    ]
    listed = (await team.v4.ask("GET", f"/events?parent_id={event['id']}&sort=start_time")).json["data"]
    assert [(one["role"], one["start_time"], one["end_time"]) for one in listed] == [
        ("remainder", at(1), at(1, 8)),
        ("override", at(1, 8), at(1, 17)),
        ("remainder", at(1, 17), at(2)),
    ]


async def test_an_exception_is_added(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True)
    path = f"/events/{event['id']}/add_exception"
    first = await team.v4.ask("POST", path, {"action_time": "2022-11-01T00:00:00.000-07:00"})
    again = await team.v4.ask("POST", path, {"action_time": "2022-11-01T07:00:00Z"})

    assert first.status == again.status == 200
    assert again.json == first.json
    (exception,) = first.json["exceptions"]
    assert is_ulid(exception.pop("id"))
    assert exception == {"start_datetime": at(1)}
    assert (await team.window())[0] == (at(2), at(3), "ben")


async def test_a_series_is_ended(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True)
    path = f"/events/{event['id']}/terminate_on"
    answer = await team.v4.ask("POST", path, {"action_time": at(3)})

    assert answer.status == 200
    assert answer.json == event | {"terminated_on": at(3), "updated_at": NOW}
    assert await team.window() == [(at(1), at(2), "ada"), (at(2), at(3), "ben")]
    assert (await team.v4.ask("POST", path, {"action_time": at(5)})).json == answer.json

    gone = await team.v4.ask("POST", path, {"action_time": at(1)})
    assert (gone.status, gone.text) == (204, "")
    assert (await team.v4.ask("GET", f"/events/{event['id']}")).status == 404


async def test_the_time_zones_are_those_that_are_listed(v4: V4) -> None:
    answer = await v4.ask("GET", "/events/time_zones")

    assert (answer.status, len(answer.json)) == (200, 151)
    assert answer.json[:2] == ["International Date Line West", "American Samoa"]
    assert answer.json[9] == "Mazatlán"


async def test_what_is_required_is_asked_for_all_at_once(v4: V4) -> None:
    answer = await v4.ask("POST", "/events", {"repeat": True})

    assert answer.status == 422
    assert answer.json == {
        "errors": [
            {"message": f"{name} can't be blank"}
            for name in ("start_datetime", "end_datetime", "layer", "time_zone", "account_user_ids")
        ]
        + [{"message": f"{name} can't be blank where repeat is true"} for name in ("frequency", "frequency_unit")],
        "code": 422,
    }
