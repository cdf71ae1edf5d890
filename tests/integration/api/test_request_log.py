"""Every request has one line, by which it is found; every line logged for it carries its id; no secret is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from api_service.keys import READINESS
from api_service.store.database import Database
from shared.observability.logs import get_logger, with_context
from tests.integration.api.stage import NEW_EVENT, Api, Server, StandingClock, compose

log = get_logger(__name__)


@pytest.fixture
def told() -> Iterator[list[Any]]:
    with capture_logs(processors=[with_context]) as lines:
        yield lines


async def test_a_request_has_one_line_with_what_is_known_of_it(api: Api, told: list[Any]) -> None:
    event = await api.create()
    told.clear()

    answer = await api.get(f"/v1/events/{event['eventId']}", headers={"X-Request-Id": "mine-1"})

    (line,) = told
    assert line.pop("duration_ms") >= 0
    assert line.pop("application_id") > 0
    assert line == {
        "event": "http.answered",
        "log_level": "info",
        "source": "api_service.middleware",
        "request": "mine-1",
        "method": "GET",
        "route": "/v1/events/{event_id}",
        "status": 200,
        "bytes": len(answer.text.encode()),
        "remote": "127.0.0.1",
        "event_id": event["eventId"],
    }


async def test_a_request_of_nobody_is_not_that_of_whoever_asked_before(api: Api, told: list[Any]) -> None:
    """On one connection, one after the other."""
    await api.get("/v1/events")
    await Api(api.client, api.clock, key="ck_wrong").get("/v1/events")
    await Api(api.client, api.clock).get("/v1/nowhere")

    assert [(line["status"], "application_id" in line) for line in told] == [(200, True), (401, False), (404, False)]
    assert len({line["request"] for line in told}) == 3


async def test_what_a_path_names_is_said_by_its_kind_and_only_if_it_can_be_a_name(api: Api, told: list[Any]) -> None:
    event = (await api.create())["eventId"]
    told.clear()
    firing = f"{event}-1900000000000"

    await api.get(f"/v1/events/{event}/executions/{firing}")
    await api.get(f"/v1/events/{api.key}")
    await api.get("/api/v4/schedules/sch_01234567890abc?token=S3CRET")

    assert [(line["route"], line.get("event_id"), line.get("firing"), line.get("object_id")) for line in told] == [
        ("/v1/events/{event_id}/executions/{execution_id}", event, firing, None),
        ("/v1/events/{event_id}", None, None, None),
        ("/api/v4/schedules/{id}", None, None, "sch_01234567890abc"),
    ]
    assert str(api.key) not in str(told)
    assert "S3CRET" not in str(told)


async def test_probes_and_metrics_are_for_who_looks_closer(api: Api, told: list[Any]) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/docs"):
        await api.get(path)

    assert [(line["route"], line["log_level"]) for line in told] == [
        ("/healthz", "debug"),
        ("/readyz", "debug"),
        ("/metrics", "debug"),
        ("/docs", "info"),
    ]


async def test_what_nobody_foresaw_is_in_the_requests_line_with_its_traceback(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock, told: list[Any]
) -> None:
    app = compose(database, clock)

    async def fall_over() -> None:
        log.warning("thing.told")
        raise RuntimeError("S3CRET")

    app[READINESS] = {"odd": fall_over}
    answer = await Api(await aiohttp_client(Server(app)), clock).get("/readyz", headers={"X-Request-Id": "mine-2"})

    assert answer.status == 500
    assert [(line["event"], line["request"]) for line in told] == [
        ("thing.told", "mine-2"),
        ("http.answered", "mine-2"),
    ]
    assert told[1]["exc_info"] is not None
    assert "S3CRET" not in told[1]["error"]


async def test_a_database_that_is_away_is_the_cause_in_the_requests_line(
    aiohttp_client: Callable[..., Awaitable[Any]], clock: StandingClock, told: list[Any], unused_tcp_port: int
) -> None:
    away = await Database.open(f"postgresql://nobody:S3CRET@127.0.0.1:{unused_tcp_port}/nothing")
    api = Api(await aiohttp_client(Server(compose(away, clock))), clock, key="ck_mine")

    await api.post("/v1/events", NEW_EVENT)
    await away.close()

    (line,) = told
    assert (line["status"], line["log_level"]) == (503, "error")
    assert line["error"].startswith("ConnectionRefusedError: ")
    assert "exc_info" not in line
    assert "S3CRET" not in str(told)


async def test_what_is_hardly_http_has_a_line_as_well(api: Api, told: list[Any]) -> None:
    for sent in (b"S3CRET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nExpect: S3CRET\r\nConnection: close\r\n\r\n"):
        reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
        writer.write(sent)
        async with asyncio.timeout(10):
            await reader.read()
        writer.close()

    assert [(line["event"], line["status"]) for line in told] == [("http.refused", 400), ("http.refused", 417)]
    assert "S3CRET" not in str(told)


async def test_a_request_that_is_cut_off_has_a_line(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock, told: list[Any]
) -> None:
    app = compose(database, clock)
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    app[READINESS] = {"slow": hang}
    server = Server(app)
    await server.start_server(shutdown_timeout=0.01)
    client = await aiohttp_client(server)
    asking = asyncio.ensure_future(client.get("/readyz"))
    async with asyncio.timeout(10):
        await begun.wait()
        await server.close()
    with pytest.raises(aiohttp.ClientError):
        await asking

    assert [(line["event"], line["route"]) for line in told] == [("http.cut_off", "/readyz")]


async def test_a_refusal_that_is_foreseen_is_no_error(api: Api, told: list[Any]) -> None:
    await api.post("/v1/events", NEW_EVENT | {"context": "S3CRET", "callbackUrl": "https://u:S3CRET@example.com"})

    (line,) = told
    assert (line["status"], line["log_level"]) == (400, "info")
    assert "S3CRET" not in str(told)
