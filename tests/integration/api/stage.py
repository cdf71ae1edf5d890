"""A client of the API and the clock it lives by: what every test of the API stands on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from api_service import limits
from api_service.handlers.routes import add_routes
from api_service.keys import (
    BATCHES,
    CALENDARS,
    CLOCK,
    DATABASE,
    EGRESS,
    ENDING,
    ENTROPY,
    LEDGER_SUCCESS_DAYS,
    OUTBOX_WAKE,
    PREVIEWS,
    QUOTA_EVENTS,
    RATE,
    READINESS,
    REGISTRATION_TOKEN,
    SHARDS,
    WINDOWS,
)
from api_service.middleware import MIDDLEWARES
from api_service.protocol import Runner
from api_service.resources import FAILED, sharing
from api_service.store.database import Database
from api_service.store.migrations import require_schema
from api_service.usecases.turns import Turns
from shared.domain.egress import STRICT
from shared.domain.token_bucket import Buckets
from shared.timing.instants import Instant

SHARD_COUNT = 8
NOW: Instant = 1_900_000_000_000  # 2030-03-17T17:46:40.000Z
HOUR = 3_600_000
DAY = 24 * HOUR

NEW_EVENT: dict[str, Any] = {
    "eventOwner": "user@example.com",
    "endDate": "2030-09-02T05:11:59.708Z",
    "interval": "* * * 1 * *",
    "callbackUrl": "https://api.yourapi.com",
    "context": {"user": 12345},
    "tags": ["prod"],
}


class StandingClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: Instant = NOW) -> None:
        self.moment = now

    def now(self) -> Instant:
        return self.moment

    def steady(self) -> float:
        return self.moment / 1000

    async def sleep(self, seconds: float) -> None:
        self.moment += round(seconds * 1000)


@dataclass(kw_only=True)
class Answer:
    """A status, headers and what the body says."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any = field(default=None)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def message(self) -> list[str]:
        return list(self.json["message"])


class Server(TestServer):
    """aiohttp's test server with the product's own runner, which lets a handler go on when its client hangs up."""

    async def _make_runner(self, **kwargs: Any) -> web.AppRunner:
        return Runner(self.app, **kwargs | {"handler_cancellation": False})


class Api:
    """One application's way to the API."""

    def __init__(self, client: TestClient[Any, Any], clock: StandingClock, key: str | None = None) -> None:
        self.client = client
        self.clock = clock
        self.key = key

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **kwargs: Any) -> Answer:
        """The answer to a request with this application's key; `path` is sent as it is written."""
        own = {} if self.key is None else {"X-API-Key": self.key}
        url = URL(f"{self.client.make_url('/')}{path.lstrip('/')}", encoded=True)
        async with self.client.session.request(method, url, headers={**own, **(headers or {})}, **kwargs) as response:
            text = await response.text()
            json = await response.json() if text and response.content_type == "application/json" else None
            return Answer(status=response.status, headers=response.headers, text=text, json=json)

    async def get(self, path: str, **kwargs: Any) -> Answer:
        return await self.ask("GET", path, **kwargs)

    async def post(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        return await self.ask("POST", path, **({} if body is None else {"json": body}), **kwargs)

    async def patch(self, path: str, body: Any, **kwargs: Any) -> Answer:
        return await self.ask("PATCH", path, json=body, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> Answer:
        return await self.ask("DELETE", path, **kwargs)

    async def create(self, **different: Any) -> dict[str, Any]:
        """A new event, as it was answered."""
        answer = await self.post("/v1/events", NEW_EVENT | different)
        assert answer.status == 201, answer.text
        created: dict[str, Any] = answer.data
        return created

    async def newcomer(self) -> Api:
        """Another application."""
        answer = await Api(self.client, self.clock).post("/v1/register", {"appName": f"app {os.urandom(8).hex()}"})
        assert answer.status == 201, answer.text
        return Api(self.client, self.clock, answer.data["apiKey"])


def compose(
    database: Database,
    clock: StandingClock,
    *,
    wake: Any = lambda: None,
    token: str | None = None,
    rate: int = 0,
    quota: int = 0,
) -> web.Application:
    """The application without its loops."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=limits.BODY_BYTES)
    app[DATABASE] = database
    app[ENDING] = asyncio.Event()
    app[FAILED] = asyncio.Event()
    app[CLOCK] = clock
    app[ENTROPY] = os.urandom
    app[EGRESS] = STRICT
    app[SHARDS] = SHARD_COUNT
    app[PREVIEWS] = asyncio.Lock()
    app[CALENDARS] = asyncio.Lock()
    app[WINDOWS] = asyncio.Lock()
    app[BATCHES] = Turns(limits.BATCHES, of_one=limits.BATCHES_OF_ONE)
    app[RATE] = Buckets(rate=rate, burst=rate) if rate else None
    app[QUOTA_EVENTS] = quota
    app[LEDGER_SUCCESS_DAYS] = 30
    app[REGISTRATION_TOKEN] = token
    app[OUTBOX_WAKE] = wake
    app[READINESS] = {"postgres": lambda: require_schema(database)}
    app.cleanup_ctx.append(sharing())
    add_routes(app)
    return app
