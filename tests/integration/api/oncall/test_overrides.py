"""Overrides over HTTP: they stack, span, undo in any order, and never move a turn."""

from __future__ import annotations

import pytest

from tests.integration.api.oncall.calendar import Team, at
from tests.integration.api.oncall.stage import V4, problems


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben", "cleo", "dee")


async def test_turns_go_on_past_exceptions_and_overrides(team: Team) -> None:
    event = await team.event("ada", "ben", "cleo", rotation=True)
    await team.v4.ask("POST", f"/events/{event['id']}/add_exception", {"action_time": at(2)})
    await team.override(event["id"], "dee", "2022-11-04 00:00", "2022-11-05 00:00", at(4))

    assert [(start, who) for start, _, who in await team.window()] == [
        (at(1), "ada"),
        (at(3), "cleo"),
        (at(4), "dee"),
        (at(5), "ben"),
        (at(6), "cleo"),
        (at(7), "ada"),
    ]


async def test_an_override_of_several_occurrences_cuts_each(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True)
    override = await team.override(event["id"], "dee", "2022-11-02 12:00", "2022-11-04 12:00", at(3))

    assert override["covers"] == [at(2), at(3), at(4)]
    assert (await team.window())[1:4] == [
        (at(2), at(2, 12), "ben"),
        (at(2, 12), at(4, 12), "dee"),
        (at(4, 12), at(5), "ben"),
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
async def test_overrides_that_stack_are_undone_in_any_order(team: Team, order: tuple[int, ...]) -> None:
    event = await team.event("ada", "ben", rotation=True)
    before = await team.window()
    first = await team.override(event["id"], "cleo", "2022-11-02 06:00", "2022-11-02 18:00", at(2))
    second = await team.override(first["id"], "dee", "2022-11-02 08:00", "2022-11-02 10:00", at(2, 6))
    listed = (await team.v4.ask("GET", f"/events?parent_id={event['id']}&role=remainder&sort=start_time")).json["data"]
    third = await team.override(listed[1]["id"], "dee", "2022-11-02 20:00", "2022-11-03 00:00", at(2, 18))

    assert (await team.window())[1:7] == [
        (at(2), at(2, 6), "ben"),
        (at(2, 6), at(2, 8), "cleo"),
        (at(2, 8), at(2, 10), "dee"),
        (at(2, 10), at(2, 18), "cleo"),
        (at(2, 18), at(2, 20), "ben"),
        (at(2, 20), at(3), "dee"),
    ]
    overrides = [first, second, third]
    for each in order:
        answer = await team.v4.ask("DELETE", f"/events/{overrides[each]['id']}?restore=true")
        assert answer.status == 204 or (each == 1 and order.index(0) < order.index(1) and answer.status == 404)
    assert await team.window() == before
    assert await team.shown(event["id"]) == event
    assert (await team.v4.ask("GET", "/events")).json["total_count"] == 1


async def test_without_restoring_the_hours_are_nobodys(team: Team) -> None:
    event = await team.event("ada")
    override = await team.override(event["id"], "dee", "2022-11-02 06:00", "2022-11-02 18:00", at(2))

    assert (await team.v4.ask("DELETE", f"/events/{override['prefix_id']}")).status == 204
    assert (await team.window())[1:3] == [(at(2), at(2, 6), "ada"), (at(2, 18), at(3), "ada")]


async def test_a_series_takes_its_overrides_with_it(team: Team) -> None:
    event = await team.event("ada")
    override = await team.override(event["id"], "dee", "2022-11-02 06:00", "2022-11-02 18:00", at(2))
    await team.override(override["id"], "cleo", "2022-11-02 07:00", "2022-11-02 08:00", at(2, 6))

    assert (await team.v4.ask("DELETE", f"/events/{event['id']}")).status == 204
    assert (await team.v4.ask("GET", "/events")).json["total_count"] == 0
    assert await team.window() == []


async def test_an_occurrence_that_is_overridden_is_overridden_by_what_stands_for_it(team: Team) -> None:
    event = await team.event("ada")
    override = await team.override(event["id"], "dee", "2022-11-02 06:00", "2022-11-02 18:00", at(2))
    body = {
        "start_time": "2022-11-02 08:00",
        "end_time": "2022-11-02 09:00",
        "layer": 1,
        "time_zone": "Arizona",
        "account_user_ids": team.users("cleo"),
        "action_time": at(2),
    }
    answer = await team.v4.ask("POST", f"/events/{event['id']}/override", body)

    assert answer.status == 409
    assert problems(answer) == [f"the occurrence of {at(2)} is overridden already; override {override['id']} instead"]


async def test_only_an_override_can_be_restored(team: Team) -> None:
    event = await team.event("ada")

    for query, status, said in (
        ("true", 422, "The event is no override, so there is nothing to restore; delete it without restore."),
        ("perhaps", 422, "restore should be true or false"),
    ):
        answer = await team.v4.ask("DELETE", f"/events/{event['id']}?restore={query}")
        assert (answer.status, problems(answer)) == (status, [said])


async def test_times_of_an_override_are_on_the_wall_of_its_zone(team: Team) -> None:
    """Or instants, where they have an offset; what is left is on the wall of the series."""
    event = await team.event("ada")
    body = {
        "start_time": "2022-11-02 08:00",
        "end_time": "2022-11-02T06:00:00Z",
        "layer": 1,
        "time_zone": "Tokyo",
        "account_user_ids": team.users("cleo"),
        "action_time": "2022-11-01 16:00",
    }
    answer = await team.v4.ask("POST", f"/events/{event['id']}/override", body)

    assert answer.status == 201, answer.text
    assert answer.json["start_time"] == "2022-11-02T08:00:00.000+09:00"
    assert (await team.window())[:3] == [
        (at(1), at(1, 16), "ada"),
        ("2022-11-02T08:00:00.000+09:00", "2022-11-02T15:00:00.000+09:00", "cleo"),
        (at(1, 23), at(2), "ada"),
    ]


async def test_everything_wrong_with_an_override_is_told_at_once(team: Team) -> None:
    event = await team.event("ada")
    answer = await team.v4.ask(
        "POST",
        f"/events/{event['id']}/override",
        {
            "start_time": "2022-11-02 08:00",
            "end_time": "2022-11-02 07:00",
            "layer": 0,
            "time_zone": "Arizona",
            "account_user_ids": ["nobody"],
        },
    )

    assert answer.status == 422
    assert problems(answer) == [
        "layer should be a whole number from 1 to 2147483647",
        "action_time can't be blank",
        "account_user_ids has nobody, which is no account user of yours",
        "end_time must be later than the start",
    ]


async def test_a_wrong_action_time_names_the_nearest_right_ones(team: Team) -> None:
    event = await team.event("ada")
    single = await team.event("ada", repeat=False)
    near = f"action_time is not the start of an occurrence; the nearest are {at(2)} and {at(3)}"
    body = {
        "start_time": "2022-11-02 08:00",
        "end_time": "2022-11-02 09:00",
        "layer": 1,
        "time_zone": "Arizona",
        "account_user_ids": team.users("cleo"),
    }

    for path in ("override", "add_exception", "terminate_on"):
        answer = await team.v4.ask("POST", f"/events/{event['id']}/{path}", body | {"action_time": at(2, 11)})
        assert (answer.status, problems(answer)) == (422, [near])
    missed = await team.v4.ask("POST", f"/events/{event['id']}/override", body | {"action_time": at(5)})
    assert problems(missed) == [
        f"start_time and end_time must overlap the occurrence, which is from {at(5)} to {at(6)}"
    ]
    regular = await team.v4.ask("POST", f"/events/{single['id']}/add_exception", {"action_time": at(1)})
    assert regular.status == 422
    assert problems(regular)[0].startswith("action_time cannot become an exception")


async def test_a_single_event_can_be_overridden(team: Team) -> None:
    event = await team.event("ada", repeat=False)
    override = await team.override(event["id"], "dee", "2022-11-01 06:00", "2022-11-01 18:00", at(1))

    assert [who for _, _, who in await team.window()] == ["ada", "dee", "ada"]
    assert (await team.v4.ask("DELETE", f"/events/{override['id']}?restore=1")).status == 204
    assert await team.window() == [(at(1), at(2), "ada")]
