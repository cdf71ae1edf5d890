"""Tags of on-call events on the way out and in, and creations that are made once, however often they are asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.oncall.calendar import DAILY, WEEK, Team, at
from tests.integration.api.oncall.stage import V4


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben")


def override_of(team: Team) -> dict[str, Any]:
    return {
        "start_time": "2022-11-02 08:00",
        "end_time": "2022-11-02 09:00",
        "layer": 1,
        "time_zone": "Arizona",
        "account_user_ids": team.users("ben"),
        "action_time": at(2),
    }


async def test_what_is_read_has_a_tag_and_is_not_told_twice(team: Team) -> None:
    event = await team.event("ada")
    for path in (
        f"/events/{event['id']}",
        "/events",
        "/events/time_zones",
        f"/events/{event['id']}/occurrences?{WEEK}",
        f"/schedules/{team.schedule_id}/window_events?{WEEK}",
        f"/schedules/{team.schedule_id}/current_oncall?at={at(2)}",
        f"/schedules/{team.schedule_id}/coverage?{WEEK}",
        f"/schedules/{team.schedule_id}/coverage.csv?{WEEK}",
    ):
        first = await team.v4.ask("GET", path)
        again = await team.v4.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status, again.status, again.text) == (200, 304, ""), path
        assert again.headers["ETag"] == first.headers["ETag"]
    tag = (await team.v4.ask("GET", f"/events/{event['id']}")).headers["ETag"]
    await team.v4.ask("PUT", f"/events/{event['id']}", {"layer": 2})
    assert (await team.v4.ask("GET", f"/events/{event['id']}", headers={"If-None-Match": tag})).status == 200


async def test_a_change_passes_only_with_the_tag_of_what_is_there(team: Team) -> None:
    event = await team.event("ada")
    path = f"/events/{event['id']}"
    stale = (await team.v4.ask("GET", path)).headers["ETag"]
    current = (await team.v4.ask("PUT", path, {"meta": {"a": 1}}, headers={"If-Match": stale})).headers["ETag"]
    assert (await team.v4.ask("GET", path)).headers["ETag"] == current
    before = await team.shown(event["id"])
    for method, below, body in (
        ("PUT", "", {"layer": 2}),
        ("PATCH", "", {"layer": 2}),
        ("POST", "/override", override_of(team)),
        ("POST", "/add_exception", {"action_time": at(2)}),
        ("POST", "/terminate_on", {"action_time": at(3)}),
        ("DELETE", "", None),
    ):
        answer = await team.v4.ask(method, path + below, body, headers={"If-Match": stale})
        assert answer.status == 412, (method, below)
    assert await team.shown(event["id"]) == before
    for method, below, body in (
        ("POST", "/override", override_of(team)),
        ("POST", "/add_exception", {"action_time": at(3)}),
        ("POST", "/terminate_on", {"action_time": at(4)}),
        ("DELETE", "", None),
    ):
        tag = (await team.v4.ask("GET", path)).headers["ETag"]
        answer = await team.v4.ask(method, path + below, body, headers={"If-Match": tag})
        assert answer.status in {200, 201, 204}, answer.text


async def test_a_promise_is_kept_once(team: Team) -> None:
    body = DAILY | {"account_user_ids": team.users("ada"), "schedule_ids": [team.schedule_id]}
    key = {"Idempotency-Key": "one"}
    first = await team.v4.ask("POST", "/events", body, headers=key)
    again = await team.v4.ask("POST", "/events", body, headers=key)
    other = await team.v4.ask("POST", "/events", body | {"layer": 2}, headers=key)
    tried = await team.v4.ask("POST", "/events?dry_run=true", body, headers=key)

    assert (first.status, again.status, other.status, tried.status) == (201, 201, 422, 200)
    assert (again.text, again.headers["ETag"]) == (first.text, first.headers["ETag"])
    assert (await team.v4.ask("GET", "/events")).json["total_count"] == 1


async def test_an_override_is_made_once_under_one_key(team: Team) -> None:
    event = await team.event("ada")
    path, key = f"/events/{event['id']}/override", {"Idempotency-Key": "two"}
    first = await team.v4.ask("POST", path, override_of(team), headers=key)
    again = await team.v4.ask("POST", path, override_of(team), headers=key)
    without = await team.v4.ask("POST", path, override_of(team))

    assert (first.status, again.status, without.status) == (201, 201, 409)
    assert again.text == first.text
