"""Every refusal has one shape and a precise 4xx, whatever is sent; only we are to blame for a 5xx."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from api_service.keys import SHARDS
from api_service.store.database import Database
from tests.integration.api.stage import NEW_EVENT, NOW, Answer, Api, Server, StandingClock, compose

JSON = {"Content-Type": "application/json"}
REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    417: "Expectation Failed",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def assert_shape(answer: Answer, status: int) -> None:
    """The one shape, to the byte."""
    assert answer.status == status, answer.text
    assert answer.text == json.dumps(
        {
            "statusCode": status,
            "message": answer.message,
            "error": REASONS[status],
            "timestamp": "2030-03-17T17:46:40.000Z",
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    assert answer.message
    assert all(answer.message)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_every_problem_is_told_at_once(api: Api) -> None:
    answer = await api.post(
        "/v1/events?verbose=1",
        {"endDate": "2020-01-01T00:00:00Z", "interval": "61 * * * * *", "callbackUrl": "nowhere", "colour": "red"},
        headers={"Idempotency-Key": "not visible ASCII"},
    )

    assert_shape(answer, 400)
    assert [said.split()[0] for said in answer.message] == [
        "verbose", "Idempotency-Key", "eventOwner", "endDate", "interval", "callbackUrl", "colour",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"", JSON, 400, "the body is empty"),
        (b"{", JSON, 400, "the body should be valid JSON"),
        (b"[]", JSON, 400, "the body should be a JSON object"),
        (b"null", JSON, 400, "the body should be a JSON object"),
        (b"\xff\xfe", JSON, 400, "the body should be UTF-8"),
        (b'{"a": NaN}', JSON, 400, "NaN is not a JSON number"),
        (b'{"a": 1e400}', JSON, 400, "a number out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", JSON, 400, "a number of more than 100 digits"),
        (b"[" * 60_000, JSON, 400, "nested too deeply"),
        (b'{"tags": ["\\u0000"]}', JSON, 400, "a NUL"),
        (b'{"context": {"\\ud800": 1}}', JSON, 400, "half of a surrogate pair"),
        (b'{"tags": [], "tags": []}', JSON, 400, "the key 'tags' more than once"),
        (b'{"a": "' + b"x" * 65_529 + b'"}', JSON, 413, "the body should have at most 65536 bytes"),
        (b"{}", {}, 415, "Content-Type should be application/json"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "Content-Type should be application/json"),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "Content-Type should be application/json"),
        (b"{}", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "Content-Type should be application/json"),
        (
            b"{}",
            {"Content-Type": "application/json; charset=latin-1"},
            415,
            "the charset in Content-Type should be utf-8",
        ),
        (b"{}", {"Content-Type": "rubbish"}, 415, "Content-Type should be application/json"),
        (gzip.compress(b"{}", mtime=0), JSON, 400, "the body should be UTF-8"),
        (gzip.compress(b"{}", mtime=0), JSON | {"Content-Encoding": "gzip"}, 415, "Content-Encoding is not understood"),
        (b"no gzip", JSON | {"Content-Encoding": "gzip"}, 415, "Content-Encoding is not understood"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/events", "/v1/register", "/v1/preview"])
async def test_a_body_that_cannot_be_read_is_refused(
    api: Api, path: str, body: bytes, headers: Mapping[str, str], status: int, said: str
) -> None:
    kind = {"skip_auto_headers": ["Content-Type"]} if not headers else {}
    answer = await api.ask("POST", path, data=body, headers=headers, **kind)

    assert_shape(answer, status)
    assert said in answer.message[0]


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=UTF-8", "application/cloudevents+json", "APPLICATION/JSON"]
)
async def test_json_may_be_called_by_its_names(api: Api, kind: str) -> None:
    answer = await api.ask("POST", "/v1/events", data=json.dumps(NEW_EVENT), headers={"Content-Type": kind})

    assert answer.status == 201


async def test_a_body_of_the_greatest_size_is_read(api: Api) -> None:
    sent = json.dumps(NEW_EVENT | {"context": {"a": ""}})
    body = sent.replace('"a": ""', f'"a": "{"x" * (65_536 - len(sent))}"')

    assert (await api.ask("POST", "/v1/events", data=body, headers=JSON)).status == 201
    assert (await api.ask("POST", "/v1/events", data=f"{body} ", headers=JSON)).status == 413


async def test_a_body_of_unknown_length_is_bounded_too(api: Api) -> None:
    async def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1024

    answer = await api.ask("POST", "/v1/events", data=chunks(), headers=JSON)
    assert_shape(answer, 413)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/v1", 404, None),
        ("GET", "/v2/events", 404, None),
        ("GET", "/v1/events/", 404, None),
        ("POST", "/v1/events/x/stop", 404, None),
        ("GET", "/%00", 404, None),
        ("GET", "/%ED%A0%80", 404, None),
        ("GET", "/docs/secret.txt", 404, None),
        ("PATCH", "/v1/events", 405, "GET,HEAD,POST"),
        ("DELETE", "/v1/events", 405, "GET,HEAD,POST"),
        ("PUT", "/v1/events/x", 405, "DELETE,GET,HEAD,PATCH"),
        ("OPTIONS", "/v1/event/x", 405, "DELETE,GET,HEAD,PATCH"),
        ("GET", "/v1/events/x/pause", 405, "POST"),
        ("GET", "/v1/register", 405, "POST"),
        ("TRACE", "/v1/events", 405, "GET,HEAD,POST"),
        ("POST", "/healthz", 405, "GET,HEAD"),
    ],
)
async def test_what_is_nowhere_or_not_allowed(api: Api, method: str, path: str, status: int, allow: str | None) -> None:
    answer = await api.ask(method, path)

    assert_shape(answer, status)
    assert answer.headers.get("Allow") == allow
    if allow is not None:
        assert answer.message == [f"{method} is not allowed here; allowed are {allow.replace(',', ', ')}"]


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/x", "/nowhere"])
async def test_head_is_get_without_a_body(api: Api, path: str) -> None:
    answer = await api.ask("HEAD", path)

    assert answer.status == (await api.get(path)).status
    assert answer.text == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/events/01Q9GD6E00HTEBQW40SS57866H?a=1"),
        ("DELETE", "/v1/events/01Q9GD6E00HTEBQW40SS57866H?a=1"),
        ("POST", "/v1/events/01Q9GD6E00HTEBQW40SS57866H/pause?a=1"),
        ("POST", "/v1/events/01Q9GD6E00HTEBQW40SS57866H/resume?a=1"),
        ("POST", "/v1/events/01Q9GD6E00HTEBQW40SS57866H/trigger?a=1"),
        ("GET", "/v1/events/01Q9GD6E00HTEBQW40SS57866H/executions?a=1"),
        ("GET", "/v1/events?a=1"),
    ],
)
async def test_unknown_parameters_are_refused_by_name(api: Api, method: str, path: str) -> None:
    answer = await api.ask(method, path)

    assert_shape(answer, 400)
    assert answer.message[0].startswith("a is not known here; ")


@pytest.mark.parametrize(
    "raw",
    [
        "query[tags][999999999]=x",
        "query[tags",
        "limit=1e3",
        "query=%00",
        "a=%ff",
        "query[tags]=%ED%A0%80",
        "&".join(["a=1"] * 600),
    ],
)
async def test_query_strings_that_cannot_be_meant(api: Api, raw: str) -> None:
    assert_shape(await api.get(f"/v1/events?{raw}"), 400)


@pytest.mark.parametrize("keys", [[""], ["with blank"], ["ümlaut"], ["x" * 256], ["a", "b"]])
async def test_idempotency_keys_that_are_none(api: Api, keys: list[str]) -> None:
    headers: Any = [("Idempotency-Key", key) for key in keys] + [("X-API-Key", api.key)]
    async with api.client.session.post(api.client.make_url("/v1/events"), json=NEW_EVENT, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["message"][0].startswith("Idempotency-Key should be one header of 1 to 255")


async def test_what_nobody_foresaw_is_an_opaque_500(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock
) -> None:
    app = compose(database, clock)
    app[SHARDS] = 10**9  # more than this installation has: a mistake of ours, which a client must not see
    client = await aiohttp_client(Server(app))
    broken = await Api(client, clock).newcomer()
    answer = await broken.post("/v1/events", NEW_EVENT)

    assert_shape(answer, 500)
    assert answer.message == ["something went wrong on our side; it is logged and it is not your request"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/events"), ("POST", "/v1/events"), ("POST", "/v1/register")])
async def test_without_postgres_everything_is_503(
    aiohttp_client: Callable[..., Awaitable[Any]], clock: StandingClock, unused_tcp_port: int, method: str, path: str
) -> None:
    away = await Database.open(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/nothing")
    client = await aiohttp_client(Server(compose(away, clock)))
    body = {"json": {"appName": "x"}} if method == "POST" else {}
    answer = await Api(client, clock, "ck_any").ask(method, path, **body)
    await away.close()

    assert_shape(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert clock.moment == NOW
