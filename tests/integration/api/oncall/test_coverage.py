"""Coverage over HTTP: gaps layer by layer, hours by person with nights and weekends of their own; JSON and CSV."""

from __future__ import annotations

import csv
import io

import pytest

from tests.integration.api.oncall.calendar import WEEK, Team, at
from tests.integration.api.oncall.stage import V4, problems


@pytest.fixture
async def team(v4: V4) -> Team:
    """Ada has days of the week at the office, in her own zone nine hours ahead of it; Ben has the nights, alone."""
    team = await Team.of(v4, "ada", "ben")
    await v4.ask("PUT", f"/account_users/{team.people['ada']}", {"time_zone": "Berlin"})
    await v4.ask("PUT", f"/account_users/{team.people['ben']}", {"time_zone": "Arizona"})
    await v4.ask("PUT", f"/schedules/{team.schedule_id}", {"time_zone": "Arizona"})
    await team.event("ada", start_datetime=at(1, 8), end_datetime=at(1, 20), days_of_week=[1, 2, 3, 4, 5])
    await team.event("ben", start_datetime=at(1, 20), end_datetime=at(2, 8))
    return team


async def test_hours_and_gaps_add_up(team: Team) -> None:
    answer = await team.v4.ask("GET", f"/schedules/{team.schedule_id}/coverage?{WEEK}")

    assert answer.status == 200, answer.text
    assert {name: answer.json[name] for name in ("start_time", "end_time", "time_zone")} == {
        "start_time": at(1),
        "end_time": at(8),
        "time_zone": "Arizona",
    }
    (layer,) = answer.json["layers"]
    # Nobody in the first eight hours, and in the days of Saturday and Sunday, the 5th and 6th.
    assert layer == {
        "layer": 1,
        "covered_hours": 7 * 24 - 8 - 2 * 12,
        "gap_hours": 8 + 2 * 12,
        "gaps": [
            {"start_time": at(1), "end_time": at(1, 8), "hours": 8},
            {"start_time": at(5, 8), "end_time": at(5, 20), "hours": 12},
            {"start_time": at(6, 8), "end_time": at(6, 20), "hours": 12},
        ],
    }
    ada, ben = (
        next(one for one in answer.json["people"] if one["account_user_id"] == team.people[name])
        for name in ("ada", "ben")
    )
    # 08:00 to 20:00 in Arizona is 16:00 to 04:00 in Berlin: six hours a day of her night, and Friday's end is Saturday.
    assert {name: ada[name] for name in ("name", "time_zone", "hours", "night_hours", "weekend_hours")} == {
        "name": "ada",
        "time_zone": "Berlin",
        "hours": 5 * 12,
        "night_hours": 5 * 6,
        "weekend_hours": 4,
    }
    assert (ben["hours"], ben["night_hours"]) == (6 * 12 + 4, 6 * 8 + 2)
    assert ben["weekend_hours"] == 8 + 4 + 8 + 4
    assert ben["layers"] == [{"layer": 1, **{name: ben[name] for name in ("hours", "night_hours", "weekend_hours")}}]
    assert ada["hours"] + ben["hours"] == layer["covered_hours"]


async def test_a_layer_in_which_nothing_happens_is_one_gap(team: Team) -> None:
    await team.event("ada", layer=3, repeat=False)
    path = f"/schedules/{team.schedule_id}/coverage?start={at(12)}&end={at(13)}"
    layers = (await team.v4.ask("GET", path)).json["layers"]

    assert layers[1] == {
        "layer": 3,
        "covered_hours": 0,
        "gap_hours": 24,
        "gaps": [{"start_time": at(12), "end_time": at(13), "hours": 24}],
    }


@pytest.mark.parametrize(
    ("path", "accept"),
    [("coverage.csv?", "*/*"), ("coverage?format=csv&", "application/json"), ("coverage?", "text/csv, */*")],
)
async def test_it_is_a_table_where_that_is_asked_for(team: Team, path: str, accept: str) -> None:
    answer = await team.v4.ask("GET", f"/schedules/{team.schedule_id}/{path}{WEEK}", headers={"Accept": accept})
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert [(row["kind"], row["layer"], row["start_time"], row["name"], row["hours"]) for row in rows[:4]] == [
        ("covered", "1", "", "", "136.0"),
        ("gap", "1", at(1), "", "8.0"),
        ("gap", "1", at(5, 8), "", "12.0"),
        ("gap", "1", at(6, 8), "", "12.0"),
    ]
    assert {(row["kind"], row["name"], row["time_zone"], row["night_hours"]) for row in rows[4:]} == {
        ("person", "ada", "Berlin", "30.0"),
        ("person", "ben", "Arizona", "50.0"),
    }


async def test_json_wins_where_it_is_asked_for_by_name(team: Team) -> None:
    path = f"/schedules/{team.schedule_id}/coverage?{WEEK}"

    assert (await team.v4.ask("GET", f"{path}&format=json", headers={"Accept": "text/csv"})).json["layers"]
    assert problems(await team.v4.ask("GET", f"{path}&format=xml")) == ["format should be csv or json"]


async def test_no_spreadsheet_computes_a_name(team: Team) -> None:
    await team.v4.ask("PUT", f"/account_users/{team.people['ada']}", {"name": "=1+1"})
    answer = await team.v4.ask("GET", f"/schedules/{team.schedule_id}/coverage.csv?{WEEK}")

    assert "'=1+1" in {row["name"] for row in csv.DictReader(io.StringIO(answer.text))}
