"""Whoever changes something on call, it is noted: each wish once, in its transaction, without what is somebody's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from api_service.store.database import Database
from tests.integration.api.oncall.calendar import DAILY, Team, at
from tests.integration.api.oncall.stage import ADA, CORE, V4
from tests.integration.api.stage import Answer, StandingClock
from tests.integration.api.test_changes import UNKNOWN, key_id, log_of

SECRET = "hunter2-correct-horse"
OVERRIDE: dict[str, Any] = {
    "start_time": "2022-11-02 06:00",
    "end_time": "2022-11-02 18:00",
    "layer": 1,
    "time_zone": "Arizona",
    "action_time": at(2),
}
REFUSE = """
    create function refuse() returns trigger language plpgsql as
    $$ begin raise exception using errcode = 'serialization_failure'; end $$
"""
REFUSED = """
    create constraint trigger refused after insert or update or delete on {table}
    deferrable initially deferred for each row execute function refuse()
"""
URL = "https://receiver.example/oncall"


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben", "dee")


async def told(v4: V4, raw: str = "") -> list[tuple[str, str]]:
    """What was done to what, oldest first, without the keys."""
    rows = await log_of(v4.api, raw)
    return [(row["action"], row["objectId"]) for row in reversed(rows) if row["objectId"] is not None]


async def last(v4: V4, object_id: str) -> tuple[str, list[dict[str, Any]]]:
    """What was done last to this, and what it made different."""
    row = (await log_of(v4.api, f"objectId={object_id}"))[0]
    return row["action"], row["fields"]


async def done(v4: V4, clock: StandingClock, method: str, path: str, body: Any = None) -> Answer:
    """What came of a request that comes a millisecond after the one before."""
    clock.moment += 1
    answer = await v4.ask(method, path, body)
    assert answer.status in {200, 201, 204}, answer.text
    return answer


async def test_each_wish_is_noted_once_with_who_and_when(v4: V4, clock: StandingClock) -> None:
    expected: list[tuple[str, str, str]] = []

    async def ask(action: str, method: str, path: str, body: Any = None, of: str | None = None) -> Any:
        answer = await done(v4, clock, method, path, body)
        expected.append((action, of or answer.json["id"], answer.headers["X-Request-Id"]))
        return answer.json

    ada = (await ask("accountUserCreated", "POST", "/account_users", ADA))["id"]
    ben = (await ask("accountUserCreated", "POST", "/account_users", ADA))["id"]
    core = (await ask("scheduleCreated", "POST", "/schedules", CORE))["id"]
    token = (await ask("feedTokenCreated", "POST", f"/schedules/{core}/feed_tokens"))["id"]
    body = DAILY | {"account_user_ids": [ada], "schedule_ids": [core]}
    series = (await ask("oncallEventCreated", "POST", "/events", body))["id"]
    await ask("oncallEventChanged", "PUT", f"/events/{series}", {"layer": 2})
    instead = OVERRIDE | {"account_user_ids": [ben]}
    first = (await ask("oncallEventOverridden", "POST", f"/events/{series}/override", instead, series))["id"]
    await ask("oncallEventRestored", "DELETE", f"/events/{first}?restore=true", None, first)
    second = (await ask("oncallEventOverridden", "POST", f"/events/{series}/override", instead, series))["id"]
    await ask("oncallEventDeleted", "DELETE", f"/events/{second}", None, second)
    await ask("oncallEventExcepted", "POST", f"/events/{series}/add_exception", {"action_time": at(4)}, series)
    await ask("oncallEventTerminated", "POST", f"/events/{series}/terminate_on", {"action_time": at(6)}, series)
    await ask("scheduleChanged", "PUT", f"/schedules/{core}", {"time_zone": "UTC"})
    await ask("feedTokenRevoked", "DELETE", f"/schedules/{core}/feed_tokens/{token}", None, token)
    await ask("scheduleFlushed", "DELETE", f"/schedules/{core}/flush", None, core)
    await ask("scheduleDeleted", "DELETE", f"/schedules/{core}", None, core)
    await ask("accountUserChanged", "PUT", f"/account_users/{ada}", {"time_zone": "UTC"})
    await ask("accountUserDeleted", "DELETE", f"/account_users/{ada}", None, ada)

    rows = [row for row in reversed(await log_of(v4.api)) if row["objectId"] is not None]
    assert [(row["action"], row["objectId"], row["requestId"]) for row in rows] == expected
    assert {row["keyId"] for row in rows} == {await key_id(v4.api)}
    assert {row["eventId"] for row in rows} == {row["affectedKeyId"] for row in rows} == {None}
    assert [row["changedDate"][-5:] for row in rows] == [f".{moment:03}Z" for moment in range(1, len(expected) + 1)]


async def test_it_is_said_what_is_different(team: Team, clock: StandingClock) -> None:
    v4, core = team.v4, team.schedule_id
    series = (await team.event("ada"))["id"]
    assert await last(v4, series) == ("oncallEventCreated", [])

    different = {"start_datetime": at(1, 1), "layer": 2, "account_user_ids": team.users("ben", "ada"), "rotation": True}
    await done(v4, clock, "PUT", f"/events/{series}", different)
    assert await last(v4, series) == (
        "oncallEventChanged",
        [
            {"name": "start_datetime", "from": at(1), "to": at(1, 1)},
            {"name": "layer", "from": 1, "to": 2},
            {"name": "rotation", "from": False, "to": True},
            {"name": "account_user_ids", "from": team.users("ada"), "to": team.users("ben", "ada")},
        ],
    )
    body = OVERRIDE | {"account_user_ids": team.users("dee"), "action_time": at(2, 1)}
    override = (await done(v4, clock, "POST", f"/events/{series}/override", body)).json["id"]
    assert await last(v4, series) == (
        "oncallEventOverridden",
        [
            {"name": "override_id", "from": None, "to": override},
            {"name": "start_time", "from": None, "to": at(2, 6)},
            {"name": "end_time", "from": None, "to": at(2, 18)},
            {"name": "layer", "from": None, "to": 1},
            {"name": "time_zone", "from": None, "to": "Arizona"},
            {"name": "account_user_ids", "from": None, "to": team.users("dee")},
            {"name": "exceptions", "from": [], "to": [at(2, 1)]},
        ],
    )
    await done(v4, clock, "POST", f"/events/{series}/add_exception", {"action_time": at(4, 1)})
    came = {"name": "exceptions", "from": [], "to": [at(4, 1)]}
    assert await last(v4, series) == ("oncallEventExcepted", [came])
    await done(v4, clock, "DELETE", f"/events/{override}?restore=true")
    assert await last(v4, override) == ("oncallEventRestored", [{"name": "parent_id", "from": series, "to": None}])
    await done(v4, clock, "POST", f"/events/{series}/terminate_on", {"action_time": at(6, 1)})
    ended = {"name": "terminated_on", "from": None, "to": at(6, 1)}
    assert await last(v4, series) == ("oncallEventTerminated", [ended])

    await done(v4, clock, "PUT", f"/schedules/{core}", {"name": "Edge", "time_zone": "UTC"})
    assert await last(v4, core) == (
        "scheduleChanged",
        [{"name": "name", "from": "Core", "to": "Edge"}, {"name": "time_zone", "from": "Arizona", "to": "UTC"}],
    )
    await done(v4, clock, "DELETE", f"/schedules/{core}/flush")
    assert await last(v4, core) == ("scheduleFlushed", [{"name": "events", "from": 1, "to": 0}])


async def test_what_is_somebodys_is_not_in_the_log(v4: V4, database: Database) -> None:
    secret: dict[str, Any] = {"meta": {"s": SECRET}}
    person = {"name": f"Ada {SECRET}", "email": f"{SECRET}@example.com", **secret}
    ada, core = (await v4.person(**person))["id"], (await v4.schedule(**secret))["id"]
    series = (await v4.made("/events", DAILY | {"account_user_ids": [ada], "schedule_ids": [core]} | secret))["id"]
    tokens = [await v4.made(f"{path}/feed_tokens", {}) for path in (f"/schedules/{core}", f"/account_users/{ada}")]
    another = {"name": f"Countess {SECRET}", "email": f"c.{SECRET}@example.com", "meta": {"t": SECRET}}
    for path, body, names in (
        (f"/account_users/{ada}", another | {"time_zone": "UTC"}, ["time_zone", "name", "email", "meta"]),
        (f"/schedules/{core}", {"meta": {"t": SECRET}}, ["meta"]),
        (f"/events/{series}", {"meta": {"t": SECRET}}, ["meta"]),
        (f"/events/{series}", {"meta": {"t": 1}}, ["meta"]),
        (f"/events/{series}", {"meta": {"t": True}}, ["meta"]),
    ):
        v4.api.clock.moment += 1
        assert (await v4.ask("PUT", path, body)).status == 200
        _, fields = await last(v4, path.rpartition("/")[2])
        assert [field["name"] for field in fields] == names
        assert all(("from" in field) == (field["name"] == "time_zone") for field in fields)

    for token, of in zip(tokens, ({"schedule_id": core}, {"account_user_id": ada}), strict=True):
        ((name, whose),) = of.items()
        assert await last(v4, token["id"]) == ("feedTokenCreated", [{"name": name, "from": None, "to": whose}])
    async with database.connection() as c:
        stored = await c.fetchval("select json_agg(oncall_change_log)::text from oncall_change_log")
    assert series in stored
    for value in (SECRET, *(token["url"].rpartition("=")[2] for token in tokens)):
        assert value
        assert value not in stored


async def test_what_changes_nothing_is_not_noted(team: Team) -> None:
    v4, core, ada = team.v4, team.schedule_id, team.people["ada"]
    series = await team.event("ada")
    event, taken = f"/events/{series['id']}", OVERRIDE | {"account_user_ids": team.users("dee")}
    for verb, sent in (
        ("override", taken),
        ("add_exception", {"action_time": at(3)}),
        ("terminate_on", {"action_time": at(6)}),
    ):
        assert (await v4.ask("POST", f"{event}/{verb}", sent)).status in {200, 201}
    before = await told(v4)

    for method, path, body, status in (
        ("PUT", event, {"layer": 1}, 200),
        ("PUT", f"/schedules/{core}", {"name": "Core"}, 200),
        ("PUT", f"/account_users/{ada}", {"name": "ada"}, 200),
        ("POST", f"{event}/add_exception", {"action_time": at(3)}, 200),
        ("POST", f"{event}/terminate_on", {"action_time": at(6)}, 200),
        ("DELETE", f"/schedules/{(await v4.schedule())['id']}/flush", None, 204),
        ("POST", f"{event}/override", taken, 409),
        ("POST", f"{event}/override", taken | {"action_time": at(9)}, 422),
        ("POST", f"{event}/add_exception", {"action_time": at(9)}, 422),
        ("DELETE", f"{event}?restore=true", None, 422),
        ("DELETE", f"/account_users/{ada}", None, 409),
        ("DELETE", f"/schedules/{core}/feed_tokens/{UNKNOWN}", None, 404),
        ("PUT", event, {"layer": 0}, 422),
        ("POST", "/account_users", {}, 422),
    ):
        assert (await v4.ask(method, path, body)).status == status, (method, path, body)
    assert (await v4.ask("DELETE", event, headers={"If-Match": '"1234567"'})).status == 412
    created, *others = sorted(set(await told(v4)) - set(before))
    assert (created[0], others) == ("scheduleCreated", [])
    assert len(await told(v4)) == len(before) + 1


async def test_trying_notes_nothing(team: Team) -> None:
    v4, core = team.v4, team.schedule_id
    series = await team.event("ada")
    event, before = f"/events/{series['id']}", await told(v4)

    for method, path, body in (
        ("POST", "/events", DAILY | {"account_user_ids": team.users("ada")}),
        ("PUT", event, {"layer": 2}),
        ("POST", f"{event}/override", OVERRIDE | {"account_user_ids": team.users("dee")}),
        ("POST", f"{event}/add_exception", {"action_time": at(3)}),
        ("POST", f"{event}/terminate_on", {"action_time": at(6)}),
        ("DELETE", event, None),
        ("DELETE", f"/schedules/{core}/flush", None),
        ("DELETE", f"/schedules/{core}", None),
    ):
        answer = await v4.ask(method, f"{path}?dry_run=true", body)
        assert (answer.status, answer.json["dry_run"]) == (200, True)
    assert await told(v4) == before


@pytest.fixture(params=["the note", "what is noted"])
async def refusing(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """From when it is called, a transaction that wrote this is refused when it has done all else and is to commit."""
    noted = ("account_user", "schedule", "oncall_event", "oncall_event_exception", "feed_token")
    tables = ("oncall_change_log",) if request.param == "the note" else noted

    async def begin() -> None:
        async with database.connection() as c:
            await c.execute(REFUSE)
            for table in tables:
                await c.execute(REFUSED.format(table=table))

    yield begin
    async with database.connection() as c:
        await c.execute("drop function refuse cascade")


async def test_neither_is_there_without_the_other(
    team: Team, database: Database, refusing: Callable[[], Awaitable[None]]
) -> None:
    v4, core, ada = team.v4, team.schedule_id, team.people["ada"]
    series = await team.event("ada")
    token = (await v4.made(f"/schedules/{core}/feed_tokens", {}))["id"]
    event, before = f"/events/{series['id']}", await told(v4)
    await refusing()
    for method, path, body in (
        ("POST", "/account_users", ADA),
        ("PUT", f"/account_users/{ada}", {"name": "Lady"}),
        ("DELETE", f"/account_users/{team.people['ben']}", None),
        ("POST", "/schedules", CORE),
        ("PUT", f"/schedules/{core}", {"name": "Edge"}),
        ("POST", "/events", DAILY | {"account_user_ids": [ada]}),
        ("PUT", event, {"layer": 2}),
        ("POST", f"{event}/override", OVERRIDE | {"account_user_ids": team.users("dee")}),
        ("POST", f"{event}/add_exception", {"action_time": at(3)}),
        ("POST", f"{event}/terminate_on", {"action_time": at(6)}),
        ("DELETE", event, None),
        ("POST", f"/schedules/{core}/feed_tokens", None),
        ("DELETE", f"/schedules/{core}/feed_tokens/{token}", None),
        ("DELETE", f"/schedules/{core}/flush", None),
        ("DELETE", f"/schedules/{core}", None),
    ):
        assert (await v4.ask(method, path, body)).status >= 500, (method, path)

    assert await told(v4) == before
    assert await team.shown(series["id"]) == series
    for path, count in (("/account_users", 3), ("/schedules", 1), ("/events", 1)):
        assert (await v4.ask("GET", path)).json["total_count"] == count
    tokens = (await v4.ask("GET", f"/schedules/{core}/feed_tokens")).json["data"]
    assert [one["id"] for one in tokens] == [token]


async def test_a_creation_that_is_repeated_is_noted_once(team: Team) -> None:
    v4, series = team.v4, await team.event("ada")
    instead = OVERRIDE | {"account_user_ids": team.users("dee")}
    for path, body in (
        ("/account_users", ADA),
        ("/schedules", CORE),
        ("/events", DAILY | {"account_user_ids": team.users("ada")}),
        (f"/events/{series['id']}/override", instead),
    ):
        before = len(await told(v4))
        answers = [await v4.ask("POST", path, body, headers={"Idempotency-Key": f"once{path}"}) for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 201]
        assert len(await told(v4)) == before + 1


async def test_an_event_that_ends_before_it_begins_is_noted_though_it_is_gone(team: Team, clock: StandingClock) -> None:
    series = (await team.event("ada"))["id"]
    await done(team.v4, clock, "POST", f"/events/{series}/terminate_on", {"action_time": at(1)})

    assert await last(team.v4, series) == ("oncallEventTerminated", [])
    assert (await team.v4.ask("GET", f"/events/{series}")).status == 404


async def test_subscriptions_are_noted_as_events(v4: V4, clock: StandingClock) -> None:
    core = (await v4.schedule())["id"]
    wanted = {"callbackUrl": f"{URL}/{SECRET}", "on": ["shift.started"], "headers": {"X-Token": SECRET}}
    path = f"/schedules/{core}/subscriptions"
    first, second = [(await done(v4, clock, "POST", path, wanted)).json["id"] for _ in range(2)]
    await done(v4, clock, "PUT", f"{path}/{first}", {"on": ["shift.ended"], "callbackUrl": f"{URL}/new"})
    await done(v4, clock, "PUT", f"{path}/{first}", {"on": ["shift.ended"]})
    await done(v4, clock, "DELETE", f"{path}/{first}")
    await done(v4, clock, "DELETE", f"/schedules/{core}")

    rows = await log_of(v4.api, f"eventId={first}")
    assert [(row["action"], row["objectId"]) for row in rows] == [
        ("deleted", None),
        ("changed", None),
        ("created", None),
    ]
    assert rows[1]["fields"] == [
        {"name": "on", "from": ["shift.started"], "to": ["shift.ended"]},
        {"name": "callbackUrl"},
    ]
    assert [row["action"] for row in await log_of(v4.api, f"eventId={second}")] == ["deleted", "created"]
    assert await told(v4, f"objectId={core}") == [("scheduleCreated", core), ("scheduleDeleted", core)]


async def test_filters_are_of_one_object_and_of_actions(team: Team, clock: StandingClock) -> None:
    v4 = team.v4
    series, other = (await team.event("ada"))["id"], (await team.event("ben"))["id"]
    for event in (series, other):
        await done(v4, clock, "PUT", f"/events/{event}", {"layer": 2})
    await done(v4, clock, "PUT", f"/events/{series}", {"layer": 3})

    of = f"objectId={series}"
    assert await told(v4, of) == [
        ("oncallEventCreated", series), ("oncallEventChanged", series), ("oncallEventChanged", series)
    ]  # fmt: skip
    assert await told(v4, f"{of}&action=oncallEventCreated&action=oncallEventDeleted") == [
        ("oncallEventCreated", series)
    ]
    assert await told(v4, "action=oncallEventChanged") == [
        ("oncallEventChanged", series), ("oncallEventChanged", other), ("oncallEventChanged", series)
    ]  # fmt: skip
    first = await v4.api.get(f"/v1/changes?{of}&limit=1")
    second = await v4.api.get(f"/v1/changes?{of}&limit=2&cursor={first.json['meta']['next']}")
    assert [row["fields"] for row in (*first.data, *second.data)] == [
        [{"name": "layer", "from": 2, "to": 3}], [{"name": "layer", "from": 1, "to": 2}], []
    ]  # fmt: skip

    refused = await v4.api.get(f"/v1/changes?eventId={series}&{of}")
    assert refused.message == ["objectId should be left out beside eventId; nothing is done to both"]
    wrong = await v4.api.get("/v1/changes?objectId=evt_1")
    assert (wrong.status, wrong.message[0].split(" ")[0]) == (400, "objectId")


async def test_another_applications_log_is_untouched(team: Team) -> None:
    stranger = await team.v4.other()
    series = await team.event("ada")

    assert (await stranger.ask("PUT", f"/events/{series['id']}", {"layer": 2})).status == 404
    assert await told(stranger) == []
    assert await told(stranger, f"objectId={series['id']}") == []
    assert await told(stranger, "action=oncallEventCreated") == []
    assert await told(team.v4, f"objectId={series['id']}") == [("oncallEventCreated", series["id"])]
