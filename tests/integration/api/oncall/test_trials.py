"""Whatever can be changed can be tried first: the answer says who gains and loses what, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from api_service.store.database import Database
from tests.integration.api.oncall.calendar import DAILY, WEEK, Team, at
from tests.integration.api.oncall.stage import V4, problems

FIELDS = ["window", "gains", "loses", "gaps_opened", "gaps_closed", "hours"]


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben", "cleo")


async def everything(database: Database) -> dict[str, list[str]]:
    """All rows of all tables."""
    async with database.moment() as c:
        names = await c.fetch("select table_name from information_schema.tables where table_schema = 'public'")
        return {
            name: [row["row"] for row in await c.fetch(f'select t::text as row from "{name}" as t order by 1')]  # noqa: S608
            for (name,) in names
        }


class Trials:
    """Tries that must leave every table as it was."""

    def __init__(self, team: Team, database: Database) -> None:
        self.team = team
        self.database = database

    async def tried(self, method: str, path: str, body: Any = None, query: str = WEEK) -> tuple[dict[str, Any], Any]:
        """The difference with names for people, and the result."""
        before = await everything(self.database)
        separator = "&" if "?" in path else "?"
        answer = await self.team.v4.ask(method, f"{path}{separator}dry_run=true&{query}", body)
        assert answer.status == 200, answer.text
        assert await everything(self.database) == before
        assert (list(answer.json), answer.json["dry_run"]) == (["dry_run", "difference", "result"], True)
        difference = answer.json["difference"]
        assert list(difference) == FIELDS
        for kind in ("gains", "loses"):
            difference[kind] = [
                (self.team.names[one["account_user_id"]], one["layer"], one["start_time"], one["hours"])
                for one in difference[kind]
            ]
        for kind in ("gaps_opened", "gaps_closed"):
            difference[kind] = [(one["layer"], one["start_time"], one["hours"]) for one in difference[kind]]
        difference["hours"] = {self.team.names[user]: hours for user, hours in difference["hours"].items()}
        return difference, answer.json["result"]


@pytest.fixture
def trials(team: Team, database: Database) -> Trials:
    return Trials(team, database)


def utc(day: int, hour: int) -> str:
    return f"2022-11-{day:02}T{hour:02}:00:00.000Z"


async def test_creating_is_tried(team: Team, trials: Trials) -> None:
    body = DAILY | {"account_user_ids": team.users("ada"), "schedule_ids": [team.schedule_id], "frequency": 3}
    difference, result = await trials.tried("POST", "/events", body)

    assert difference["window"] == {"start": utc(1, 7), "end": utc(8, 7)}
    assert difference["gains"] == [("ada", 1, utc(day, 7), 24) for day in (1, 4, 7)]
    assert (difference["loses"], difference["gaps_opened"], difference["hours"]) == ([], [], {"ada": 72})
    assert difference["gaps_closed"] == [(1, utc(day, 7), 24) for day in (1, 4, 7)]
    assert result["event_attendees"][0]["attendee_id"] == team.people["ada"]
    created = await team.v4.made("/events", body)
    unlike = {"id", "prefix_id", "event_attendees"}
    assert {k: v for k, v in created.items() if k not in unlike} == {k: v for k, v in result.items() if k not in unlike}


async def test_changing_is_tried(team: Team, trials: Trials) -> None:
    event = await team.event("ada", "ben", rotation=True)
    difference, result = await trials.tried("PUT", f"/events/{event['id']}", {"account_user_ids": team.users("cleo")})

    assert difference["hours"] == {"ada": -96, "ben": -72, "cleo": 168}
    assert difference["gains"] == [("cleo", 1, utc(1, 7), 168)]
    assert len(difference["loses"]) == 7
    assert difference["gaps_opened"] == difference["gaps_closed"] == []
    assert [who["attendee_id"] for who in result["event_attendees"]] == team.users("cleo")


async def test_overriding_is_tried(team: Team, trials: Trials) -> None:
    event = await team.event("ada", "ben", rotation=True)
    body = {
        "start_time": "2022-11-02 20:00",
        "end_time": "2022-11-03 04:00",
        "layer": 1,
        "time_zone": "Arizona",
        "account_user_ids": team.users("cleo"),
        "action_time": at(2),
    }
    difference, result = await trials.tried("POST", f"/events/{event['id']}/override", body)

    assert difference["gains"] == [("cleo", 1, utc(3, 3), 8)]
    assert difference["loses"] == [("ben", 1, utc(3, 3), 4), ("ada", 1, utc(3, 7), 4)]
    assert difference["hours"] == {"ada": -4, "ben": -4, "cleo": 8}
    assert (result["role"], result["covers"]) == ("override", [at(2), at(3)])


async def test_excepting_and_ending_are_tried(team: Team, trials: Trials) -> None:
    event = await team.event("ada")
    await team.event("ben", layer=2)
    excepted, result = await trials.tried("POST", f"/events/{event['id']}/add_exception", {"action_time": at(2)})
    ended, shorter = await trials.tried("POST", f"/events/{event['id']}/terminate_on", {"action_time": at(6)})
    gone, nothing = await trials.tried("POST", f"/events/{event['id']}/terminate_on", {"action_time": at(1)})

    assert (excepted["loses"], excepted["gaps_opened"]) == ([("ada", 1, utc(2, 7), 24)], [(1, utc(2, 7), 24)])
    assert [one["start_datetime"] for one in result["exceptions"]] == [at(2)]
    assert (ended["hours"], shorter["terminated_on"]) == ({"ada": -48}, at(6))
    assert (gone["hours"], nothing) == ({"ada": -168}, None)


async def test_deleting_restoring_and_flushing_are_tried(team: Team, trials: Trials) -> None:
    event = await team.event("ada")
    override = await team.override(event["id"], "cleo", "2022-11-02 08:00", "2022-11-02 10:00", at(2))
    other = await team.v4.schedule(name="Other")
    await team.event("ben", layer=2, schedule_ids=[team.schedule_id, other["id"]])
    deleted, nothing = await trials.tried("DELETE", f"/events/{event['id']}")
    restored, _ = await trials.tried("DELETE", f"/events/{override['id']}?restore=true")
    without, _ = await trials.tried("DELETE", f"/events/{override['id']}")
    flushed, _ = await trials.tried("DELETE", f"/schedules/{team.schedule_id}/flush")

    assert (deleted["hours"], nothing) == ({"ada": -166, "cleo": -2}, None)
    assert restored["hours"] == {"ada": 2, "cleo": -2}
    assert (without["hours"], without["gaps_opened"]) == ({"cleo": -2}, [(1, utc(2, 15), 2)])
    assert flushed["hours"] == {"ada": -166, "ben": -168, "cleo": -2}
    assert flushed["gaps_opened"] == [(1, utc(1, 7), 168), (2, utc(1, 7), 168)]


async def test_who_is_on_call_anyway_neither_gains_nor_loses(team: Team, trials: Trials) -> None:
    """Of two events in one layer of a schedule, one goes: what the other covers is no gap."""
    event = await team.event("ada", "ben")
    await team.event("ben", end_datetime=at(1, 12))
    difference, _ = await trials.tried("DELETE", f"/events/{event['id']}")

    assert difference["hours"] == {"ada": -168, "ben": -84}
    assert difference["gaps_opened"] == [(1, utc(day, 19), 12) for day in range(1, 8)]


async def test_a_trial_is_refused_as_the_change_would_be(team: Team, database: Database) -> None:
    event = await team.event("ada")
    before = await everything(database)
    for method, path, body, status in (
        ("POST", "/events", {}, 422),
        ("PUT", f"/events/{event['id']}", {"layer": 0}, 422),
        ("POST", f"/events/{event['id']}/override", {}, 422),
        ("POST", f"/events/{event['id']}/add_exception", {"action_time": at(2, 2)}, 422),
        ("DELETE", f"/events/{event['id']}?restore=true", None, 422),
        ("DELETE", "/events/01JD8M2Z9T5R0C4V7K3N6P1QXA", None, 404),
    ):
        answer = await team.v4.ask(method, f"{path}{'&' if '?' in path else '?'}dry_run=true", body)
        assert (answer.status, bool(problems(answer))) == (status, True), path
    stale = {"If-Match": '"stale"'}
    assert (await team.v4.ask("DELETE", f"/events/{event['id']}?dry_run=true", headers=stale)).status == 412
    assert (await team.v4.ask("PUT", f"/events/{event['id']}?dry_run=maybe", {"layer": 2})).status in {400, 422}
    assert await everything(database) == before


async def test_without_a_window_a_month_back_and_a_year_ahead_are_told(team: Team, trials: Trials) -> None:
    event = await team.event("ada", frequency_unit="monthly")
    difference, _ = await trials.tried("DELETE", f"/events/{event['id']}", query="")

    assert difference["window"] == {"start": "2030-02-15T17:46:40.000Z", "end": "2031-03-17T17:46:40.000Z"}
    assert len(difference["loses"]) == 13
