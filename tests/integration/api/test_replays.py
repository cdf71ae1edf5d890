"""What has failed is attempted again when it is asked for: written and announced at once, or refused with a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api_service import limits
from api_service.store import ledger
from api_service.store.database import Database
from shared.domain.firing import Attempted, PendingFiring
from shared.messages.catalogue import Triggered
from tests.integration.api.ledgers import SECOND, attempted, failed, name, record, retried, skipped
from tests.integration.api.stage import DAY, NOW, Api, StandingClock
from tests.integration.api.test_events import announced

RANGE = {"from": "2030-03-17T17:46:40Z", "to": "2030-03-18T17:46:40Z"}


async def rows(database: Database, event_id: str) -> list[tuple[Any, ...]]:
    async with database.connection() as c:
        found = await c.fetch(
            "select nominal, manual, status, reason, attempts, attempts_before, due from execution"
            " where event_id = $1 order by nominal, manual",
            event_id,
        )
    return [tuple(row) for row in found]


async def triggers(database: Database, event_id: str) -> list[tuple[int, PendingFiring]]:
    return [
        (version, what.firing) for version, what in await announced(database, event_id) if isinstance(what, Triggered)
    ]


async def test_a_failed_execution_is_pending_again_and_announced(
    api: Api, database: Database, clock: StandingClock
) -> None:
    event = await api.create()
    event_id = event["eventId"]
    path = f"/v1/events/{event_id}/executions"
    await record(database, *(failed(event_id, 1, attempt=number) for number in (1, 2)))
    clock.moment += 5000

    answer = await api.post(f"{path}/{name(event_id, 1)}/replay")

    assert answer.status == 202
    assert (answer.data["status"], answer.data["reason"]) == ("PENDING", None)
    assert answer.data["nextAttemptDate"] == answer.data["recordedDate"] == "2030-03-17T17:46:45.000Z"
    assert [attempt["attempt"] for attempt in answer.data["attempts"]] == [1, 2]
    assert (await api.get(path)).data == [answer.data]
    [(version, firing)] = await triggers(database, event_id)
    assert version > event["version"]
    assert firing == PendingFiring(
        timer_id=event_id, nominal=NOW + SECOND, manual=False, attempts=2, due=NOW + 5000, attempts_before=2
    )


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_single_one_that_was_skipped_is_replayed(api: Api, database: Database, by_hand: bool) -> None:
    event_id = (await api.create())["eventId"]
    path = f"/v1/events/{event_id}"
    execution_id = name(event_id, 1)
    if by_hand:
        execution_id = (await api.post(f"{path}/trigger")).data["executionId"]
        async with database.connection() as c:
            await c.execute(
                "update execution set status = 'SKIPPED', reason = 'paused', due = null where event_id = $1", event_id
            )
    else:
        await record(database, skipped(event_id, 1))

    answer = await api.post(f"{path}/executions/{execution_id}/replay")

    assert (answer.status, answer.data["status"]) == (202, "PENDING")
    firing = (await triggers(database, event_id))[-1][1]
    assert (firing.manual, firing.attempts, firing.attempts_before, firing.due) == (by_hand, 0, 0, NOW)


async def test_what_comes_of_a_replay_counts_and_what_came_before_does_not(api: Api, database: Database) -> None:
    event_id = (await api.create())["eventId"]
    path = f"/v1/events/{event_id}/executions/{name(event_id, 1)}"
    before = failed(event_id, 1)
    await record(database, before)
    assert (await api.post(f"{path}/replay")).status == 202

    await record(database, before)
    assert (await api.get(path)).data["status"] == "PENDING"
    await record(database, attempted(event_id, 1, attempt=2, started=NOW + 60_000))
    told = (await api.get(path)).data
    assert (told["status"], told["reason"], told["nextAttemptDate"]) == ("DELIVERED", None, None)
    assert [(one["attempt"], one["statusCode"]) for one in told["attempts"]] == [(1, 404), (2, 200)]
    assert told["latenessMs"] == 3, "the first attempt's"


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (
            lambda of: attempted(of, 1),
            "The execution is DELIVERED and is not attempted again; to call back once more, trigger the event.",
        ),
        (
            lambda of: retried(of, 1, retry_at=NOW + 9000),
            "The execution is still under way; wait until nextAttemptDate, and replay it once it has FAILED.",
        ),
        (
            lambda of: skipped(of, 1, count=2),
            "This stands for a stretch of skipped occurrences, and only a single one is replayed; trigger the event.",
        ),
        (
            lambda of: failed(of, 1, attempt=ledger.ATTEMPTS_MOST + 1),
            "The execution has been attempted more often than can be counted; trigger the event instead.",
        ),
    ],
    ids=["delivered", "under way", "stretch", "worn out"],
)
async def test_what_cannot_be_replayed_is_refused_with_the_way_out(
    api: Api, database: Database, outcome: Any, message: str
) -> None:
    event_id = (await api.create())["eventId"]
    await record(database, outcome(event_id))
    before = await rows(database, event_id)

    answer = await api.post(f"/v1/events/{event_id}/executions/{name(event_id, 1)}/replay")

    assert (answer.status, answer.message) == (409, [message])
    assert await rows(database, event_id) == before
    assert await triggers(database, event_id) == []


async def test_of_two_who_replay_at_once_one_comes_too_late(api: Api, database: Database) -> None:
    event_id = (await api.create())["eventId"]
    await record(database, failed(event_id, 1))
    path = f"/v1/events/{event_id}/executions/{name(event_id, 1)}/replay"

    answers = await asyncio.gather(*(api.post(path) for _ in range(5)))

    assert sorted(answer.status for answer in answers) == [202, 409, 409, 409, 409]
    assert len(await triggers(database, event_id)) == 1


@pytest.mark.parametrize("path", ["executions/{}/replay", "executions/replay"])
async def test_an_event_that_is_not_triggered_is_not_replayed(
    api: Api, database: Database, clock: StandingClock, path: str
) -> None:
    event = await api.create(endDate="2030-03-18T17:46:40Z")
    event_id = event["eventId"]
    await record(database, failed(event_id, 1))
    body = None if "{}" in path else RANGE
    path = f"/v1/events/{event_id}/{path.format(name(event_id, 1))}"
    before = await rows(database, event_id)

    await api.post(f"/v1/events/{event_id}/pause")
    paused = await api.post(path, body)
    clock.moment += DAY
    over = await api.post(path, body)
    assert (paused.status, paused.message) == (409, ["The event is PAUSED; resume it first."])
    assert over.status == 409
    assert "FINISHED" in over.message[0]
    assert await rows(database, event_id) == before

    await api.delete(f"/v1/events/{event_id}")
    gone = await api.post(path, body)
    assert (gone.status, gone.message) == (404, ["There is no event with this id."])
    assert await triggers(database, event_id) == []


async def test_a_replay_heeds_if_match_and_takes_no_parameters(api: Api, database: Database) -> None:
    event = await api.create()
    event_id = event["eventId"]
    await record(database, failed(event_id, 1))
    path = f"/v1/events/{event_id}/executions/{name(event_id, 1)}/replay"

    assert (await api.post(path, headers={"If-Match": f'"{event["version"] + 1}"'})).status == 412
    assert (await api.post(f"{path}?force=true")).status == 400
    assert (await api.post(path, headers={"If-Match": f'"{event["version"]}"'})).status == 202


async def test_a_replay_of_many_heeds_if_match(api: Api, database: Database) -> None:
    event = await api.create()
    await record(database, failed(event["eventId"], 1))
    path = f"/v1/events/{event['eventId']}/executions/replay"

    other = await api.post(path, RANGE, headers={"If-Match": f'"{event["version"] + 1}"'})
    assert other.status == 412
    wrong = await api.post(path, {}, headers={"If-Match": "1"})
    assert [said.split()[0] for said in wrong.message] == ["If-Match", "from", "to"]
    assert await triggers(database, event["eventId"]) == []

    same = await api.post(path, RANGE, headers={"If-Match": f'"{event["version"]}"'})
    assert (same.status, same.data["replayed"]) == (200, 1)


async def test_what_failed_in_a_range_is_replayed_the_oldest_first(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REPLAYS", 3)
    event_id = (await api.create())["eventId"]
    path = f"/v1/events/{event_id}/executions"
    in_range: list[Attempted] = [failed(event_id, second, attempt=second) for second in (1, 2, 3, 4, 5)]
    await record(
        database,
        *in_range,
        failed(event_id, -1),
        failed(event_id, DAY // SECOND),
        failed(event_id, 9, attempt=ledger.ATTEMPTS_MOST + 1),
        attempted(event_id, 6),
        skipped(event_id, 7),
        retried(event_id, 8, retry_at=NOW + 90_000),
    )
    before = await rows(database, event_id)

    dry = await api.post(f"{path}/replay", {**RANGE, "dryRun": True})
    assert (dry.status, dry.data) == (200, {"matched": 5, "replayed": 0, "remaining": 5})
    assert await rows(database, event_id) == before
    assert await triggers(database, event_id) == []

    first = await api.post(f"{path}/replay", RANGE)
    second = await api.post(f"{path}/replay", RANGE)
    third = await api.post(f"{path}/replay", RANGE)
    assert first.data == {"matched": 5, "replayed": 3, "remaining": 2}
    assert second.data == {"matched": 2, "replayed": 2, "remaining": 0}
    assert third.data == {"matched": 0, "replayed": 0, "remaining": 0}
    told = await triggers(database, event_id)
    assert [firing for _, firing in told] == [
        PendingFiring(
            timer_id=event_id,
            nominal=NOW + number * SECOND,
            manual=False,
            attempts=number,
            due=NOW,
            attempts_before=number,
        )
        for number in (1, 2, 3, 4, 5)
    ]
    versions = [version for version, _ in told]
    assert versions[:3] == list(range(versions[0], versions[0] + 3)), "a gap would be a lost change"
    pending = (await api.get(f"{path}?status=PENDING")).data
    assert {row["executionId"] for row in pending} == {name(event_id, second) for second in (1, 2, 3, 4, 5)}
    failed_still = (await api.get(f"{path}?status=FAILED")).data
    assert {row["executionId"] for row in failed_still} == {name(event_id, second) for second in (-1, 9, DAY // SECOND)}


async def test_a_replay_of_many_is_bounded(api: Api, database: Database) -> None:
    event_id = (await api.create())["eventId"]
    await record(database, *(failed(event_id, second) for second in range(limits.REPLAYS + 1)))

    answer = await api.post(f"/v1/events/{event_id}/executions/replay", RANGE)

    assert answer.data == {"matched": limits.REPLAYS + 1, "replayed": limits.REPLAYS, "remaining": 1}
    assert len(await triggers(database, event_id)) == limits.REPLAYS


async def test_replays_and_reports_at_once_do_not_lock_each_other_out(api: Api, database: Database) -> None:
    event_id = (await api.create())["eventId"]
    path = f"/v1/events/{event_id}/executions/replay"
    firings = range(20)
    await record(database, *(failed(event_id, second) for second in firings))

    async def replays() -> None:
        for _ in range(10):
            answer = await api.post(path, RANGE)
            assert answer.status == 200, answer.text

    async def reports() -> None:
        for number in range(2, 12):
            await record(database, *(failed(event_id, second, attempt=number) for second in reversed(firings)))

    async with asyncio.TaskGroup() as tasks:
        for task in (replays(), reports(), replays()):
            tasks.create_task(task)


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, ["from is required", "to is required"]),
        ({"from": RANGE["to"], "to": RANGE["from"]}, ["from should be before to"]),
        ({**RANGE, "dryRun": 1, "limit": 5}, ["dryRun should be true or false", "limit is not known here"]),
        (
            {"from": RANGE["to"], "to": RANGE["from"], "dryRun": None},
            ["from should be before to", "dryRun should not be null"],
        ),
    ],
)
async def test_what_is_wrong_with_a_range_is_told_at_once(api: Api, body: Any, problems: list[str]) -> None:
    event_id = (await api.create())["eventId"]

    answer = await api.post(f"/v1/events/{event_id}/executions/replay", body)

    assert answer.status == 400
    assert [said[: len(problem)] for said, problem in zip(answer.message, problems, strict=True)] == problems
