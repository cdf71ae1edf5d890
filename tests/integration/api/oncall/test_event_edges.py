"""On-call events at the edges of what may be said: the first instant, the greatest layer, the deepest family."""

from __future__ import annotations

import pytest

from tests.integration.api.oncall.calendar import NIGHTS, Team
from tests.integration.api.oncall.stage import V4


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada")


async def test_the_first_instant_that_is_counted_is_one(team: Team) -> None:
    times = {"start_time": "1970-01-01T00:00:00Z", "end_time": "1970-01-02T00:00:00Z", "time_zone": "UTC"}
    body = {"account_user_ids": team.users("ada"), "layer": 1} | times

    assert (await team.v4.made("/events", body))["start_time"] == "1970-01-01T00:00:00.000Z"


async def test_a_layer_need_not_be_in_any_policy(team: Team) -> None:
    event = await team.event("ada", layer=2_147_483_647)

    found = await team.v4.ask("GET", "/events?ops=layer:gte&layer=2147483647")
    assert [one["id"] for one in found.json["data"]] == [event["id"]]


async def test_what_was_made_in_one_moment_is_listed_in_the_order_in_which_it_was_made(team: Team) -> None:
    made = [(await team.event("ada"))["id"] for _ in range(5)]

    assert [one["id"] for one in (await team.v4.ask("GET", "/events")).json["data"]] == made[::-1]


async def test_a_family_may_be_deep(team: Team) -> None:
    """Deeper than functions may call themselves."""
    first = parent = (await team.event("ada"))["id"]
    for _ in range(1_100):
        body = NIGHTS | {"account_user_ids": team.users("ada"), "parent_id": parent}
        parent = (await team.v4.made("/events", body))["id"]

    assert (await team.v4.ask("DELETE", f"/events/{first}")).status == 204
    assert (await team.v4.ask("GET", f"/events/{parent}")).status == 404
