"""Previews, documents, and what an operator asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api_service import limits
from api_service.keys import PREVIEWS, READINESS
from api_service.schemas.previews import read_preview
from api_service.store.database import Database
from api_service.store.migrations import require_schema
from api_service.usecases.looking import preview
from shared.bus.port import BusUnavailable
from tests.integration.api.stage import NEW_EVENT, NOW, Api, Server, StandingClock, compose


async def test_a_preview_says_when_and_in_words(api: Api) -> None:
    answer = await api.post("/v1/preview", {"interval": "0 30 9 * * 1-5", "timezone": "europe/berlin", "count": 3})

    assert answer.status == 200
    assert list(answer.data) == ["instants", "description"]
    assert answer.data["instants"] == [
        "2030-03-18T08:30:00.000Z",
        "2030-03-19T08:30:00.000Z",
        "2030-03-20T08:30:00.000Z",
    ]
    assert isinstance(answer.data["description"], str)
    assert answer.data["description"]


async def test_a_preview_counts_strictly_after_from(api: Api) -> None:
    sent = {"interval": "0 0 * * *", "from": "2030-01-01T01:00:00+01:00", "count": 1}

    assert (await api.post("/v1/preview", sent)).data["instants"] == ["2030-01-02T00:00:00.000Z"]


async def test_while_a_rare_rule_is_previewed_all_else_goes_on() -> None:
    wanted = read_preview({"interval": "0 0 0 ? 2 sun#5", "timezone": "America/New_York", "count": 100}, NOW)
    computing = asyncio.create_task(preview(wanted, asyncio.Lock()))

    done, _ = await asyncio.wait({computing}, timeout=0)
    assert not done  # on the event loop it would have been computed by now

    instants, _ = await computing
    assert len(instants) == 100


async def test_a_preview_waits_for_its_turn_and_not_for_ever(
    api: Api, database: Database, clock: StandingClock, aiohttp_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = compose(database, clock)
    mine = Api(await aiohttp_client(Server(app)), clock, api.key)
    monkeypatch.setattr(limits, "PREVIEW_SECONDS", 0)

    async with app[PREVIEWS]:
        late = await mine.post("/v1/preview", {"interval": "@daily"})
    assert (late.status, late.headers["Retry-After"]) == (503, "1")
    assert late.message == ["More previews are asked for than can be computed; try again shortly."]
    assert (await mine.post("/v1/preview", {"interval": "@daily"})).status == 200


async def test_a_preview_is_what_an_event_does(api: Api) -> None:
    event = await api.create(interval="*/7 13 * 3-5 mon#2")
    preview = await api.post("/v1/preview", {"interval": "*/7 13 * 3-5 mon#2"})

    assert len(preview.data["instants"]) == 10
    assert preview.data["instants"][0] == event["nextRunDate"]


@pytest.mark.parametrize(
    ("different", "said"),
    [
        ({"interval": "nope"}, "interval is not a valid cron expression: "),
        ({"timezone": "Mars"}, "timezone is not an IANA time zone: "),
        ({"count": 0}, "count should be a whole number from 1 to 100"),
        ({"count": 101}, "count should be a whole number from 1 to 100"),
        ({"count": "3"}, "count should be a whole number from 1 to 100"),
        ({"count": True}, "count should be a whole number from 1 to 100"),
        ({"count": 1.0}, "count should be a whole number from 1 to 100"),
        ({"count": 10**90}, "count should be a whole number from 1 to 100"),
        ({"from": "yesterday"}, "from should be an ISO 8601 date"),
        ({"until": 1}, "until is not known here; known are interval, timezone, from, count"),
    ],
)
async def test_a_preview_is_refused_by_name(api: Api, different: dict[str, Any], said: str) -> None:
    answer = await api.post("/v1/preview", {"interval": "* * * * *"} | different)

    assert answer.status == 400
    assert len(answer.message) == 1
    assert answer.message[0].startswith(said)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/docs", "text/html"),
        ("/docs/style.css", "text/css"),
        ("/docs/script.js", "text/javascript"),
        ("/openapi.json", "application/json"),
    ],
)
async def test_the_documents_are_open_and_load_only_what_is_ours(api: Api, path: str, kind: str) -> None:
    answer = await Api(api.client, api.clock).get(path)

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


async def test_the_document_is_served(api: Api) -> None:
    assert (await api.get("/openapi.json")).json["openapi"] == "3.1.0"


async def test_a_living_process_says_so(api: Api) -> None:
    assert (await api.get("/healthz")).json == {"data": {"status": "ok"}}


async def test_ready_is_when_everything_answers_that_requests_need(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock, unused_tcp_port: int
) -> None:
    away = await Database.open(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/nothing")

    async def bus_away() -> None:
        raise BusUnavailable

    async def there() -> None:
        await require_schema(database)

    ready, waiting, unready = compose(database, clock), compose(database, clock), compose(database, clock)
    ready[READINESS] = {"postgres": there, "bus": there}
    waiting[READINESS] = {"postgres": there, "bus": bus_away}
    unready[READINESS] = {"postgres": lambda: require_schema(away), "bus": bus_away, "other": there}
    yes = await Api(await aiohttp_client(Server(ready)), clock).get("/readyz")
    still = await Api(await aiohttp_client(Server(waiting)), clock).get("/readyz")
    no = await Api(await aiohttp_client(Server(unready)), clock).get("/readyz")
    await away.close()

    assert (yes.status, yes.json) == (200, {"data": {"postgres": "ok", "bus": "ok"}})
    assert (still.status, still.json) == (200, {"data": {"postgres": "ok", "bus": "cannot be reached"}}), "changes wait"
    assert (no.status, no.json["error"], no.headers["Retry-After"]) == (503, "Service Unavailable", "1")
    assert no.message == ["postgres cannot be reached", "bus cannot be reached"]


async def test_requests_are_counted_by_route_and_never_by_what_a_client_makes_up(api: Api) -> None:
    event = await api.create()
    await api.get(f"/v1/events/{event['eventId']}")
    await api.get("/made/up")
    await api.post("/v1/events", NEW_EVENT | {"interval": "wrong"})
    answer = await api.get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'carillon_http_requests_total{method="GET",route="/v1/events/{event_id}",status="200"}' in answer.text
    assert 'carillon_http_requests_total{method="POST",route="/v1/events",status="400"}' in answer.text
    assert re.search(
        r'carillon_http_request_seconds_bucket\{le="[^"]+",method="POST",route="/v1/events"\}', answer.text
    )
    assert 'route="none"' in answer.text
    assert "made/up" not in answer.text
    assert event["eventId"] not in answer.text


async def test_the_relay_is_woken_once_a_change_is_committed(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database, clock: StandingClock
) -> None:
    woken: list[str] = []
    client = await aiohttp_client(Server(compose(database, clock, wake=lambda: woken.append("woken"))))
    api = await Api(client, clock).newcomer()
    event = await api.create()
    path = f"/v1/events/{event['eventId']}"
    assert len(woken) == 1

    await api.get(path)
    await api.patch(path, {})
    await api.post(f"{path}/resume")
    assert len(woken) == 1

    await api.patch(path, {"tags": []})
    await api.post(f"{path}/trigger")
    await api.post(f"{path}/pause")
    await api.post(f"{path}/resume")
    await api.delete(path)
    assert len(woken) == 6
