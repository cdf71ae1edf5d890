"""PUT and PATCH of an on-call event: what is not said stays, and what follows from what is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.oncall.calendar import Team, at
from tests.integration.api.oncall.stage import V4, problems


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben", "cleo")


async def changed(team: Team, event: dict[str, Any], body: Any, method: str = "PUT") -> dict[str, Any]:
    answer = await team.v4.ask(method, f"/events/{event['id']}", body)
    assert answer.status == 200, answer.text
    assert await team.shown(event["id"]) == answer.json
    return {name: value for name, value in answer.json.items() if value != event[name]}


def starts(shown: dict[str, Any]) -> list[str]:
    return [one["start_datetime"] for one in shown["exceptions"]]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_what_is_not_said_stays(team: Team, method: str) -> None:
    event = await team.event("ada", "ben", rotation=True, meta={"a": 1})
    team.v4.api.clock.moment += 1

    assert await changed(team, event, {"layer": 2, "unheard": "of"}, method) == {
        "layer": 2,
        "updated_at": "2030-03-17T17:46:40.001Z",
    }


async def test_what_is_shown_can_be_sent_back_and_changes_nothing(team: Team) -> None:
    """Though it starts at a time that the clock jumps over, and is shown an hour later."""
    zone = {"time_zone": "Eastern Time (US & Canada)", "repeat_end_datetime": "2022-05-01", "days_of_week": [0, 1]}
    times = {"start_datetime": "2022-03-13 02:30", "end_datetime": "2022-03-13 12:00"}
    event = await team.event("ada", **zone, **times, exceptions=["2022-03-14 02:30"])
    team.v4.api.clock.moment += 1

    assert event["start_datetime"] == "2022-03-13T03:30:00.000-04:00"
    assert await changed(team, event, event) == {}
    assert (await team.window("start=2022-03-20T00:00:00-04:00&end=2022-03-21T00:00:00-04:00"))[0][0].startswith(
        "2022-03-20T02:30"
    )


async def test_what_is_equal_to_python_is_not_to_json(team: Team) -> None:
    event = await team.event("ada", meta={"a": 1})

    assert await changed(team, event, {"meta": {"a": True}}) == {}  # to Python
    assert '"meta":{"a":true}' in (await team.v4.ask("GET", f"/events/{event['id']}")).text


async def test_another_time_zone_alone_keeps_what_is_on_the_wall(team: Team) -> None:
    event = await team.event("ada")
    changes = await changed(team, event, {"time_zone": "Tokyo"})

    assert changes == {
        "time_zone": "Tokyo",
        "iana_time_zone": "Asia/Tokyo",
        **dict.fromkeys(("start_datetime", "start_time"), "2022-11-01T00:00:00.000+09:00"),
        **dict.fromkeys(("end_datetime", "end_time"), "2022-11-02T00:00:00.000+09:00"),
    }


async def test_times_without_an_offset_are_on_the_wall_of_the_zone(team: Team) -> None:
    event = await team.event("ada")
    changes = await changed(
        team, event, {"start_time": "2022-11-01 06:00", "end_time": "2022-11-02T06:00", "time_zone": "Asia/Tokyo"}
    )

    assert changes["start_datetime"] == "2022-11-01T06:00:00.000+09:00"
    assert changes["end_datetime"] == "2022-11-02T06:00:00.000+09:00"
    assert changes["time_zone"] == "Asia/Tokyo"


async def test_attendees_are_replaced_and_so_is_their_order(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True)
    changes = await changed(team, event, {"account_user_ids": team.users("cleo", "ada", "ada")})
    who = changes["event_attendees"]

    assert [(one["position"], team.names[one["attendee_id"]]) for one in who] == [(1, "cleo"), (2, "ada"), (3, "ada")]
    assert who[1]["id"] == event["event_attendees"][0]["id"]  # who stays keeps the name of the place
    assert [name for _, _, name in await team.window()] == ["cleo", "ada", "ada", "cleo", "ada", "ada", "cleo"]


async def test_exceptions_stay_unless_they_are_sent(team: Team) -> None:
    event = await team.event("ada", exceptions=[at(2), {"start_datetime": at(3)}])
    assert starts(event) == [at(2), at(3)]

    assert "exceptions" not in await changed(team, event, {"layer": 3})
    after = await changed(team, event, {"exceptions": [{"start_datetime": "2022-11-03 00:00"}, at(5)]})
    assert starts(after) == [at(3), at(5)]
    assert after["exceptions"][0]["id"] == event["exceptions"][1]["id"]
    assert starts(await changed(team, event, {"exceptions": []}) | {}) == []


async def test_a_moved_series_drops_what_is_no_occurrence_any_more(team: Team) -> None:
    """Of what was overridden, what is left goes with its occurrence, and who was promised hours keeps them."""
    event = await team.event("ada", "ben", rotation=True, exceptions=[at(3)])
    override = await team.override(event["id"], "cleo", "2022-11-02 08:00", "2022-11-02 12:00", at(2))
    await team.override(event["id"], "cleo", "2022-11-04 08:00", "2022-11-04 12:00", at(4))
    moved = await changed(
        team, event, {"start_datetime": at(2, 12), "end_datetime": at(3, 12), "frequency": 2, "rotation": False}
    )

    assert starts(moved) == []
    assert await team.window() == [
        (at(2, 8), at(2, 12), "cleo"),
        (at(2, 12), at(3, 12), "ada+ben"),
        (at(4, 8), at(4, 12), "cleo"),
        (at(4, 12), at(5, 12), "ada+ben"),
        (at(6, 12), at(7, 12), "ada+ben"),
    ]
    assert await team.shown(override["id"]) == override


async def test_an_occurrence_that_is_overridden_stays_an_exception(team: Team) -> None:
    """Whatever is asked for: otherwise it and what stands for it would both happen."""
    event = await team.event("ada", exceptions=[at(3)])
    await team.override(event["id"], "cleo", "2022-11-02 08:00", "2022-11-02 12:00", at(2))
    before = await team.shown(event["id"])
    window = await team.window()

    assert await changed(team, before, {"exceptions": [at(3)]}) == {}
    after = await changed(team, before, {"exceptions": [at(4)], "meta": {"a": 1}})
    assert starts(after) == [at(2), at(4)]
    assert after["exceptions"][0] == before["exceptions"][0]
    assert {one for one in await team.window() if one not in window} == {(at(3), at(4), "ada")}


async def test_what_stands_for_an_occurrence_follows_to_other_schedules(team: Team) -> None:
    event = await team.event("ada")
    await team.override(event["id"], "cleo", "2022-11-02 08:00", "2022-11-02 12:00", at(2))
    other = await team.v4.schedule(name="Other")
    before = await team.window()
    await changed(team, event, {"schedule_ids": [other["prefix_id"]]})

    assert await team.window() == []
    team.schedule_id = other["id"]
    assert await team.window() == before


async def test_an_end_can_be_lifted(team: Team) -> None:
    event = await team.event("ada")
    for body in ({"terminated_on": None}, {"repeat_end_datetime": at(4)}):
        assert (await team.v4.ask("POST", f"/events/{event['id']}/terminate_on", {"action_time": at(3)})).status == 200
        assert len(await team.window()) == 2
        await changed(team, event, body)
        assert len(await team.window()) == (7 if "terminated_on" in body else 4)

    answer = await team.v4.ask("PUT", f"/events/{event['id']}", {"terminated_on": at(5)})
    assert problems(answer) == ["terminated_on can only be lifted, with null; POST …/terminate_on sets it"]


async def test_a_series_can_become_a_single_event_and_a_series_again(team: Team) -> None:
    event = await team.event("ada")

    assert await changed(team, event, {"repeat": False}) == {"repeat": False}
    assert len(await team.window()) == 1
    assert await changed(team, event, {"repeat": "1"}) == {}
    assert len(await team.window()) == 7


async def test_a_form_says_the_same(team: Team) -> None:
    event = await team.event("ada", "ben")
    ids = "&".join(f"account_user_ids[]={user}" for user in team.users("ben", "ada"))
    days = "days_of_week[]=2&days_of_week[]=4"
    text = f"repeat=true&rotation=1&{days}&frequency=1&frequency_unit=weekly&{ids}&parent_id="
    answer = await team.v4.form("PUT", f"/events/{event['id']}", text)

    assert answer.status == 200, answer.text
    assert await team.window() == [(at(1), at(2), "ben"), (at(3), at(4), "ada")]


async def test_parents_are_not_their_own_children(team: Team) -> None:
    one = await team.event("ada")
    two = await team.event("ada", parent_id=one["prefix_id"])
    override = await team.override(one["id"], "cleo", "2022-11-02 08:00", "2022-11-02 12:00", at(2))

    assert two["parent_id"] == one["id"]
    for name in (one["id"], two["id"]):
        answer = await team.v4.ask("PUT", f"/events/{one['id']}", {"parent_id": name})
        assert problems(answer) == ["parent_id should be no event that is below this one"]
    answer = await team.v4.ask("PUT", f"/events/{override['id']}", {"parent_id": two["id"]})
    assert problems(answer) == [f"parent_id stays {one['id']}, for the event stands for an occurrence of that one"]
