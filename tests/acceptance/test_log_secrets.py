"""Both services, at their most talkative, through every kind of failure: a line is an object, and holds no secret.

The database breaks in a way that quotes rows, callbacks fail at every stage, the broker and the mail server are away or
let nobody in, and messages come that nobody can read.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import asyncpg
import pytest
from yarl import URL

from deploy.local.process import free_port
from shared.bus.port import Work
from shared.bus.rabbit import RabbitBus
from tests.servers.postgres import Postgres
from tests.servers.processes import Recipe, Service, eventually, migrate
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

REGISTRATION: Final = "T0K3N-registration"
PASSWORD: Final = "P4SSW0RD/of@a:server"
QUERY: Final = "QU3RY-of-a-callback"
HEADER: Final = "H3AD3R-of-a-callback"
CONTEXT: Final = "C0NT3XT-of-an-event"
SENT: Final = "S3NT-by-a-stranger"
SECRETS: Final = (REGISTRATION, PASSWORD, quote(PASSWORD, safe=""), QUERY, HEADER, CONTEXT, SENT)

# What a broken database answers to a new row says what is in the row.
BREAKS: Final = "alter table event add constraint never check (callback_url = '') not valid"


class Installation:
    """One of each service, and a client of theirs."""

    def __init__(self, folder: Path, settings: dict[str, str], session: aiohttp.ClientSession) -> None:
        self.settings = settings
        self.api = Service(Recipe.api("talkative-api", folder, settings))
        self.dispatcher = Service(Recipe.dispatcher("talkative-dispatcher", folder, settings | {"LOG_RINGS": "all"}))
        self.folder = folder
        self._session = session
        self.secrets = {*SECRETS, str(URL(settings["DATABASE_URL"]).password)}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            asyncio.timeout(30),
            self._session.request(method, f"{self.api.url}{path}", json=body, headers=named) as answer,
        ):
            return answer.status, await answer.json()

    async def strange(self, settings: dict[str, str]) -> None:
        """A service of each kind that has everything but what these settings take from it; for a moment."""
        strange, number = self.settings | settings, os.urandom(4).hex()
        several = [Service(Recipe.api(f"strange-api-{number}", self.folder, strange))]
        if "AMQP_URL" in settings:
            several.append(Service(Recipe.dispatcher(f"strange-dispatcher-{number}", self.folder, strange)))
        for one in several:
            one.start()
        try:
            for one in several:
                await says(one, ".lost", "session.ended", "service.loop_failed")
        finally:
            for one in several:
                one.end()
                await one.gone()  # also where it has ended by itself

    def lines(self) -> Iterator[str]:
        for log in self.folder.glob("*.log"):
            yield from log.read_text(errors="replace").splitlines()


async def says(service: Service, *events: str, times: int = 1) -> None:
    """Return once the service has said one of these so often."""

    async def is_said() -> bool:
        text = service.log.read_text(errors="replace") if service.log.exists() else ""
        return sum(text.count(f'{event}"') for event in events) >= times

    await eventually(is_said, within=60, what=lambda: f"{events} of\n{service.tail()}")


@pytest.fixture
async def installation(
    tmp_path: Path, postgres: Postgres, rabbit: Rabbit, bus_prefix: str
) -> AsyncIterator[Installation]:
    settings = {
        "DATABASE_URL": await postgres.fresh_database(),
        "AMQP_URL": rabbit.url,
        "BUS_PREFIX": bus_prefix,
        "EGRESS_ALLOW": "127.0.0.1",
        "SHARDS": "4",
        "LOG_LEVEL": "debug",
        "REGISTRATION_TOKEN": REGISTRATION,
        "SMTP_URL": f"smtp://user:{quote(PASSWORD, safe='')}@127.0.0.1:{free_port()}",
    }
    await asyncio.to_thread(migrate, settings)
    async with aiohttp.ClientSession() as session:
        made = Installation(tmp_path, settings, session)
        made.api.start()
        made.dispatcher.start()
        try:
            await made.api.ready(within=60)
            await made.dispatcher.ready(within=60)
            yield made
        finally:
            made.api.end()
            made.dispatcher.end()


@pytest.fixture
async def receiver() -> AsyncIterator[str]:
    receiver = Receiver.started()
    yield receiver.url
    receiver.end()


async def clients_of_every_kind(at: Installation) -> str:
    """Requests that are let in and refused; the key that opens."""
    status, said = await at.ask("POST", "/v1/register", {"appName": "app"}, X_Registration_Token=REGISTRATION)
    assert status == 201
    key: str = said["data"]["apiKey"]
    at.secrets |= {key, said["data"]["signingSecret"].removeprefix("whsec_")}
    event = {"callbackUrl": f"https://user:{quote(PASSWORD, safe='')}@example.com/{QUERY}", "context": CONTEXT}

    assert (await at.ask("POST", "/v1/register", {"appName": "b"}, X_Registration_Token=SENT))[0] == 401
    assert (await at.ask("GET", "/v1/events", X_API_Key=SENT))[0] == 401
    assert (await at.ask("GET", "/v1/events", Authorization=f"Bearer {SENT}"))[0] == 401
    assert (await at.ask("POST", "/v1/events", event, X_API_Key=key))[0] == 400
    assert (await at.ask("POST", "/v1/events/batch", {"events": [event, SENT]}, X_API_Key=key))[0] == 400
    assert (await at.ask("GET", f"/v1/events?query[{SENT}]={SENT}", X_API_Key=key))[0] == 400
    assert (await at.ask("GET", f"/v1/events/{SENT}", X_API_Key=key))[0] == 404
    assert (await at.ask("GET", f"/{SENT}?key={key}"))[0] == 404
    assert (await at.ask("GET", f"/api/v4/schedules/{SENT}.ics?token={SENT}"))[0] == 401
    assert (await at.ask("POST", "/v1/signing-secret/rotate", {"overlapSeconds": SENT}, X_API_Key=key))[0] == 400
    return key


async def callbacks_of_every_kind(at: Installation, key: str, receiver: str) -> None:
    """Rings that are delivered, refused, not answered and not connected."""
    targets = (
        f"{receiver}/ok",
        f"{receiver}/status/500",
        f"{receiver}/status/410",
        f"http://127.0.0.1:{free_port()}/",
        f"https{receiver.removeprefix('http')}/",
        f"http://{'a' * 40}.invalid/",
    )
    for target in targets:
        event = {
            "eventOwner": "owner@example.com",
            "endDate": "2099-01-01T00:00:00Z",
            "interval": "* * * * * *",
            "callbackUrl": f"{target}?key={QUERY}",
            "context": {"secret": CONTEXT},
            "headers": {"X-Secret": HEADER},
            "retryPolicy": {"maxAttempts": 1},
        }
        status, said = await at.ask("POST", "/v1/events", event, X_API_Key=key)
        assert status == 201, said
    await says(at.dispatcher, "ring.delivered", times=2)
    await says(at.dispatcher, "firing.given_up", times=12)
    await says(at.api, "event.paused")


async def messages_of_every_kind(at: Installation, rabbit: Rabbit, prefix: str) -> None:
    """What is no message, in every queue and inbox."""
    publisher = RabbitBus(rabbit.url, prefix=prefix).publisher()
    try:
        for queue in Work:
            await publisher.to_work(queue, SENT.encode())
        assert await publisher.to_shard(1, SENT.encode())
    finally:
        await publisher.close()
    await says(at.api, "recorder.buried")
    await says(at.api, "snapshots.buried")
    await says(at.dispatcher, "inbox.misunderstood")


async def a_broken_database(at: Installation, key: str) -> None:
    """One that refuses a row, and one that has no table."""
    c = await asyncpg.connect(at.settings["DATABASE_URL"])
    try:
        await c.execute(BREAKS)
        event = {
            "eventOwner": "owner@example.com",
            "endDate": "2099-01-01T00:00:00Z",
            "interval": "0 0 1 1 *",
            "callbackUrl": f"https://example.com/?key={QUERY}",
            "context": {"secret": CONTEXT},
        }
        assert (await at.ask("POST", "/v1/events", event, X_API_Key=key, X_Request_Id="broken"))[0] == 500
        assert (await at.ask("POST", "/v1/events/batch", {"events": [event] * 2}, X_API_Key=key))[0] == 500
        await c.execute("alter table change_log rename to change_log_gone")
        assert (await at.ask("GET", "/v1/changes", X_API_Key=key))[0] == 500
    finally:
        await c.close()


async def servers_that_let_nobody_in(at: Installation) -> None:
    """A broker that is not there, and servers that do not know the password."""
    broker, database = (URL(at.settings[name]).with_password(PASSWORD) for name in ("AMQP_URL", "DATABASE_URL"))
    async with asyncio.TaskGroup() as tasks:
        for server in (broker, broker.with_port(free_port())):
            tasks.create_task(at.strange({"AMQP_URL": str(server)}))
        for server in (database, database.with_port(free_port())):
            tasks.create_task(at.strange({"DATABASE_URL": str(server)}))


async def a_mail_server_that_is_away(at: Installation) -> None:
    """Something is to be told, and has waited for long enough."""
    c = await asyncpg.connect(at.settings["DATABASE_URL"])
    try:
        async with asyncio.timeout(60):
            while await c.execute("update notification set not_before = now() - interval '1 minute'") == "UPDATE 0":
                pass  # somebody is told that a receiver is gone: the recorder has just written it
    finally:
        await c.close()
    await says(at.api, "mailer.server.lost")


async def test_no_secret_is_in_any_line_of_either_service(
    installation: Installation, receiver: str, rabbit: Rabbit, bus_prefix: str
) -> None:
    key = await clients_of_every_kind(installation)
    await callbacks_of_every_kind(installation, key, receiver)
    await messages_of_every_kind(installation, rabbit, bus_prefix)
    await a_mail_server_that_is_away(installation)
    await servers_that_let_nobody_in(installation)
    await a_broken_database(installation, key)
    for service in (installation.api, installation.dispatcher):
        service.terminate()
        await service.gone()

    lines = list(installation.lines())
    events = [json.loads(line) for line in lines]
    assert all({"timestamp", "level", "event", "source"} <= event.keys() for event in events)
    assert {"api.stopped", "dispatcher.stopped", "shard.opened", "shard.released"} <= {one["event"] for one in events}
    (broken,) = [one for one in events if one.get("request") == "broken" and one["event"] == "http.answered"]
    assert "CheckViolationError: 23514 event never" in broken["error"]
    assert "Traceback" in broken["exception"]
    assert not [(secret, line) for line in lines for secret in installation.secrets if secret in line]
