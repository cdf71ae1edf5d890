"""Subscriptions over HTTP, and that whatever changes a schedule changes what its subscriptions are told, at once."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from api_service.store import snapshots, stretches
from api_service.store.database import Database
from api_service.store.stretches import Stretch
from shared.domain import roster as rosters
from shared.domain.firing import SkipReason
from shared.domain.roster import Roster
from shared.domain.timer import BESIDE_ROSTER
from shared.messages.catalogue import Gone, Upserted
from shared.messages.codec import decode_what
from tests.integration.api.oncall.stage import V4, problems
from tests.integration.api.stage import DAY, NOW, Api
from tests.unit.roster.drawn import at

URL = "https://receiver.example/oncall"
WANTED: dict[str, Any] = {"callbackUrl": URL, "on": ["shift.started"]}
SHIFT: dict[str, Any] = {"start_datetime": "2030-03-18 08:00", "end_datetime": "2030-03-18 16:00", "time_zone": "UTC"}


@pytest.fixture
async def schedule(v4: V4) -> dict[str, Any]:
    return await v4.schedule()


async def subscribe(v4: V4, schedule: dict[str, Any], **different: Any) -> dict[str, Any]:
    return await v4.made(f"/schedules/{schedule['id']}/subscriptions", WANTED | different)


async def shift(v4: V4, schedule: dict[str, Any], *people: dict[str, Any], **different: Any) -> dict[str, Any]:
    who = {"account_user_ids": [person["id"] for person in people], "schedule_ids": [schedule["id"]], "layer": 1}
    return await v4.made("/events", SHIFT | who | different)


async def roster_of(database: Database, subscription: dict[str, Any]) -> Roster:
    async with database.connection() as c:
        return rosters.decode(
            await c.fetchval("select roster from subscription where event_id = $1", subscription["id"])
        )


async def told(database: Database, subscription: dict[str, Any]) -> list[Any]:
    """What waits in the outbox about it, in order."""
    async with database.connection() as c:
        shard = await c.fetchval("select shard from event where event_id = $1", subscription["id"])
        rows = await c.fetch("select what from outbox where shard = $1 order by version", shard)
    whats = [decode_what(row["what"]) for row in rows]
    return [what for what in whats if isinstance(what, Upserted) and what.timer.id == subscription["id"]]


async def test_a_subscription_is_made_shown_listed_changed_and_deleted(v4: V4, schedule: dict[str, Any]) -> None:
    made = await subscribe(v4, schedule, on=["shift.starting", "shift.started"], leadTime="PT90M", layers=[2, 1])
    path = f"/schedules/{schedule['prefix_id']}/subscriptions"

    assert made == {
        "id": made["id"],
        "scheduleId": schedule["id"],
        "callbackUrl": URL,
        "on": ["shift.started", "shift.starting"],
        "leadTime": "PT1H30M",
        "layers": [1, 2],
        "eventOwner": None,
        "pausedReason": None,
        "retryPolicy": made["retryPolicy"],
        "timeoutSeconds": 30,
        "misfirePolicy": "all",
        "misfireGraceSeconds": 86_400,
        "headerNames": [],
        "createdDate": "2030-03-17T17:46:40.000Z",
        "updatedDate": "2030-03-17T17:46:40.000Z",
    }
    assert (await v4.ask("GET", f"{path}/{made['id']}")).json == made
    listed = (await v4.ask("GET", path)).json
    assert (listed["data"], listed["total_count"]) == ([made], 1)

    v4.api.clock.moment += 1  # of one moment, what was noted is in any order
    changed = await v4.ask("PUT", f"{path}/{made['id']}", {"on": ["gap.started"], "timeoutSeconds": 5, "layers": []})
    assert (changed.json["on"], changed.json["leadTime"], changed.json["layers"]) == (["gap.started"], None, [])
    assert changed.json["timeoutSeconds"] == 5
    same = await v4.ask(
        "PUT", f"{path}/{made['id']}", {"on": ["gap.started"]}, headers={"If-Match": changed.headers["ETag"]}
    )
    assert same.json == changed.json

    noted = (await v4.api.get(f"/v1/changes?eventId={made['id']}")).data
    fields = {change["action"]: [field["name"] for field in change["fields"]] for change in noted}
    assert fields["created"] == []
    assert fields["changed"] == ["timeoutSeconds", "on", "leadTime", "layers"]

    assert (await v4.ask("DELETE", f"{path}/{made['id']}", headers={"If-Match": '"other"'})).status == 412
    assert (await v4.ask("DELETE", f"{path}/{made['id']}")).status == 204
    assert (await v4.ask("GET", f"{path}/{made['id']}")).status == 404


async def test_a_form_says_what_json_says(v4: V4, schedule: dict[str, Any]) -> None:
    form = (
        "callbackUrl=https%3A%2F%2Fexample.com%2Foncall&on[]=shift.started&on[]=gap.started&layers=2&timeoutSeconds=7"
        "&retryPolicy[maxAttempts]=3&retryPolicy[backoffCoefficient]=1.5&headers[X-Digits]=12"
    )
    answer = await v4.form("POST", f"/schedules/{schedule['id']}/subscriptions", form)

    assert answer.status == 201, answer.text
    assert (answer.json["on"], answer.json["layers"]) == (["shift.started", "gap.started"], [2])
    assert (answer.json["timeoutSeconds"], answer.json["headerNames"]) == (7, ["X-Digits"])
    assert answer.json["retryPolicy"] == {
        "maxAttempts": 3,
        "initialIntervalSeconds": 1,
        "maxIntervalSeconds": 300,
        "backoffCoefficient": 1.5,
    }
    refused = await v4.form("PUT", f"/schedules/{schedule['id']}/subscriptions/{answer.json['id']}", "timeoutSeconds=x")
    assert refused.status == 422


async def test_every_problem_is_told_at_once(v4: V4, schedule: dict[str, Any]) -> None:
    path = f"/schedules/{schedule['id']}/subscriptions"
    answer = await v4.ask("POST", path, {"callbackUrl": "http://localhost/", "on": ["shift.begun"], "leadTime": "1 h"})

    assert answer.status == 422
    assert [problem.split()[0] for problem in problems(answer)] == ["callbackUrl", "on[0]", "leadTime"]
    for wrong, said in (
        ({"on": ["shift.starting"]}, "leadTime can't be blank"),
        ({"leadTime": "PT1H"}, "leadTime belongs to shift.starting"),
        ({"on": ["shift.starting"], "leadTime": "P31D"}, "leadTime should be longer than nothing and at most 30 days"),
        ({"on": ["shift.starting"], "leadTime": "P1M"}, "leadTime should be an ISO 8601 duration"),
        ({"on": []}, "on can't be blank"),
    ):
        (problem,) = problems(await v4.ask("POST", path, WANTED | wrong))
        assert problem.startswith(said)
    made = await subscribe(v4, schedule)
    (problem,) = problems(await v4.ask("PUT", f"{path}/{made['id']}", {"on": ["shift.starting"]}))
    assert problem.startswith("leadTime can't be blank")


async def test_nobody_sees_anothers(v4: V4, schedule: dict[str, Any]) -> None:
    made, elsewhere = await subscribe(v4, schedule), await v4.schedule()
    other = await v4.other()

    for method in ("GET", "PUT", "DELETE"):
        body = {"on": ["shift.ended"]} if method == "PUT" else None
        for who, there in ((other, schedule), (v4, elsewhere)):
            assert (await who.ask(method, f"/schedules/{there['id']}/subscriptions/{made['id']}", body)).status == 404


async def test_with_an_idempotency_key_one_subscribes_once(v4: V4, schedule: dict[str, Any]) -> None:
    path = f"/schedules/{schedule['id']}/subscriptions"
    answers = [await v4.ask("POST", path, WANTED, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].json == answers[1].json
    assert (await v4.ask("GET", path)).json["total_count"] == 1


async def test_listings_of_events_do_not_have_it_and_its_own_path_does(
    api: Api, v4: V4, schedule: dict[str, Any]
) -> None:
    made, event = await subscribe(v4, schedule, eventOwner="user@example.com"), await api.create()

    for query in ("", "?status=INACTIVE", "?status=INACTIVE&status=ACTIVE", "?query[eventOwner]=user@example.com"):
        listed = (await api.get(f"/v1/events{query}")).json
        assert ([one["eventId"] for one in listed["data"]], listed["meta"]["total"]) == ([event["eventId"]], 1), query
    bulk = await api.post("/v1/bulk/pause", {"all": True, "dryRun": True})
    assert bulk.data["matched"] == 1, bulk.text
    path = f"/v1/events/{made['id']}"
    shown = (await api.get(path)).data
    assert (shown["scheduleId"], shown["interval"]) == (schedule["id"], "")
    assert "scheduleId" not in (await api.get(f"/v1/events/{event['eventId']}")).data

    for refused in (await api.patch(path, {"callbackUrl": URL}), await api.delete(path)):
        assert refused.status == 409
        assert f"/api/v4/schedules/{schedule['id']}/subscriptions/{made['id']}" in str(refused.message)
    assert (await api.post(f"{path}/pause")).data["status"] == "PAUSED"
    assert (await v4.ask("GET", f"/schedules/{schedule['id']}/subscriptions/{made['id']}")).json[
        "pausedReason"
    ] == "client"
    assert (await api.post(f"{path}/resume")).data["status"] == "INACTIVE"
    assert (await api.post(f"{path}/trigger")).status == 200
    assert len((await api.get(f"{path}/executions")).data) == 1


async def test_whatever_changes_the_schedule_is_known_to_its_subscriptions_at_once(
    v4: V4, api: Api, database: Database, schedule: dict[str, Any]
) -> None:
    ada, bob = await v4.person(), await v4.person(name="Bob", email="bob@example.com")
    subscription = await subscribe(v4, schedule)

    async def is_told(events: int, revision: int) -> Roster:
        api.clock.moment += 1
        roster = await roster_of(database, subscription)
        assert (len(roster.events), roster.revision) == (events, revision)
        latest = (await told(database, subscription))[-1].timer
        assert (latest.roster, latest.rule) == (rosters.encode(roster), BESIDE_ROSTER)
        return roster

    await is_told(0, 1)
    early = await shift(v4, schedule, ada)
    assert (await is_told(1, 2)).people == ((ada["id"], "Ada"),)
    assert (await v4.ask("PUT", f"/account_users/{ada['id']}", {"name": "Ada L."})).status == 200
    assert (await is_told(1, 3)).people == ((ada["id"], "Ada L."),)
    assert (await v4.ask("PUT", f"/account_users/{ada['id']}", {"meta": {"no": "matter"}})).status == 200
    await is_told(1, 3)
    override = {
        "start_time": "2030-03-18 10:00",
        "end_time": "2030-03-18 11:00",
        "layer": 1,
        "time_zone": "UTC",
        "account_user_ids": [bob["id"]],
        "action_time": "2030-03-18T08:00:00Z",
    }
    await v4.made(f"/events/{early['id']}/override", override)
    await is_told(4, 4)
    assert (await v4.ask("DELETE", f"/events/{early['id']}?dry_run=true")).status == 200
    await is_told(4, 4)
    assert (await v4.ask("DELETE", f"/schedules/{schedule['id']}/flush")).status in {200, 204}
    await is_told(0, 5)


async def test_two_changes_at_once_leave_a_roster_with_both(
    v4: V4, database: Database, schedule: dict[str, Any]
) -> None:
    ada, subscription = await v4.person(), await subscribe(v4, schedule)

    made = [await shift(v4, schedule, ada, start_datetime=f"2030-03-18 0{hour}:00") for hour in range(6)]

    changed = await asyncio.gather(*(v4.ask("PUT", f"/events/{one['id']}", {"layer": 7}) for one in made))

    assert {answer.status for answer in changed} == {200}
    roster = await roster_of(database, subscription)
    assert {event.event_id: event.layer for event in roster.events} == {one["id"]: 7 for one in made}
    assert roster.revision == 1 + 6 + 6


async def test_a_change_that_is_refused_changes_nothing(v4: V4, database: Database, schedule: dict[str, Any]) -> None:
    ada, subscription = await v4.person(), await subscribe(v4, schedule)
    await shift(v4, schedule, ada)
    before, count = await roster_of(database, subscription), len(await told(database, subscription))

    async with database.connection() as c:
        await c.execute(
            "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;"
            "create trigger refused before insert on outbox for each row execute function refuse()"
        )
    try:
        answer = await v4.ask(
            "POST", "/events", SHIFT | {"account_user_ids": [ada["id"]], "schedule_ids": [schedule["id"]], "layer": 2}
        )
    finally:
        async with database.connection() as c:
            await c.execute("drop trigger refused on outbox; drop function refuse()")

    assert answer.status >= 500
    assert await roster_of(database, subscription) == before
    assert len(await told(database, subscription)) == count
    assert (await v4.ask("GET", f"/schedules/{schedule['id']}/events")).json["total_count"] == 1


async def test_the_numbers_count_on_across_changes(
    v4: V4, api: Api, database: Database, schedule: dict[str, Any]
) -> None:
    ada, subscription = await v4.person(), await subscribe(v4, schedule)
    daily = {"repeat": True, "frequency": 1, "frequency_unit": "daily"}
    await shift(v4, schedule, ada, **daily)
    api.clock.moment = NOW + 3 * DAY
    await shift(v4, schedule, ada, layer=2, **daily)

    roster = await roster_of(database, subscription)
    assert (roster.sequence, roster.begins) == (0, NOW), "what was due is due still, at the same instants"
    later = {"start_datetime": "2030-03-18 09:00", "layer": 3, **daily}
    await shift(v4, schedule, ada, **later)

    roster = await roster_of(database, subscription)
    assert (roster.sequence, roster.begins) == (3, at("2030-03-20T09:00")), "what is new in the past is not told"


async def test_a_schedule_takes_its_subscriptions_with_it(
    v4: V4, api: Api, database: Database, schedule: dict[str, Any]
) -> None:
    subscription = await subscribe(v4, schedule)
    async with database.connection() as c:
        shard = await c.fetchval("select shard from event where event_id = $1", subscription["id"])

    assert (await v4.ask("DELETE", f"/schedules/{schedule['id']}")).status == 204

    assert (await api.get(f"/v1/events/{subscription['id']}")).status == 404
    async with database.connection() as c:
        rows = await c.fetch("select what from outbox where shard = $1", shard)
    assert Gone(subscription["id"]) in [decode_what(row["what"]) for row in rows]


async def test_quotas_count_it(v4: V4, schedule: dict[str, Any], database: Database) -> None:
    await subscribe(v4, schedule)
    async with database.connection() as c:
        counted = await c.fetchval(
            "select sum(events) from event_count join schedule using (application_id) where schedule_id = $1",
            schedule["id"],
        )
    assert counted == 1


async def test_an_audit_of_it_reckons_with_the_rosters_that_were(v4: V4, api: Api, schedule: dict[str, Any]) -> None:
    ada, subscription = await v4.person(), await subscribe(v4, schedule)
    daily = {"repeat": True, "frequency": 1, "frequency_unit": "daily"}
    event = await shift(v4, schedule, ada, **daily)
    api.clock.moment = NOW + 3 * DAY
    assert (await v4.ask("DELETE", f"/events/{event['id']}")).status == 204
    api.clock.moment = NOW + 6 * DAY

    audit = await api.get(f"/v1/events/{subscription['id']}/audit")

    assert audit.status == 200, audit.text
    assert (audit.data["expected"], audit.data["gaps"]["count"], audit.data["complete"]) == (3, 0, True), audit.text


async def test_whoever_comes_to_own_its_shard_gets_its_roster_and_what_is_settled_of_it(
    v4: V4, api: Api, database: Database, schedule: dict[str, Any]
) -> None:
    ada, subscription = await v4.person(), await subscribe(v4, schedule)
    await shift(v4, schedule, ada, repeat=True, frequency=1, frequency_unit="daily")
    api.clock.moment = NOW + 5 * DAY
    first, last = at("2030-03-19T08:00"), at("2030-03-21T08:00")
    async with database.transaction() as c:
        event_id, now = subscription["id"], api.clock.moment
        missed = Stretch(event_id=event_id, first=first, last=last, count=3, reason=SkipReason.MISFIRED)
        await stretches.put(c, [missed], now)
        shard = await c.fetchval("select shard from event where event_id = $1", event_id)

    async with aclosing(snapshots.read(database, shard, now=now)) as pages:
        timers = {timer.id: timer async for page in pages for timer in page.timers}

    timer = timers[event_id]
    assert (timer.rule, rosters.decode(timer.roster)) == (BESIDE_ROSTER, await roster_of(database, subscription))
    assert timer.settled == (first, first + DAY, last)
