"""Triggering by hand, and what the ledger shows of it."""

from __future__ import annotations

from api_service.store import recording
from api_service.store.database import Database
from api_service.store.digest import Digest
from shared.domain.firing import Attempted, AttemptError, PendingFiring
from shared.messages.catalogue import Outcomes, Report, Triggered
from tests.integration.api.stage import NOW, Api, StandingClock
from tests.integration.api.test_events import announced


async def test_triggering_rings_once_now(api: Api, database: Database) -> None:
    event = await api.create()
    answer = await api.post(f"/v1/events/{event['eventId']}/trigger")

    assert answer.status == 200
    assert answer.data == {
        "executionId": f"{event['eventId']}-{NOW}-manual",
        "eventId": event["eventId"],
        "status": "PENDING",
        "nominalDate": "2030-03-17T17:46:40.000Z",
        "effectiveDate": "2030-03-17T17:46:40.000Z",
        "startedDate": None,
        "latenessMs": None,
        "lastDate": "2030-03-17T17:46:40.000Z",
        "count": 1,
        "manual": True,
        "reason": None,
        "recordedDate": "2030-03-17T17:46:40.000Z",
        "nextAttemptDate": "2030-03-17T17:46:40.000Z",
        "attempts": [],
    }
    assert (await api.get(f"/v1/events/{event['eventId']}/executions")).data == [answer.data]
    version, what = (await announced(database, event["eventId"]))[-1]
    assert version > event["version"]
    assert what == Triggered(PendingFiring(timer_id=event["eventId"], nominal=NOW, manual=True, due=NOW))
    assert (await api.get(f"/v1/events/{event['eventId']}")).data == event


async def test_every_trigger_is_a_firing_of_its_own(api: Api) -> None:
    event = await api.create()
    path = f"/v1/events/{event['eventId']}"
    names = {(await api.post(f"{path}/trigger")).data["executionId"] for _ in range(3)}

    assert len(names) == 3
    assert (await api.get(f"{path}/executions")).json["meta"] == {"total": 3, "next": None}


async def test_a_paused_event_is_not_triggered(api: Api) -> None:
    event = await api.create()
    path = f"/v1/events/{event['eventId']}"
    await api.post(f"{path}/pause")
    answer = await api.post(f"{path}/trigger")

    assert (answer.status, answer.message) == (409, ["The event is PAUSED; resume it first."])
    assert (await api.get(f"{path}/executions")).data == []


async def test_attempts_show_what_was_answered(api: Api, database: Database) -> None:
    event = await api.create()
    path = f"/v1/events/{event['eventId']}"
    await api.post(f"{path}/trigger")
    async with database.connection() as c:
        await c.execute(
            """
            insert into attempt (event_id, nominal, manual, epoch, attempt, started, duration_ms, status_code, error,
                                 dispatcher, stale)
            select event_id, nominal, manual, 1, 1, nominal, 12, 0, 'timeout', 'd1', false from execution
            where event_id = $1
            """,
            event["eventId"],
        )

    assert (await api.get(f"{path}/executions")).data[0]["attempts"] == [
        {
            "attempt": 1,
            "startedDate": "2030-03-17T17:46:40.000Z",
            "durationMs": 12,
            "statusCode": None,
            "error": "timeout",
            "dispatcher": "d1",
            "epoch": 1,
            "stale": False,
        }
    ]


async def test_what_was_under_way_as_a_pause_began_is_not_written_off_for_good(
    api: Api, clock: StandingClock, database: Database
) -> None:
    event = await api.create(interval="* * * * * *")
    path = f"/v1/events/{event['eventId']}"
    clock.moment += 3500
    await api.post(f"{path}/pause")
    clock.moment += 10_000
    await api.post(f"{path}/resume")
    late = Attempted(
        timer_id=event["eventId"],
        nominal=NOW + 3000,
        manual=False,
        attempt=1,
        started=NOW + 3001,
        duration_ms=20_000,
        status_code=200,
        error=AttemptError.NONE,
        settled_through=NOW + 3000,
    )
    async with database.transaction() as c:
        await recording.record(c, Digest.of([Outcomes("d1", [Report(0, "i", 1, [late])])]), clock.now())

    ledger = (await api.get(f"{path}/executions")).data
    assert [(row["status"], row["count"]) for row in ledger if row["nominalDate"] == "2030-03-17T17:46:43.000Z"] == [
        ("DELIVERED", 1)
    ]
    assert sum(row["count"] for row in ledger) == 13


async def test_what_was_due_before_a_change_of_the_rule_is_accounted_for_and_may_turn_out_to_have_rung(
    api: Api, clock: StandingClock, database: Database
) -> None:
    event = await api.create(interval="* * * * * *")
    path = f"/v1/events/{event['eventId']}"
    clock.moment += 200_500
    assert (await api.patch(path, {"tags": ["other"]})).status == 200
    assert (await api.get(f"{path}/executions")).data == []

    assert (await api.patch(path, {"interval": "0 0 1 1 *"})).status == 200
    ledger = (await api.get(f"{path}/executions?limit=500")).data
    assert sum(row["count"] for row in ledger) == 200
    assert {(row["status"], row["reason"]) for row in ledger} == {("SKIPPED", "changed")}
    assert [row["count"] for row in ledger if row["count"] > 1] == [110]

    late = Attempted(
        timer_id=event["eventId"],
        nominal=NOW + 200_000,
        manual=False,
        attempt=1,
        started=NOW + 200_001,
        duration_ms=20,
        status_code=200,
        error=AttemptError.NONE,
        settled_through=NOW + 200_000,
    )
    async with database.transaction() as c:
        await recording.record(c, Digest.of([Outcomes("d1", [Report(0, "i", 1, [late])])]), clock.now())
    latest = (await api.get(f"{path}/executions?limit=1")).data[0]
    assert (latest["status"], latest["reason"], latest["count"]) == ("DELIVERED", None, 1)


async def test_what_is_unfinished_of_an_event_goes_with_it(api: Api, database: Database) -> None:
    event = await api.create()
    path = f"/v1/events/{event['eventId']}"
    await api.post(f"{path}/trigger")

    assert (await api.delete(path)).status == 200

    async with database.connection() as c:
        left = await c.fetch("select status, reason from execution where event_id = $1", event["eventId"])
    assert [tuple(row) for row in left] == [("SKIPPED", "deleted")]
