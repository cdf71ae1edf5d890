"""Who is on call in a window, at an instant, and in one event; and what bounds each."""

from __future__ import annotations

import asyncio

import pytest

from api_service.keys import WINDOWS
from api_service.store.database import Database
from api_service.store.oncall import events
from tests.integration.api.oncall.calendar import WEEK, Team, at
from tests.integration.api.oncall.stage import V4, problems


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben")


async def test_a_shift_is_shown_field_by_field(team: Team) -> None:
    event = await team.event("ada", "ben", rotation=True, time_zone="America/Phoenix")
    path = f"/schedules/{team.schedule_id}"
    shift = {
        "event_id": event["id"],
        "parent_id": None,
        "layer": 1,
        "start_time": at(2),
        "end_time": at(3),
        "time_zone": "America/Phoenix",
        "attendees": [event["event_attendees"][1]],
    }

    for asked in (
        f"{path}/window_events?start={at(2)}&end={at(3)}",
        f"{path}/current_oncall?at={at(2)}",
        f"{path}/current_oncall?at=2022-11-02T23:59:59.999-07:00",
        f"/events/{event['prefix_id']}/occurrences?start=2022-11-02T07:00&end=2022-11-03+07:00",
    ):
        answer = await team.v4.ask("GET", asked)
        assert (answer.status, answer.json) == (200, [shift])


async def test_at_the_handover_only_the_next_person_is_on_call(team: Team) -> None:
    await team.event("ada", "ben", rotation=True)
    answer = await team.v4.ask("GET", f"/schedules/{team.schedule_id}/current_oncall?at={at(2)}")

    assert [team.names[who["attendee_id"]] for one in answer.json for who in one["attendees"]] == ["ben"]


async def test_now_is_asked_where_no_instant_is_named(team: Team) -> None:
    await team.event("ada", start_datetime="2030-03-17 10:00", end_datetime="2030-03-17 11:00")
    path = f"/schedules/{team.schedule_id}/current_oncall"

    assert len((await team.v4.ask("GET", path)).json) == 1
    team.v4.api.clock.moment += 3_600_000
    assert (await team.v4.ask("GET", path)).json == []


async def test_everybody_without_a_rotation_is_on_call_together_and_layers_are_in_order(team: Team) -> None:
    await team.event("ben", layer=2)
    await team.event("ada", "ben", frequency_unit="weekly")

    assert (await team.window())[:2] == [(at(1), at(2), "ada+ben"), (at(1), at(2), "ben")]


async def test_an_event_may_be_on_several_schedules_or_on_none(team: Team) -> None:
    other = await team.v4.schedule(name="Other")
    both = await team.event("ada", schedule_ids=[team.schedule_id, other["id"], other["prefix_id"]])
    none = await team.event("ada", schedule_ids=[])
    for schedule_id in (team.schedule_id, other["id"]):
        listed = (await team.v4.ask("GET", f"/schedules/{schedule_id}/events")).json
        assert (listed["total_count"], listed["has_more"], listed["data"]) == (1, False, [both])
        assert len((await team.v4.ask("GET", f"/schedules/{schedule_id}/window_events?{WEEK}")).json) == 7

    assert none["schedule_ids"] == []
    assert len((await team.v4.ask("GET", f"/events/{none['id']}/occurrences?{WEEK}")).json) == 7


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", ["start can't be blank", "end can't be blank"]),
        ("start=yesterday&end=x", ["start should be an ISO 8601 time", "end should be an ISO 8601 time"]),
        (f"start={at(2)}&end={at(2)}", ["end should be after start"]),
        ("start=2022-01-01&end=2023-03-01", ["end should be at most 400 days after start"]),
        ("start=2022-01-01&start=2022-01-02&end=2022-03-01", ["start should be given once, as a time"]),
        ("start=1969-12-31&end=3000-01-01", ["start should lie in the years", "end should lie in the years"]),
    ],
)
async def test_a_window_that_cannot_be_is_refused(team: Team, query: str, said: list[str]) -> None:
    event = await team.event("ada")
    for path in (
        f"/schedules/{team.schedule_id}/window_events",
        f"/schedules/{team.schedule_id}/coverage",
        f"/events/{event['id']}/occurrences",
    ):
        answer = await team.v4.ask("GET", f"{path}?{query}")
        assert answer.status == 422
        told = problems(answer)
        assert len(told) == len(said)
        assert all(one.startswith(begin) for one, begin in zip(told, said, strict=True))
    assert (await team.v4.ask("GET", f"/schedules/{team.schedule_id}/current_oncall?at=noon")).status == 422


async def test_a_window_with_too_many_occurrences_names_the_limit(team: Team) -> None:
    hourly = {"frequency_unit": "hourly", "end_datetime": at(1, 1)}
    for _ in range(3):
        await team.event("ada", **hourly)
    year = "start=2022-11-01T00:00:00-07:00&end=2023-10-01T00:00:00-07:00"
    said = ["start and end have more than 20000 occurrences between them; ask for a shorter window"]
    for path in ("window_events", "coverage"):
        answer = await team.v4.ask("GET", f"/schedules/{team.schedule_id}/{path}?{year}")
        assert (answer.status, problems(answer)) == (422, said)
    tried = await team.v4.ask("DELETE", f"/schedules/{team.schedule_id}/flush?dry_run=true&{year}")
    assert (tried.status, problems(tried)) == (422, said)
    assert len(await team.window()) == 3 * 7 * 24


