"""Many events at once: those that match at one moment, each as if it were asked for alone, never all by accident."""

from __future__ import annotations

from typing import Any

import pytest

from api_service import limits
from api_service.keys import ENDING
from api_service.store import outbox
from api_service.store.database import Database
from shared.messages.catalogue import Gone, Upserted
from shared.messages.codec import decode_what
from tests.integration.api.stage import DAY, Api, StandingClock

EVERYTHING = {"all": True}


async def do(api: Api, what: str, body: Any) -> dict[str, Any]:
    """What came of it."""
    answer = await api.post(f"/v1/bulk/{what}", body)
    assert answer.status == 200, answer.text
    came: dict[str, Any] = answer.data
    assert came["matched"] == came["changed"] + came["unchanged"] + came["remaining"]
    return came


def counts(came: dict[str, Any]) -> tuple[int, ...]:
    return tuple(came[name] for name in ("matched", "changed", "unchanged", "remaining"))


async def statuses(api: Api) -> dict[str, str]:
    """The status of each event, by its first tag."""
    return {event["tags"][0]: event["status"] for event in (await api.get("/v1/events?limit=1000")).data}


async def logged(api: Api, action: str) -> list[tuple[str, str]]:
    rows = (await api.get(f"/v1/changes?limit=1000&action={action}")).data
    return [(row["eventId"], row["requestId"]) for row in rows]


@pytest.fixture
async def five(api: Api) -> Api:
    """An application with five events."""
    await api.create(tags=["1", "x"], eventOwner="a@b.example", context={"user": 1})
    await api.create(tags=["2", "x", "y"], eventOwner="c@d.example", context={"user": "1"})
    await api.create(tags=["3", "y"], context={"user": [1, 2]})
    paused = await api.create(tags=["4", "x"], context={"user": 1.0})
    assert (await api.post(f"/v1/events/{paused['eventId']}/pause")).status == 200
    await api.create(tags=["5"], context={})
    return api


@pytest.mark.parametrize(
    ("query", "running", "paused"),
    [
        ({"tags": ["x"]}, ["1", "2"], ["4"]),
        ({"tags": "x"}, ["1", "2"], ["4"]),
        ({"tags": ["x", "y"]}, ["2"], []),
        ({"eventOwner": ["a@b.example", "c@d.example"]}, ["1", "2"], []),
        ({"context": [{"path": ["user"], "value": "1", "type": "Number"}]}, ["1"], ["4"]),
        ({"context": [{"path": ["user"], "value": "1", "type": "String"}]}, ["2"], []),
        ({"context": [{"path": ["user"], "value": "2", "type": "Number", "isArray": True}]}, ["3"], []),
        ({"status": ["INACTIVE"]}, ["1", "2", "3", "5"], []),
        ({"status": "PAUSED"}, [], ["4"]),
        ({"status": ["PAUSED"], "tags": ["y"]}, [], []),
        ({"tags": ["x"], "eventOwner": "a@b.example"}, ["1"], []),
    ],
)
async def test_the_filters_are_those_of_the_list(
    five: Api, query: dict[str, Any], running: list[str], paused: list[str]
) -> None:
    both = sorted(running + paused)
    came = await do(five, "pause", {"query": query})

    assert counts(came) == (len(both), len(running), len(paused), 0)
    assert came["failed"] == []
    after = await statuses(five)
    assert sorted(name for name, status in after.items() if status == "PAUSED") == sorted({*running, "4"})
    assert len(await logged(five, "paused")) == len(running) + 1


async def test_what_was_done_is_done_again_without_harm(five: Api) -> None:
    assert counts(await do(five, "pause", EVERYTHING)) == (5, 4, 1, 0)
    assert counts(await do(five, "pause", EVERYTHING)) == (5, 0, 5, 0)
    assert counts(await do(five, "resume", EVERYTHING)) == (5, 5, 0, 0)
    assert counts(await do(five, "resume", EVERYTHING)) == (5, 0, 5, 0)
    assert counts(await do(five, "delete", EVERYTHING)) == (5, 5, 0, 0)
    assert counts(await do(five, "delete", EVERYTHING)) == (0, 0, 0, 0)
    assert [len(await logged(five, action)) for action in ("paused", "resumed", "deleted")] == [5, 5, 5]


async def test_each_is_noted_and_announced_as_if_it_were_asked_for_alone(
    five: Api, clock: StandingClock, database: Database
) -> None:
    async with database.transaction() as c:
        await outbox.delete(c, [one.id for one in await outbox.take(c, 10_000)])
    events = {event["eventId"] for event in (await five.get("/v1/events?query[tags]=x")).data}
    answer = await five.post("/v1/bulk/pause", {"query": {"tags": ["y"]}}, headers={"X-Request-Id": "in-bulk"})
    assert answer.status == 200
    assert [request for _, request in await logged(five, "paused")].count("in-bulk") == 2

    clock.moment += 20 * DAY
    assert counts(await do(five, "resume", {"query": {"tags": ["x"]}})) == (3, 2, 1, 0)
    async with database.transaction() as c:
        told = [decode_what(one.what) for one in await outbox.take(c, 100)]
        assert [isinstance(what, Upserted) and what.timer.paused for what in told] == [True, True, False, False]
        skipped = "select distinct event_id from execution where reason = 'paused' and event_id = any($1::text[])"
        assert len(await c.fetch(skipped, list(events))) == 2  # what fell into the pauses is accounted for
        await outbox.delete(c, [one.id for one in await outbox.take(c, 100)])

    await do(five, "delete", {"query": {"tags": ["x"]}})
    async with database.transaction() as c:
        gone = [decode_what(one.what) for one in await outbox.take(c, 100)]
    assert {what.timer_id for what in gone if isinstance(what, Gone)} == events
    assert len(gone) == 3
    assert sorted(await statuses(five)) == ["3", "5"]


