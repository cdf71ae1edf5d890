"""Whatever is wrong with an on-call event is told at once, by name and with the way out; never is it a 5xx."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.oncall.calendar import DAILY, NIGHTS, Team, at
from tests.integration.api.oncall.stage import V4, problems
from tests.integration.api.stage import Answer

FIELDS = [
    *DAILY, "start_time", "end_time", "days_of_week", "repeat_end_datetime", "terminated_on", "rotation", "parent_id",
    "schedule_ids", "account_user_ids", "exceptions", "meta", "action_time",
]  # fmt: skip
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([
        "", "0", "-1", "\0", "\ud800", "x" * 3000, 10**4000, 1e308, -0.0, 2**31, 2**63, "UTC", "Arizona", "24:00",
        "daily", "hourly", "weekly", "monthly", "yearly", "true", "1970-01-01T00:00+14:00", "2999-12-31T23:59-12:00",
        "2022-11-01", "2022-03-13 02:30", "2022-11-06 01:30", "2022-02-29T00:00Z", at(1), at(2), 1, 2, 7, 100_000,
    ])
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=6,
)
_BODIES = _VALUES | st.dictionaries(st.sampled_from(FIELDS) | st.text(), _VALUES)
_OFTEN = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada")


def assert_in_order(answer: Answer) -> None:
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        assert all(problems(answer))


@_OFTEN
@given(body=_BODIES, whole=st.booleans())
async def test_any_body_creates_or_is_refused(team: Team, body: Any, whole: bool) -> None:
    if whole and isinstance(body, dict):
        body = DAILY | {"account_user_ids": team.users("ada"), "schedule_ids": [team.schedule_id]} | body
    assert_in_order(await send(team, "POST", "/events?dry_run=true", body))
    answer = await send(team, "POST", "/events", body)
    assert_in_order(answer)
    if answer.status == 201:
        assert (await send(team, "PUT", f"/events/{answer.json['id']}", answer.json)).json == answer.json
        assert_in_order(await team.v4.ask("GET", f"/events/{answer.json['id']}/occurrences?start={at(1)}&end={at(9)}"))
        assert (await team.v4.ask("DELETE", f"/events/{answer.json['id']}")).status == 204


@_OFTEN
@given(body=_BODIES, path=st.sampled_from(["", "/override", "/add_exception", "/terminate_on"]), whole=st.booleans())
async def test_any_body_changes_or_is_refused(team: Team, body: Any, path: str, whole: bool) -> None:
    listed = (await team.v4.ask("GET", "/events?limit=1")).json["data"]
    event = listed[0] if listed else await team.event("ada")
    if whole and isinstance(body, dict):
        times = {"start_time": "2022-11-01 08:00", "end_time": "2022-11-01 17:00", "action_time": at(1)}
        body = times | {"layer": 1, "time_zone": "Arizona", "account_user_ids": team.users("ada")} | body
    method = "POST" if path else "PUT"
    assert_in_order(await send(team, method, f"/events/{event['id']}{path}?dry_run=1", body))
    assert_in_order(await send(team, method, f"/events/{event['id']}{path}", body))


@_OFTEN
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from([*FIELDS, "limit", "page", "offset", "ops", "sort", "direction", "start", "end", "at"])
            | st.sampled_from(["dry_run", "format", "restore", "role", "start[]", "ops[a]"]),
            st.sampled_from([
                "",
                "1",
                "-1",
                "x",
                "true",
                at(1),
                at(9),
                "%00",
                "1..2",
                "layer:gt",
                "start",
                "asc",
                "csv",
            ]),
        ),
        max_size=6,
    ),
    path=st.sampled_from(["/events", "events", "window_events", "current_oncall", "coverage", "coverage.csv"]),
)
async def test_any_question_is_answered_or_refused(team: Team, pairs: list[tuple[str, str]], path: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    below = path if path.startswith("/") else f"/schedules/{team.schedule_id}/{path}"
    assert_in_order(await team.v4.ask("GET", f"{below}?{query}"))


async def send(team: Team, method: str, path: str, body: Any) -> Answer:
    return await team.v4.api.ask(
        method, f"/api/v4{path}", data=json.dumps(body), headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize(
    ("different", "said"),
    [
        ({"end_datetime": at(1)}, ["end_datetime must be later than the start"]),
        ({"layer": 0}, ["layer should be a whole number from 1 to 2147483647"]),
        ({"layer": "first"}, ["layer should be a whole number from 1 to 2147483647"]),
        ({"time_zone": "Phoenix"}, ["time_zone is not one to choose from: 'Phoenix'"]),
        ({"repeat": "perhaps"}, ["repeat should be true or false"]),
        ({"frequency": 0}, ["frequency should be a whole number"]),
        ({"frequency_unit": "fortnightly"}, ["frequency_unit should be one of"]),
        ({"frequency": None, "frequency_unit": ""}, ["frequency can't be", "frequency_unit can't be"]),
        ({"repeat": False, "rotation": True}, ["rotation needs repeat to be true"]),
        ({"days_of_week": [7, 1]}, ["days_of_week[0] should be a whole number from 0 to 6"]),
        ({"days_of_week": [1, 1]}, ["days_of_week should have no item twice"]),
        ({"frequency": 7, "days_of_week": [3]}, ["days_of_week is never met: every 7 days from a Tuesday"]),
        ({"repeat_end_datetime": "2022-10-31"}, ["repeat_end_datetime must not be before the day of the start"]),
        ({"start_datetime": "soon"}, ["start_datetime should be an ISO 8601 time"]),
        ({"start_datetime": 7}, ["start_datetime should be a string"]),
        ({"start_datetime": "2022-02-30 10:00"}, ["start_datetime is not a date that exists"]),
        ({"start_datetime": "1969-12-31 10:00"}, ["start_datetime should lie in the years 1970 to 2999"]),
        ({"start_time": at(2)}, ["start_datetime and start_time are two names of one time"]),
        ({"account_user_ids": []}, ["account_user_ids can't be blank"]),
        ({"account_user_ids": None}, ["account_user_ids can't be blank"]),
        ({"schedule_ids": ["a", "b"]}, ["schedule_ids has a, which is no schedule", "schedule_ids has b, which is no"]),
        ({"parent_id": "evt_nobody"}, ["parent_id is evt_nobody, which is no on-call event of yours"]),
        ({"exceptions": [at(1, 5)]}, ["exceptions should be starts of occurrences, and 2022-11-01 05:00 is none;"]),
        ({"meta": [1]}, ["meta should be a JSON object"]),
    ],
)
async def test_each_fault_is_named(team: Team, different: dict[str, Any], said: list[str]) -> None:
    body = DAILY | {"account_user_ids": team.users("ada"), "schedule_ids": []} | different
    event = await team.event("ada")
    for method, path in (("POST", "/events"), ("PUT", f"/events/{event['id']}")):
        answer = await send(team, method, path, body)
        assert answer.status == 422, answer.text
        told = problems(answer)
        assert [one[: len(begin)] for one, begin in zip(told, said, strict=True)] == said
    assert await team.shown(event["id"]) == event


async def test_everything_is_told_at_once(team: Team) -> None:
    body = NIGHTS | {
        "start_datetime": at(2),
        "end_datetime": at(1),
        "layer": -1,
        "repeat": True,
        "frequency_unit": "daily",
        "days_of_week": [9],
        "account_user_ids": ["usr_stranger", team.people["ada"]],
        "schedule_ids": ["nowhere"],
        "parent_id": "none",
    }
    answer = await send(team, "POST", "/events", body)

    assert answer.status == 422
    assert [one.split(" ")[0] for one in problems(answer)] == [
        "layer", "days_of_week[0]", "account_user_ids", "schedule_ids", "parent_id", "frequency", "end_datetime",
    ]  # fmt: skip


async def test_the_name_that_was_sent_is_the_name_that_is_told(team: Team) -> None:
    body = {"start_time": at(2), "end_time": at(1), "layer": 1, "time_zone": "Arizona"}
    answer = await send(team, "POST", "/events", body | {"account_user_ids": team.users("ada")})

    assert problems(answer) == ["end_time must be later than the start"]


async def test_what_is_not_json_or_nothing_is_a_400(team: Team) -> None:
    for data in (b"", b"{", b"[]", b"1"):
        headers = {"Content-Type": "application/json"}
        answer = await team.v4.api.ask("POST", "/api/v4/events", data=data, headers=headers)
        assert (answer.status, len(problems(answer))) == (400, 1)


async def test_anothers_things_are_not_there(team: Team) -> None:
    event = await team.event("ada")
    stranger = await Team.of(await team.v4.other(), "eve")
    for method, path, body in (
        ("GET", f"/events/{event['id']}", None),
        ("GET", f"/events/{event['prefix_id']}", None),
        ("PUT", f"/events/{event['id']}", {"layer": 2}),
        ("DELETE", f"/events/{event['id']}", None),
        ("POST", f"/events/{event['id']}/add_exception", {"action_time": at(1)}),
        ("POST", f"/events/{event['id']}/terminate_on", {"action_time": at(1)}),
        ("GET", f"/events/{event['id']}/occurrences?start={at(1)}&end={at(2)}", None),
        ("GET", f"/schedules/{team.schedule_id}/events", None),
        ("GET", f"/schedules/{team.schedule_id}/window_events?start={at(1)}&end={at(2)}", None),
        ("GET", f"/schedules/{team.schedule_id}/current_oncall", None),
        ("GET", f"/schedules/{team.schedule_id}/coverage?start={at(1)}&end={at(2)}", None),
        ("DELETE", f"/schedules/{team.schedule_id}/flush", None),
        ("GET", f"/events/{quote('../secrets', safe='')}", None),
    ):
        assert (await stranger.v4.ask(method, path, body)).status == 404, (method, path)
    body = DAILY | {"account_user_ids": team.users("ada"), "schedule_ids": [team.schedule_id], "parent_id": event["id"]}
    answer = await stranger.v4.ask("POST", "/events", body)
    assert [one.split(" ")[0] for one in problems(answer)] == ["account_user_ids", "schedule_ids", "parent_id"]
    assert await team.shown(event["id"]) == event