async def test_long_windows_take_turns_and_short_ones_do_not_wait(team: Team) -> None:
    event = await team.event("ada", frequency_unit="hourly", end_datetime=at(1, 1))
    path = f"/events/{event['id']}/occurrences"
    turn = team.v4.api.client.app[WINDOWS]
    async with turn, asyncio.TaskGroup() as tasks:
        long = tasks.create_task(team.v4.ask("GET", f"{path}?start={at(1)}&end=2023-03-01"))
        short = await team.v4.ask("GET", f"{path}?{WEEK}")
        assert not long.done()
        turn.release()
        whole = await long
        await turn.acquire()

    assert (len(short.json), len(whole.json)) == (7 * 24, 120 * 24 - 7)


async def test_whatever_is_remembered_is_not_what_was(team: Team) -> None:
    """Each change is seen at once by a window that was asked just before it."""
    event = await team.event("ada")
    other = await team.v4.schedule(name="Other")
    both = {"schedule_ids": [team.schedule_id, other["id"]]}
    seen = [await team.window()]
    for method, path, body in (
        ("PUT", f"/events/{event['id']}", {"account_user_ids": team.users("ben")}),
        ("POST", f"/events/{event['id']}/add_exception", {"action_time": at(2)}),
        ("PUT", f"/events/{event['id']}", {"exceptions": [at(3)]}),
        ("POST", f"/events/{event['id']}/terminate_on", {"action_time": at(5)}),
        ("PUT", f"/events/{event['id']}", both),
        ("DELETE", f"/schedules/{other['id']}/flush", None),
        ("DELETE", f"/schedules/{team.schedule_id}/flush", None),
    ):
        assert (await team.v4.ask(method, path, body)).status in {200, 204}
        seen.append(await team.window())

    lengths, names = [len(one) for one in seen], [{name for _, _, name in one} for one in seen]
    assert lengths == [7, 7, 6, 6, 3, 3, 3, 0]
    assert names == [{"ada"}, *[{"ben"}] * 6, set()]


async def test_flushing_leaves_what_is_on_another_schedule(team: Team, database: Database) -> None:
    other = await team.v4.schedule(name="Other")
    here = await team.event("ada")
    await team.override(here["id"], "ben", "2022-11-02 08:00", "2022-11-02 10:00", at(2))
    both = await team.event("ben", schedule_ids=[team.schedule_id, other["id"]])
    assert len(await team.window()) == 16  # so that all of it is remembered
    assert (await team.v4.ask("DELETE", f"/schedules/{team.schedule_id}/flush")).status == 204

    assert await team.window() == []
    assert await team.shown(both["id"]) == both | {"schedule_ids": [other["id"]]}
    async with database.moment() as c:
        application_id = await c.fetchval("select application_id from schedule where schedule_id = $1", other["id"])
        (kept,) = await events.of_schedules(c, application_id, [other["id"]])
    assert kept.schedule_ids == (other["id"],)
    assert (await team.v4.ask("GET", "/events")).json["total_count"] == 1
    assert (await team.v4.ask("GET", f"/events/{here['id']}")).status == 404


async def test_lists_are_filtered_by_any_attribute(team: Team) -> None:
    clock = team.v4.api.clock
    first = await team.event("ada", layer=1)
    clock.moment += 1
    second = await team.event("ben", layer=2, repeat=False)
    clock.moment += 1
    third = await team.event("ada", "ben", layer=3, parent_id=first["id"], rotation=True, days_of_week=[2, 4])
    by = {first["id"]: 1, second["id"]: 2, third["id"]: 3}
    for query, expected in (
        ("", [3, 2, 1]),
        ("layer=2", [2]),
        ("layer=2&ops=layer:gte&sort=layer&direction=asc", [2, 3]),
        (f"parent_id={first['prefix_id']}", [3]),
        ("parent_id=", [2, 1]),
        ("repeat=false", [2]),
        ("rotation=1", [3]),
        ("days_of_week=4", [3]),
        ("frequency_unit=daily&ops=frequency_unit:beginsWith", [3, 2, 1]),
        (f"account_user_ids={team.people['ben']}", [3, 2]),
        (f"schedule_ids={team.schedule_id}&limit=1", [3]),
        ("start_datetime=2022-11-01T07:00:00Z", [3, 2, 1]),
        ("start_time=2022-11-01..2022-11-01T06:59&ops=start_time:between", []),
        ("role=", []),
        ("repeat_end_datetime=", [3, 2, 1]),
        ("limit=1&page=2&sort=tiny_id", [2]),
    ):
        for path in ("/events", f"/schedules/{team.schedule_id}/events"):
            answer = await team.v4.ask("GET", f"{path}?{query}")
            assert answer.status == 200, answer.text
            assert (query, [by[one["id"]] for one in answer.json["data"]]) == (query, expected)
