"""The conventions of /api/v4: how one comes in, what a body may be, the one shape of refusals, tags and promises."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from api_service.keys import SHARDS
from api_service.store.database import Database
from tests.integration.api.oncall.stage import ADA, CORE, V4, problems
from tests.integration.api.stage import Answer, Api, Server, StandingClock, compose

JSON = {"Content-Type": "application/json"}
FORM = "application/x-www-form-urlencoded"
HELD = """
    select from oncall_application natural join schedule where schedule_id = $1 for update of oncall_application
"""
NOWHERE = "01JD8M2Z9T5R0C4V7K3N6P1QXC"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_key_is_a_token_too(v4: V4, scheme: str) -> None:
    token = {"Authorization": f"{scheme} {v4.api.key}"}
    bare = Api(v4.api.client, v4.api.clock)

    assert (await bare.get("/api/v4/schedules", headers=token)).status == 200
    assert (await bare.get("/v1/events", headers=token)).status == 200
    assert (await v4.ask("GET", "/schedules", headers={"Authorization": "Basic eDp5"})).status == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer ck_x"}, {"Authorization": "Basic eDp5"}, {"X-API-Key": "x"}]
)
@pytest.mark.parametrize("path", ["/api/v4/schedules", f"/api/v4/account_users/{NOWHERE}"])
async def test_without_a_key_nobody_comes_in(v4: V4, path: str, headers: Mapping[str, str]) -> None:
    answer = await Api(v4.api.client, v4.api.clock).get(path, headers=headers)

    assert answer.status == 401
    assert problems(answer) == ["A valid API key is needed, as Authorization: Bearer or in the header X-API-Key."]
    assert answer.headers["WWW-Authenticate"] == "Bearer, ApiKey"


async def test_the_rate_is_that_of_the_application(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock
) -> None:
    client = await aiohttp_client(Server(compose(database, clock, rate=2)))
    v4 = V4(await Api(client, clock).newcomer())
    answers = [await v4.ask("GET", "/schedules"), await v4.api.get("/v1/events"), await v4.ask("GET", "/schedules")]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "1"
    assert problems(answers[2])


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"", JSON, 400, "the body is empty; send a JSON object or a form"),
        (b" ", {"Content-Type": FORM}, 400, "the body is empty; send a JSON object or a form"),
        (b"{", JSON, 400, "the body should be valid JSON"),
        (b"[]", JSON, 400, "the body should be a JSON object"),
        (b"null", JSON, 400, "the body should be a JSON object"),
        (b"\xff", JSON, 400, "the body should be UTF-8"),
        (b'{"name": "\\u0000"}', JSON, 400, "the body has a NUL"),
        (b"name=%ff", {"Content-Type": FORM}, 400, "the form should be percent-encoded UTF-8"),
        (b"name=\xff", {"Content-Type": FORM}, 400, "the form should be percent-encoded UTF-8"),
        (b"name=%00", {"Content-Type": FORM}, 400, "the form has a NUL"),
        (b"a[b=1", {"Content-Type": FORM}, 400, "'a[b' is not a parameter's name"),
        (b"{}", {"Content-Type": "text/plain"}, 415, f"Content-Type should be application/json or {FORM}"),
        (b"{}", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "Content-Type should be"),
        (b"{}", {}, 415, "Content-Type should be"),
        (b"{}", JSON | {"Content-Encoding": "gzip"}, 415, "Content-Encoding is not understood"),
        (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415, "the charset in Content-Type"),
        (b'{"a": "' + b"x" * 65_536 + b'"}', JSON, 413, "the body should have at most 65536 bytes"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/account_users"), ("PUT", "/schedules/{id}")])
async def test_a_body_that_cannot_be_read_is_refused(
    v4: V4, method: str, path: str, body: bytes, headers: Mapping[str, str], status: int, said: str
) -> None:
    schedule = await v4.schedule()
    bare = {"skip_auto_headers": ["Content-Type"]} if not headers else {}
    answer = await v4.api.ask(method, f"/api/v4{path.format(**schedule)}", data=body, headers=headers, **bare)

    assert answer.status == status, answer.text
    assert problems(answer)[0].startswith(said)


async def test_no_body_at_all_is_an_empty_one(v4: V4) -> None:
    answer = await v4.ask("POST", "/schedules")

    assert answer.status == 400
    assert problems(answer) == ["the body is empty; send a JSON object or a form"]


async def test_a_form_says_what_json_says(v4: V4) -> None:
    sent = "name=Ada+L%C3%B6vel&email=ada%40example.com&time_zone=London&meta[team]=core&meta[on][]=1&meta[on][]=2"
    answer = await v4.form("POST", "/account_users", sent)

    assert answer.status == 201
    assert answer.json["name"] == "Ada Lövel"
    assert answer.json["meta"] == {"team": "core", "on": ["1", "2"]}
    changed = await v4.form("PUT", f"/account_users/{answer.json['id']}", "time_zone=Tokyo&meta=")
    assert (changed.json["time_zone"], changed.json["name"], changed.json["meta"]) == (
        "Tokyo",
        "Ada Lövel",
        {},
    )
    refused = await v4.form("POST", "/account_users", "name=&email=")
    assert problems(refused) == ["name can't be blank", "email can't be blank"]


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/api/v4", 404, None),
        ("GET", "/api/v4/", 404, None),
        ("GET", "/api/v4/teams", 404, None),
        ("POST", "/api/v4/account_users/x/y", 404, None),
        ("GET", "/api/v4/%00", 404, None),
        ("DELETE", "/api/v4/account_users", 405, "GET,HEAD,POST"),
        ("POST", "/api/v4/schedules/x", 405, "DELETE,GET,HEAD,PATCH,PUT"),
    ],
)
async def test_what_is_nowhere_or_not_allowed(v4: V4, method: str, path: str, status: int, allow: str | None) -> None:
    answer = await v4.api.ask(method, path)

    assert answer.status == status
    assert problems(answer)
    assert answer.headers.get("Allow") == allow


async def test_an_expectation_that_is_not_met_has_the_shape_too(v4: V4) -> None:
    answer = await v4.ask("GET", "/schedules", headers={"Expect": "200-maybe"})

    assert answer.status == 417
    assert problems(answer) == ["Expect should be 100-continue, or left out"]


async def test_elsewhere_the_shape_is_the_old_one(v4: V4) -> None:
    assert list((await v4.api.get("/api/v40")).json) == ["statusCode", "message", "error", "timestamp"]


async def test_what_nobody_foresaw_has_the_shape_too(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock
) -> None:
    app = compose(database, clock)
    client = await aiohttp_client(Server(app))
    v4 = V4(await Api(client, clock).newcomer())
    del app._state[SHARDS]
    answer = await v4.ask("GET", "/schedules")

    assert answer.status == 500
    assert problems(answer) == ["something went wrong on our side; it is logged and it is not your request"]


async def test_a_read_is_told_only_what_is_new(v4: V4) -> None:
    ada = await v4.person()
    for path in (f"/account_users/{ada['id']}", "/account_users?limit=1"):
        first = await v4.ask("GET", path)
        tag = first.headers["ETag"]
        assert tag.startswith('"')
        assert first.headers["Cache-Control"] == "private, no-cache"
        for known in (tag, f"W/{tag}", "*", f'"x", {tag}'):
            for method in ("GET", "HEAD"):
                again = await v4.ask(method, path, headers={"If-None-Match": known})
                assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag)
        for unknown in ('"x"', 'W/"x"', "rubbish", tag.strip('"')):
            assert (await v4.ask("GET", path, headers={"If-None-Match": unknown})).text == first.text

        await v4.ask("PUT", f"/account_users/{ada['id']}", {"name": f"{tag} is old"})
        anew = await v4.ask("GET", path, headers={"If-None-Match": tag})
        assert anew.status == 200
        assert anew.headers["ETag"] != tag


async def test_head_is_get_without_a_body(v4: V4) -> None:
    ada = await v4.person()
    for path in ("/account_users", f"/account_users/{ada['id']}", f"/account_users/{NOWHERE}"):
        head, get = await v4.ask("HEAD", path), await v4.ask("GET", path)
        assert (head.status, head.text, head.headers.get("ETag")) == (get.status, "", get.headers.get("ETag"))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/account_users", "/schedules"])
async def test_who_was_slower_is_told_so(v4: V4, method: str, path: str) -> None:
    made = await v4.made(path, ADA)
    seen = (await v4.ask("GET", f"{path}/{made['id']}")).headers["ETag"]
    changed = await v4.ask("PUT", f"{path}/{made['id']}", {"name": "Grace"}, headers={"If-Match": seen})
    assert changed.status == 200

    for old in (seen, f"W/{changed.headers['ETag']}", '"x"'):
        late = await v4.ask(method, f"{path}/{made['id']}", {"name": "Ada"}, headers={"If-Match": old})
        assert late.status == 412
        assert problems(late) == ["This has changed since If-Match's ETag was given; get it anew and send its ETag."]
    assert (await v4.ask(method, f"{path}/{made['id']}", {}, headers={"If-Match": "rubbish"})).status == 400
    right = f'"x", {changed.headers["ETag"]}'
    done = await v4.ask(method, f"{path}/{made['id']}", {"name": "Ada"}, headers={"If-Match": right})
    assert done.status == (204 if method == "DELETE" else 200)


async def test_what_is_expected_is_looked_at_when_it_is_ones_turn(v4: V4, database: Database) -> None:
    made = await v4.schedule()
    seen = {"If-Match": (await v4.ask("GET", f"/schedules/{made['id']}")).headers["ETag"]}
    async with asyncio.TaskGroup() as tasks, database.transaction() as c:
        await c.execute(HELD, made["id"])
        late = tasks.create_task(v4.ask("PUT", f"/schedules/{made['id']}", {"name": "late"}, headers=seen))
        await _waiting(database, late)
        await c.execute("update schedule set name = 'first' where schedule_id = $1", made["id"])

    assert late.result().status == 412
    assert (await v4.ask("GET", f"/schedules/{made['id']}")).json["name"] == "first"


@pytest.mark.parametrize(("path", "sent"), [("/account_users", ADA), ("/schedules", CORE)])
async def test_a_promise_makes_one_thing_however_often_it_is_asked_for(v4: V4, path: str, sent: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "a-key"}
    answers = await _together([v4.ask("POST", path, sent, headers=key) for _ in range(8)])

    assert {(answer.status, answer.text, answer.headers["ETag"]) for answer in answers} == {
        (201, answers[0].text, answers[0].headers["ETag"])
    }
    assert (await v4.ask("GET", path)).json["total_count"] == 1
    form = "&".join(f"{name}={value}" for name, value in reversed(sent.items()))
    assert (await v4.form("POST", path, form, key)).text == answers[0].text

    other_body = await v4.ask("POST", path, sent | {"name": "other"}, headers=key)
    other_path = await v4.ask("POST", "/schedules" if path == "/account_users" else "/account_users", sent, headers=key)
    for answer in (other_body, other_path):
        assert answer.status == 422
        assert problems(answer)[0].startswith("This Idempotency-Key was used before")
    assert (await (await v4.other()).ask("POST", path, sent, headers=key)).json["id"] != answers[0].json["id"]
    assert (await v4.ask("POST", path, sent, headers={"Idempotency-Key": "a b"})).status == 400


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/schedules?limit=1&limit=1", "limit should be a whole number from 1 to 100"),
        ("DELETE", f"/events/{NOWHERE}?dry_run=true&dry_run=true", "dry_run should be true or false"),
        ("DELETE", f"/events/{NOWHERE}?restore=true&restore=true", "restore should be true or false"),
        ("GET", f"/schedules/{NOWHERE}/coverage?format=csv&format=csv", "format should be csv or json"),
        ("GET", f"/schedules/{NOWHERE}/window_events?start=1&start=1", "start should be given once, as a time"),
    ],
)
async def test_what_is_said_twice_is_not_guessed(v4: V4, method: str, path: str, said: str) -> None:
    answer = await v4.ask(method, path)

    assert answer.status in {400, 422}
    assert said in problems(answer)


async def _together(asked: list[Any]) -> list[Answer]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one) for one in asked]
    return [task.result() for task in running]


async def _waiting(database: Database, request: asyncio.Task[Answer]) -> None:
    """Until the request waits for somebody's lock, or does not."""
    async with asyncio.timeout(5), database.connection() as c:
        while not request.done():
            if await c.fetchval("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"):
                return