async def test_deleting_takes_finished_events_too_and_pausing_leaves_them(five: Api, clock: StandingClock) -> None:
    clock.moment += 365 * DAY
    await five.create(tags=["6"], endDate="2099-01-01T00:00:00Z")

    assert counts(await do(five, "pause", EVERYTHING)) == (6, 1, 5, 0)
    assert counts(await do(five, "resume", EVERYTHING)) == (6, 1, 5, 0)
    assert counts(await do(five, "delete", EVERYTHING)) == (6, 6, 0, 0)


@pytest.mark.parametrize("what", ["pause", "resume", "delete"])
async def test_a_dry_run_counts_and_writes_nothing(five: Api, database: Database, what: str) -> None:
    before = (await five.get("/v1/events")).data, (await five.get("/v1/changes")).data
    async with database.connection() as c:
        waiting = await outbox.waiting(c)
    came = await do(five, what, {**EVERYTHING, "dryRun": True})

    assert came["dryRun"] is True
    assert counts(came) == {"pause": (5, 4, 1, 0), "resume": (5, 1, 4, 0), "delete": (5, 5, 0, 0)}[what]
    assert ((await five.get("/v1/events")).data, (await five.get("/v1/changes")).data) == before
    async with database.connection() as c:
        assert await outbox.waiting(c) == waiting
    assert counts(await do(five, what, EVERYTHING)) == counts(came)


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, ["query is needed with at least one filter, or all: true for every event of the application"]),
        ({"query": {}}, ["query is needed"]),
        ({"query": {"tags": [], "status": []}}, ["query is needed"]),
        ({"all": False}, ["query is needed"]),
        ({"all": False, "query": {}}, ["query is needed"]),
        ({"all": True, "query": {"tags": ["x"]}}, ["query goes without all: true; leave one of them out"]),
        ({"all": True, "query": {}}, ["query goes without"]),
        ({"query": None}, ["query should not be null"]),
        ({"all": "yes"}, ["all should be true or false"]),
        ({"all": "yes", "query": {}}, ["all should be true or false"]),
        (
            {"all": None, "query": {"tags": ["x"]}, "dryRun": None},
            ["all should not be null", "dryRun should not be null"],
        ),
        ({"limit": 1}, ["query is needed", "limit is not known here"]),
        ({"all": True, "query": {}, "dryRun": 1}, ["query goes without", "dryRun should be"]),
        ([], ["the body should be a JSON object"]),
        (
            {"query": {"status": ["DONE"], "owner": "x"}, "dryRun": 1, "limit": 1},
            ["query.status[0] should be one of", "query.owner is not known here", "dryRun should be", "limit is not"],
        ),
    ],
)
async def test_nothing_is_never_taken_for_everything(five: Api, body: Any, problems: list[str]) -> None:
    for what in ("pause", "resume", "delete"):
        answer = await five.post(f"/v1/bulk/{what}", body)
        assert answer.status == 400
        assert len(answer.message) == len(problems)
        assert all(said.startswith(problem) for said, problem in zip(answer.message, problems, strict=True))
    assert len(await statuses(five)) == 5


async def test_other_applications_events_are_out_of_reach(five: Api) -> None:
    stranger = await five.newcomer()
    await stranger.create(tags=["z"])
    before = (await five.get("/v1/events")).data

    for what in ("pause", "resume", "delete"):
        assert counts(await do(stranger, what, EVERYTHING))[0] == 1
        assert counts(await do(stranger, what, {"query": {"tags": ["x"]}})) == (0, 0, 0, 0)
    assert (await five.get("/v1/events")).data == before
    assert (await Api(five.client, five.clock).post("/v1/bulk/delete", EVERYTHING)).status == 401


async def test_more_than_one_request_takes_goes_on_where_it_ended(five: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BULK_EVENTS", 2)

    dry = await do(five, "pause", {**EVERYTHING, "dryRun": True})
    assert counts(dry) == (5, 2, 1, 2)
    assert counts(await do(five, "pause", EVERYTHING)) == (5, 2, 1, 2)
    assert counts(await do(five, "pause", EVERYTHING)) == (5, 2, 3, 0)
    assert [counts(await do(five, "delete", EVERYTHING)) for _ in range(3)] == [
        (5, 2, 0, 3),
        (3, 2, 0, 1),
        (1, 1, 0, 0),
    ]


async def test_a_process_that_ends_begins_with_no_further_event_and_says_what_remains(five: Api) -> None:
    """It would be cut off in the middle, and nobody told how far it had come; asking again goes elsewhere."""
    five.client.app[ENDING].set()

    assert counts(await do(five, "pause", EVERYTHING)) == (5, 0, 1, 4)
