"""Whatever is done one after the other, a trial foretold it: hour by hour, by person and layer, gap by gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.oncall.calendar import NIGHTS, WEEK, Team
from tests.integration.api.oncall.stage import V4
from tests.integration.api.stage import Answer

Hour: TypeAlias = tuple[str, int, datetime]  # of somebody in a layer

ONE = timedelta(hours=1)
FIRST, LAST = datetime(2022, 11, 1, 7, tzinfo=UTC), datetime(2022, 11, 8, 7, tzinfo=UTC)
PEOPLE = ("ada", "ben", "cleo")
STEPS = st.lists(
    st.fixed_dictionaries({
        "what": st.sampled_from([
            "create", "override", "override", "override", "except", "terminate", "restore", "restore", "delete",
            "attendees", "move", "layer", "exceptions", "repeat",
        ]),
        "event": st.integers(0, 9),
        "occurrence": st.integers(0, 9),
        "after": st.integers(-6, 30),
        "hours": st.integers(1, 60),
        "who": st.integers(0, 2),
    }),
    min_size=2,
    max_size=10,
)  # fmt: skip


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, *PEOPLE)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
async def test_a_trial_foretells_every_hour(team: Team, steps: list[dict[str, Any]]) -> None:
    await team.v4.ask("DELETE", f"/schedules/{team.schedule_id}/flush")
    await team.event("ada", "ben", rotation=True)
    for step in steps:
        asked = await wish(team, **step)
        if asked is not None:
            await foretold(team, *asked)
    await covered(team)


async def foretold(team: Team, method: str, path: str, body: Any) -> None:
    """The change does what its trial said, or is refused as its trial was; and the trial changes nothing."""
    before, listed = await grid(team), await listing(team)
    trial = await team.v4.ask(method, f"{path}{'&' if '?' in path else '?'}dry_run=true&{WEEK}", body)
    assert await listing(team) == listed
    done = await team.v4.ask(method, path, body)
    assert (done.status < 300) == (trial.status == 200), (trial.text, done.text)
    assert done.status < 500
    if trial.status != 200:
        assert done.text == trial.text
        return

    after, said = await grid(team), trial.json["difference"]
    assert hours_of(said["gains"]) == after - before
    assert hours_of(said["loses"]) == before - after
    covers, covered_before = ({hour[1:] for hour in these} for these in (after, before))
    assert {hour[1:] for hour in hours_of(said["gaps_opened"])} == covered_before - covers
    assert {hour[1:] for hour in hours_of(said["gaps_closed"])} == covers - covered_before
    net = Counter(who for who, _, _ in after - before)
    net.subtract(who for who, _, _ in before - after)
    assert said["hours"] == {who: hours for who, hours in net.items() if who in said["hours"]}
    assert all(hours == 0 or who in said["hours"] for who, hours in net.items())


async def covered(team: Team) -> None:
    """Coverage, who is on call at each instant, and the window tell the same."""
    there = await grid(team)
    coverage = (await team.v4.ask("GET", f"/schedules/{team.schedule_id}/coverage?{WEEK}")).json
    people = coverage["people"]
    told = {(one["account_user_id"], each["layer"]): each["hours"] for one in people for each in one["layers"]}
    assert told == Counter((who, layer) for who, layer, _ in there)
    for layer in coverage["layers"]:
        hours = {hour for _, number, hour in there if number == layer["layer"]}
        assert (layer["covered_hours"], layer["gap_hours"]) == (len(hours), 7 * 24 - len(hours))
    for moment in (FIRST, FIRST + 31 * ONE, FIRST + 100 * ONE):
        path = f"/schedules/{team.schedule_id}/current_oncall?at={moment.isoformat().replace('+', '%2B')}"
        shifts = (await asked(team, path)).json
        now = {(who["attendee_id"], one["layer"], moment) for one in shifts for who in one["attendees"]}
        assert now == {hour for hour in there if hour[2] == moment}


async def wish(team: Team, *, what: str, event: int, **how: int) -> tuple[str, str, Any] | None:
    """A request of this kind about one of the events, where there is any that it could be about."""
    if what == "create":
        body = NIGHTS | {"schedule_ids": [team.schedule_id], "account_user_ids": team.users(PEOPLE[how["who"]])}
        return "POST", "/events", body | {"layer": 1 + how["occurrence"] % 2}
    events = (await asked(team, "/events?limit=100&sort=tiny_id")).json["data"]
    events = [one for one in events if what != "restore" or one["role"] == "override"]
    if not events:
        return None
    chosen = events[event % len(events)]
    path = f"/events/{chosen['id']}"
    if what in {"restore", "delete"}:
        return "DELETE", f"{path}?restore={str(what == 'restore').lower()}", None
    if what in {"attendees", "move", "layer", "exceptions", "repeat"}:
        return "PUT", path, change(team, chosen, what, **how)
    return await wish_of_occurrence(team, chosen, what, **how)


async def wish_of_occurrence(
    team: Team, chosen: Mapping[str, Any], what: str, **how: int
) -> tuple[str, str, Any] | None:
    path = f"/events/{chosen['id']}"
    occurrences = (await asked(team, f"{path}/occurrences?{WEEK}")).json
    if not occurrences:
        return None
    action = occurrences[how["occurrence"] % len(occurrences)]["start_time"]
    if what in {"except", "terminate"}:
        return "POST", f"{path}/{'add_exception' if what == 'except' else 'terminate_on'}", {"action_time": action}
    start = datetime.fromisoformat(action) + how["after"] * ONE
    body = {
        "start_time": f"{start:%Y-%m-%d %H:%M}",
        "end_time": f"{start + how['hours'] * ONE:%Y-%m-%d %H:%M}",
        "layer": chosen["layer"],
        "time_zone": "Arizona",
        "account_user_ids": team.users(PEOPLE[how["who"]]),
        "action_time": action,
    }
    return "POST", f"{path}/override", body


def change(team: Team, chosen: Mapping[str, Any], what: str, **how: int) -> dict[str, Any]:
    """What is to be different of an event."""
    start, end = (datetime.fromisoformat(chosen[name]) for name in ("start_time", "end_time"))
    by = how["after"] * ONE
    changes: dict[str, dict[str, Any]] = {
        "attendees": {"account_user_ids": team.users(*PEOPLE[how["who"] :])},
        "move": {"start_time": (start + by).isoformat(), "end_time": (end + by).isoformat()},
        "layer": {"layer": 1 + how["occurrence"] % 2},
        "exceptions": {"exceptions": [one["start_datetime"] for one in chosen["exceptions"]][: how["who"]]},
        "repeat": {"repeat": True, "rotation": False, "frequency": 1 + how["who"], "frequency_unit": "daily"},
    }
    return changes[what]


async def grid(team: Team) -> set[Hour]:
    """Who is on call in which layer, hour by hour."""
    shifts = (await asked(team, f"/schedules/{team.schedule_id}/window_events?{WEEK}")).json
    return {
        hour
        for shift in shifts
        for who in shift["attendees"]
        for hour in hours_of([shift | {"account_user_id": who["attendee_id"]}])
    }


def hours_of(spans: Iterable[Mapping[str, Any]]) -> set[Hour]:
    """The hours of the week that lie in these spans."""
    found: set[Hour] = set()
    for span in spans:
        start, end = (datetime.fromisoformat(span[name]).astimezone(UTC) for name in ("start_time", "end_time"))
        moment, end = max(start, FIRST), min(end, LAST)
        while moment < end:
            found.add((span.get("account_user_id", ""), span["layer"], moment))
            moment += ONE
    return found


async def listing(team: Team) -> str:
    return (await asked(team, "/events?limit=100&sort=tiny_id")).text


async def asked(team: Team, path: str) -> Answer:
    answer = await team.v4.ask("GET", path)
    assert answer.status == 200, answer.text
    return answer
