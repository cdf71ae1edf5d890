"""What the OpenAPI document says of the API is so: whatever fits it, or fails to, is answered as it says.

Schemathesis draws requests from the document, fitting and unfitting ones, and sends them to the API as a process over
a real Postgres and a real broker. Held for every operation: no 5xx, and no status, content type, header or body that
the document does not have. Where an id is in the path, half of the requests name a thing that exists.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import urllib.request
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api_service.openapi.document import document
from tests.integration.api.oncall.stage import ADA, CORE
from tests.integration.api.stage import NEW_EVENT, SHARD_COUNT
from tests.servers.postgres import Postgres
from tests.servers.processes import Recipe, Service, migrate

ANSWERS_WITHIN: Final = 10.0
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

_SENT: Final = {"account_users": ADA, "schedules": CORE}
_WEEKLY: Final = {
    "start_time": "2030-09-02 08:00",
    "end_time": "2030-09-09 08:00",
    "layer": 1,
    "time_zone": "Arizona",
    "repeat": True,
    "frequency": 1,
    "frequency_unit": "weekly",
}

described = schemathesis.openapi.from_dict(document(), config=schemathesis.Config(seed=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An API that answers."""

    url: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def key(self) -> str:
        """The key of a new application: what an example does to its keys is nothing to the next."""
        name = {"appName": f"conforming {next(self.numbers)}"}
        return str(self._post("/v1/register", name)["data"]["apiKey"])

    def names(self, path: str, key: str) -> dict[str, str]:
        """What is named in this path, and exists."""
        if path.startswith("/api/v4/"):
            return self._oncall_names(path, key)
        event = self._post("/v1/events", NEW_EVENT | {"endDate": "2099-01-01T00:00:00Z"}, key)["data"]
        execution = self._post(f"/v1/events/{event['eventId']}/trigger", {}, key)["data"]
        return {
            "eventId": event["eventId"],
            "executionId": execution["executionId"],
            "keyId": self._post("/v1/keys", {}, key)["data"]["keyId"],
        }

    def _oncall_names(self, path: str, key: str) -> dict[str, str]:
        ada, core = (self._post(f"/api/v4/{kind}", sent, key)["id"] for kind, sent in _SENT.items())
        event = self._post("/api/v4/events", _WEEKLY | {"account_user_ids": [ada], "schedule_ids": [core]}, key)["id"]
        kind = path.split("/")[3]
        named = {"account_users": ada, "schedules": core, "events": event}[kind]
        token = self._post(f"/api/v4/{kind}/{named}/feed_tokens", {}, key)["id"] if "{tokenId}" in path else ""
        subscribed = ""
        if "{sid}" in path:
            wanted = {"callbackUrl": "https://example.com/oncall", "on": ["shift.started"]}
            subscribed = self._post(f"/api/v4/schedules/{core}/subscriptions", wanted, key)["id"]
        return {"id": named, "tokenId": token, "sid": subscribed}

    def _post(self, path: str, body: dict[str, Any], key: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
        asked = urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(asked, timeout=ANSWERS_WITHIN) as answer:
            said: dict[str, Any] = json.load(answer)
        return said


@pytest.fixture(scope="module")
def running(postgres: Postgres, rabbit_url: str, scratch: Path) -> Iterator[Running]:
    told = {
        "DATABASE_URL": asyncio.run(postgres.fresh_database()),
        "AMQP_URL": rabbit_url,
        "BUS_PREFIX": f"conformance-{uuid.uuid4().hex[:12]}",
        "SHARDS": str(SHARD_COUNT),
        "LOG_LEVEL": "warning",
    }
    migrate(told)
    api = Service(Recipe.api("conforming-api", scratch, told))
    api.start()
    try:
        asyncio.run(api.ready())
        yield Running(url=api.url)
    finally:
        api.end()


@described.parametrize()
@settings(max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_in_the_document(case: schemathesis.Case[Any], running: Running) -> None:
    key = running.key()
    if case.path_parameters and zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode()) % 2:
        names = running.names(case.operation.path, key)
        case.path_parameters = {name: names[name] for name in case.path_parameters}

    case.call_and_validate(base_url=running.url, headers={"X-API-Key": key}, checks=CHECKS, timeout=ANSWERS_WITHIN)


def test_an_answer_that_is_not_in_the_document_is_found(running: Running) -> None:
    told = document()
    del told["paths"]["/v1/keys"]["get"]["responses"]["200"]
    case = schemathesis.openapi.from_dict(told)["/v1/keys"]["GET"].Case()

    with pytest.RaisesGroup(UndefinedStatusCode):
        case.call_and_validate(base_url=running.url, headers={"X-API-Key": running.key()}, checks=CHECKS)
