"""Who changed what: one row a change, in its transaction, without a secret, and for nobody else to see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from api_service.store.database import Database
from tests.integration.api.ledgers import failed, name, record
from tests.integration.api.stage import HOUR, Answer, Api, Server, StandingClock, compose

SECRET = "hunter2-correct-horse"
UNKNOWN = "01JD8M2Z9T5R0C4V7K3N6P1QXA"


async def log_of(api: Api, raw: str = "") -> list[dict[str, Any]]:
    answer = await api.get(f"/v1/changes?{raw}")
    assert answer.status == 200, answer.text
    assert answer.json["meta"] == {"next": None}
    rows: list[dict[str, Any]] = answer.data
    return rows


async def told(api: Api, raw: str = "") -> list[tuple[str, str | None]]:
    """What was done to which event, newest first."""
    return [(row["action"], row["eventId"]) for row in await log_of(api, raw)]


def asked(api: Api, clock: StandingClock) -> Callable[..., Awaitable[Answer]]:
    """Requests of which each comes a millisecond after the one before."""

    async def ask(method: str, path: str, body: Any = None, **kwargs: Any) -> Answer:
        clock.moment += 1
        return await api.ask(method, path, **({} if body is None else {"json": body}), **kwargs)

    return ask


async def key_id(api: Api) -> str:
    (current,) = [key["keyId"] for key in (await api.get("/v1/keys")).data if key["isCurrent"]]
    return str(current)


async def test_every_action_on_an_event_is_noted_once(api: Api, clock: StandingClock) -> None:
    ask = asked(api, clock)
    clock.moment += 1
    event = (await api.create())["eventId"]
    path = f"/v1/events/{event}"
    for method, where, body in (
        ("PATCH", path, {"interval": "0 0 9 * * *"}),
        ("POST", f"{path}/trigger", None),
        ("POST", f"{path}/pause", None),
        ("POST", f"{path}/resume", None),
        ("DELETE", path, None),
    ):
        assert (await ask(method, where, body)).status == 200

    rows = await log_of(api, f"eventId={event}")
    assert [row["action"] for row in rows] == ["deleted", "resumed", "paused", "triggered", "changed", "created"]
    assert {row["keyId"] for row in rows} == {await key_id(api)}
    assert {row["eventId"] for row in rows} == {event}  # although it is gone
    assert len({row["requestId"] for row in rows}) == len({row["changeId"] for row in rows}) == 6
    assert [row["changedDate"][-5:] for row in rows] == [f".{moment:03}Z" for moment in (6, 5, 4, 3, 2, 1)]
    assert [row["fields"] for row in rows] == [
        [],
        [{"name": "pausedReason", "from": "client", "to": None}],
        [{"name": "pausedReason", "from": None, "to": "client"}],
        [],
        [{"name": "interval", "from": "* * * 1 * *", "to": "0 0 9 * * *"}],
        [],
    ]


async def test_replays_are_noted_with_what_was_replayed(api: Api, database: Database) -> None:
    event = (await api.create())["eventId"]
    await record(database, *(failed(event, second) for second in range(4)))
    path, since = f"/v1/events/{event}/executions", "2030-03-17T17:46:41Z"
    assert (await api.post(f"{path}/{name(event, 0)}/replay")).status == 202
    assert (await api.post(f"{path}/{name(event, 0)}/replay")).status == 409
    for dry in (True, False, False):
        ranged = {"from": since, "to": "2030-03-17T18:00:00Z", "dryRun": dry}
        assert (await api.post(f"{path}/replay", ranged)).status == 200

    rows = await log_of(api, f"eventId={event}&action=replayed")
    assert sorted((row["fields"] for row in rows), key=str) == [
        [{"name": "executionId", "from": None, "to": name(event, 0)}],
        [{"name": "executions", "from": None, "to": 3}],
    ]


async def test_keys_and_secrets_are_noted_by_name(api: Api, clock: StandingClock) -> None:
    ask, first = asked(api, clock), await key_id(api)
    made = (await ask("POST", "/v1/keys", {"overlapSeconds": 60})).data
    rotated = (await ask("POST", "/v1/signing-secret/rotate", {"overlapSeconds": 0})).data
    newer = Api(api.client, clock, made["apiKey"])
    assert (await asked(newer, clock)("DELETE", f"/v1/keys/{first}")).status == 200

    answer = await newer.get("/v1/changes")
    assert [(row["action"], row["keyId"], row["affectedKeyId"], row["fields"]) for row in answer.data] == [
        ("apiKeyRevoked", made["keyId"], first, []),
        ("signingSecretRotated", first, None, [{"name": "overlapSeconds", "from": None, "to": 0}]),
        ("apiKeyCreated", first, made["keyId"], [{"name": "overlapSeconds", "from": None, "to": 60}]),
        ("apiKeyCreated", None, first, []),  # by registering
    ]
    for secret in (api.key, made["apiKey"], rotated["signingSecret"]):
        assert secret
        assert secret not in answer.text


async def test_no_secret_is_in_the_log(api: Api, clock: StandingClock, database: Database) -> None:
    ask = asked(api, clock)
    url = f"https://api.yourapi.com/{SECRET}"
    clock.moment += 1
    event = (await api.create(callbackUrl=url, context={"s": SECRET}, headers={"Authorization": SECRET}))["eventId"]
    changes = {
        "callbackUrl": f"https://api.yourapi.com/?token={SECRET}",
        "context": {"secret": SECRET},
        "headers": {"X-Token": SECRET},
        "tags": ["a", "b"],
        "endDate": "2030-10-01T00:00:00Z",
        "retryPolicy": {"maxAttempts": 7},
        "timeoutSeconds": 9,
        "misfirePolicy": "skip",
    }
    assert (await ask("PATCH", f"/v1/events/{event}", changes)).status == 200
    assert (await ask("DELETE", f"/v1/events/{event}")).status == 200

    (row,) = await log_of(api, "action=changed")
    assert row["fields"] == [
        {"name": "endDate", "from": "2030-09-02T05:11:59.708Z", "to": "2030-10-01T00:00:00.000Z"},
        {"name": "tags", "from": ["prod"], "to": ["a", "b"]},
        {"name": "retryPolicy.maxAttempts", "from": 5, "to": 7},
        {"name": "timeoutSeconds", "from": 30, "to": 9},
        {"name": "misfirePolicy", "from": "latest", "to": "skip"},
        {"name": "callbackUrl"},
        {"name": "context"},
        {"name": "headers"},
    ]
    async with database.connection() as c:
        stored = await c.fetchval("select json_agg(change_log)::text from change_log")
    assert event in stored
    assert SECRET not in stored


async def test_what_changes_nothing_is_not_noted(api: Api, clock: StandingClock) -> None:
    ask = asked(api, clock)
    clock.moment += 1
    event = (await api.create())["eventId"]
    path = f"/v1/events/{event}"
    for method, where, body, status in (
        ("PATCH", path, {"tags": ["prod"]}, 200),
        ("PATCH", path, {"interval": "no"}, 400),
        ("POST", f"{path}/resume", None, 200),
        ("GET", path, None, 200),
        ("POST", f"/v1/events/{UNKNOWN}/pause", None, 404),
        ("POST", "/v1/events", {}, 400),
        ("DELETE", f"/v1/keys/{UNKNOWN}", None, 404),
        ("POST", "/v1/keys", {"overlapSeconds": -1}, 400),
    ):
        assert (await ask(method, where, body)).status == status
    assert (await ask("DELETE", path, headers={"If-Match": '"1234567"'})).status == 412
    assert (await ask("POST", f"{path}/pause")).status == 200
    assert (await ask("POST", f"{path}/pause")).status == 200
    assert (await ask("POST", f"{path}/trigger")).status == 409

    assert await told(api) == [("paused", event), ("created", event), ("apiKeyCreated", None)]


async def test_a_creation_that_is_repeated_is_noted_once(api: Api, clock: StandingClock) -> None:
    clock.moment += 1
    event = (await api.create())["eventId"]
    body = {"eventOwner": "a@b.example", "endDate": "2031-01-01T00:00:00Z", "interval": "* * * * *"}
    for _ in range(3):
        clock.moment += 1
        said = {"callbackUrl": "https://api.yourapi.com", **body}
        answer = await api.post("/v1/events", said, headers={"Idempotency-Key": "once"})
        assert answer.status == 201

    assert await told(api, "action=created") == [("created", answer.data["eventId"]), ("created", event)]


@pytest.fixture
async def hasty(
    shared_dsn: str, aiohttp_client: Callable[..., Awaitable[Any]], api: Api, clock: StandingClock
) -> AsyncIterator[Api]:
    """The same application, at a server that does not wait long for Postgres."""
    database = await Database.open(shared_dsn, size=2, command_timeout=0.2)
    yield Api(await aiohttp_client(Server(compose(database, clock))), clock, api.key)
    await database.close()


async def test_what_fails_is_not_noted(api: Api, hasty: Api, database: Database, clock: StandingClock) -> None:
    """Somebody holds every shard, so that each change gets as far as it can and is rolled back."""
    running, paused = (await api.create())["eventId"], (await api.create())["eventId"]
    assert (await api.post(f"/v1/events/{paused}/pause")).status == 200
    await record(database, failed(running, 0))
    ask, before = asked(hasty, clock), sorted(await told(api))

    async with database.transaction() as c:
        await c.execute("select from shard for update")
        for method, path, body in (
            ("POST", "/v1/events", (await api.get(f"/v1/events/{running}")).data),
            ("PATCH", f"/v1/events/{running}", {"tags": ["x"]}),
            ("POST", f"/v1/events/{running}/pause", None),
            ("POST", f"/v1/events/{paused}/resume", None),
            ("POST", f"/v1/events/{running}/trigger", None),
            ("POST", f"/v1/events/{running}/executions/{name(running, 0)}/replay", None),
            ("DELETE", f"/v1/events/{running}", None),
            ("POST", "/v1/signing-secret/rotate", {}),
        ):
            sent = _creation(body) if path == "/v1/events" else body
            assert (await ask(method, path, sent)).status == 503

    assert sorted(await told(api)) == before
    assert (await ask("POST", f"/v1/events/{running}/pause")).status == 200
    assert (await told(api))[0] == ("paused", running)


def _creation(shown: Any) -> dict[str, Any]:
    wanted = ("eventOwner", "endDate", "interval", "callbackUrl", "context", "tags")
    return {name: shown[name] for name in wanted}


async def test_another_applications_changes_are_not_there(api: Api, clock: StandingClock) -> None:
    clock.moment += 1
    stranger, event = await api.newcomer(), (await api.create())["eventId"]

    assert await told(stranger) == [("apiKeyCreated", None)]
    assert await told(stranger, f"eventId={event}") == []
    assert await told(stranger, "action=created") == []
    assert await told(api, f"eventId={event}") == [("created", event)]
    nobody = Api(api.client, clock)
    assert (await nobody.get("/v1/changes")).status == 401


@pytest.mark.parametrize("filters", ["", "action=created&action=deleted&", "eventId={event}&"])
async def test_pages_go_on_where_the_one_before_ended(api: Api, clock: StandingClock, filters: str) -> None:
    ask = asked(api, clock)
    event = (await api.create())["eventId"]
    for number in range(6):
        assert (await ask("PATCH", f"/v1/events/{event}", {"tags": [f"n{number}"]})).status == 200
        clock.moment += 1
        await api.create()
    raw = filters.format(event=event)
    everything = [row["changeId"] for row in await log_of(api, raw)]
    assert len(everything) >= 7

    seen: list[str] = []
    cursor = ""
    for page in range(5):
        answer = await api.get(f"/v1/changes?{raw}limit=3{cursor}")
        seen += [row["changeId"] for row in answer.data]
        following = answer.json["meta"]["next"]
        if following is None:
            break
        assert len(answer.data) == 3
        cursor = f"&cursor={following}"
        await ask("PATCH", f"/v1/events/{event}", {"tags": [f"meanwhile{page}"]})

    assert seen == everything
    assert following is None


async def test_many_of_one_moment_are_paged_too(api: Api) -> None:
    events = {(await api.create())["eventId"] for _ in range(5)}
    seen, cursor = [], ""
    for _ in range(5):
        answer = await api.get(f"/v1/changes?limit=1&action=created{cursor}")
        seen += [row["eventId"] for row in answer.data]
        cursor = f"&cursor={answer.json['meta']['next']}"

    assert (len(seen), set(seen)) == (5, events)
    assert answer.json["meta"] == {"next": None}


async def test_from_is_included_and_to_is_not(api: Api, clock: StandingClock) -> None:
    events = []
    for _ in range(3):
        clock.moment += HOUR
        events.append((await api.create())["eventId"])
    second, third = "from=2030-03-17T19:46:40Z", "to=2030-03-17T20:46:40Z"

    assert [event for _, event in await told(api, second)] == [events[2], events[1]]
    assert [event for _, event in await told(api, f"{second}&{third}")] == [events[1]]
    assert [event for _, event in await told(api, f"action=created&{third}")] == [events[1], events[0]]
    assert await told(api, f"eventId={events[0]}&{second}") == []
    assert await told(api, f"eventId={events[2]}&action=deleted&action=created&{second}") == [("created", events[2])]
    assert await told(api, f"eventId={events[2]}&action=deleted") == []


async def test_every_problem_is_told(api: Api) -> None:
    answer = await api.get("/v1/changes?eventId=x&action=made&limit=0&cursor=x&from=yesterday&offset=1")

    assert answer.status == 400
    assert [problem.split(" ")[0] for problem in answer.message] == [
        "eventId", "action[0]", "from", "limit", "cursor", "offset",
    ]  # fmt: skip
    assert answer.message[4] == "cursor should be meta.next of the page before; leave it out to begin with the newest"
    wrong = await api.get("/v1/changes?from=2030-01-02T00:00:00Z&to=2030-01-02T00:00:00Z&offset=1")
    assert wrong.status == 400
    assert wrong.message == [
        "from should be before to",
        "offset is not known here; known are eventId, objectId, action, from, to, limit, cursor",
    ]
    for cursor in ("W10", "WzEsMl0", "WzEsIngiXQ", "%C3%A4", "a" * 300, "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTksIngiXQ"):
        assert (await api.get(f"/v1/changes?cursor={cursor}")).status == 400, cursor


@pytest.mark.parametrize(
    ("sent", "kept"), [("deploy-17:a.b_c", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("", False)]
)
async def test_a_request_is_called_what_its_client_calls_it(api: Api, sent: str, kept: bool) -> None:
    headers = {"X-Request-Id": sent}
    body = {"eventOwner": "a@b.example", "endDate": "2031-01-01T00:00:00Z", "interval": "* * * * *"}
    answer = await api.post("/v1/events", {**body, "callbackUrl": "https://api.yourapi.com"}, headers=headers)
    (row,) = await log_of(api, "action=created")

    assert row["requestId"] == answer.headers["X-Request-Id"]
    assert (row["requestId"] == sent) is kept
    assert (await api.get("/v1/nothing", headers={"X-Request-Id": "lost"})).headers["X-Request-Id"] == "lost"
