"""PUT of a time zone alone: what is on the wall stays, and so does all that hangs on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.oncall.calendar import Team, at
from tests.integration.api.oncall.stage import V4


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben", "cleo")


async def moved(team: Team, event_id: str, time_zone: str) -> dict[str, Any]:
    answer = await team.v4.ask("PUT", f"/events/{event_id}", {"time_zone": time_zone})
    assert answer.status == 200, answer.text
    shown: dict[str, Any] = answer.json
    return shown


async def test_exceptions_and_the_end_go_with_it(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True, exceptions=[at(3)])
    await team.v4.ask("POST", f"/events/{event['id']}/terminate_on", {"action_time": at(5)})

    shown = await moved(team, event["id"], "Tokyo")
    assert shown["exceptions"] == [
        {"id": event["exceptions"][0]["id"], "start_datetime": "2022-11-03T00:00:00.000+09:00"}
    ]
    assert shown["terminated_on"] == "2022-11-05T00:00:00.000+09:00"
    assert [(start[:10], who) for start, _, who in await team.window("start=2022-10-31&end=2022-11-09")] == [
        ("2022-11-01", "ada"),
        ("2022-11-02", "ben"),
        ("2022-11-04", "ben"),
    ]


async def test_of_hours_that_elapse_the_same_ones_are_gone(team: Team) -> None:
    """Though the clocks of the two zones change on different days."""
    eight = {"frequency_unit": "hourly", "frequency": 8, "end_datetime": at(1, 8), "time_zone": "London"}
    event = await team.event("ada", **eight, exceptions=["2023-04-01T07:00:00Z"])

    shown = await moved(team, event["id"], "Arizona")
    assert [one["start_datetime"] for one in shown["exceptions"]] == ["2023-04-01T07:00:00.000-07:00"]


async def test_an_overridden_occurrence_is_whatever_its_override_leaves_of_it(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True)
    override = await team.override(event["id"], "cleo", "2022-11-03 08:00", "2022-11-03 12:00", at(3))
    before = await team.window()

    await moved(team, event["id"], "London")
    assert await team.window("start=2022-11-03T00:00Z&end=2022-11-04T00:00Z") == [
        ("2022-11-03T00:00:00.000+00:00", "2022-11-03T15:00:00.000+00:00", "ada"),
        ("2022-11-03T08:00:00.000-07:00", "2022-11-03T12:00:00.000-07:00", "cleo"),
        ("2022-11-03T19:00:00.000+00:00", "2022-11-04T00:00:00.000+00:00", "ada"),
    ]
    assert (await team.shown(override["id"]))["covers"] == ["2022-11-02T17:00:00.000-07:00"]

    await moved(team, event["id"], "Arizona")
    assert await team.window() == before
    assert (await team.v4.ask("DELETE", f"/events/{override['id']}?restore=true")).status == 204
    assert (await team.shown(event["id"]))["exceptions"] == []


async def test_another_start_or_rule_beside_it_moves_the_series(team: Team) -> None:
    event = await team.event("ada", exceptions=[at(3)])
    body = {"time_zone": "London", "frequency_unit": "weekly"}

    answer = await team.v4.ask("PUT", f"/events/{event['id']}", body)
    assert (answer.status, answer.json["exceptions"]) == (200, [])
