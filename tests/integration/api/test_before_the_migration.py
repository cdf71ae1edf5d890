"""Who starts before the migration waits for it, unready, and says what is missing; then it works without a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from api_service.app import create_app
from api_service.keys import DATABASE
from api_service.resources import FAILED
from api_service.store import outbox
from api_service.store.migrations import FOLDER, migrate, read
from shared.bus.local import LocalBroker, LocalBus
from shared.clock import SystemClock
from shared.settings import ApiSettings
from tests.integration.api.stage import NEW_EVENT, NOW, SHARD_COUNT, Api, Server, StandingClock
from tests.servers.postgres import Postgres
from tests.servers.processes import eventually


async def test_it_is_unready_until_the_schema_is_there_and_then_publishes_what_it_is_sent(
    postgres: Postgres, aiohttp_client: Callable[..., Awaitable[Any]]
) -> None:
    dsn = await postgres.fresh_database()
    bus = LocalBus(LocalBroker())
    await bus.prepare()
    settings = ApiSettings.of({"DATABASE_URL": dsn, "AMQP_URL": "amqp://nowhere", "SHARDS": str(SHARD_COUNT)})
    app = create_app(settings, bus=bus, clock=SystemClock())
    api = Api(await aiohttp_client(Server(app)), StandingClock())

    async def tells_of_the_schema() -> bool:
        text = (await api.get("/metrics")).text
        wanted = len(read(FOLDER))
        return "\ncarillon_schema_version 0.0\n" in text and f"\ncarillon_schema_version_wanted {wanted}.0\n" in text

    await eventually(tells_of_the_schema, within=15, what=lambda: "alerts see that the schema is behind")
    waiting = await api.get("/readyz")
    await migrate(dsn, shards=SHARD_COUNT, now=NOW)
    ready = await api.get("/readyz")
    created = await (await api.newcomer()).post("/v1/events", NEW_EVENT)

    assert waiting.status == 503
    assert waiting.message == [
        f"postgres is at migration 0, and this release needs {len(read(FOLDER))}: run `python -m api_service migrate`"
    ]
    assert (ready.status, created.status) == (200, 201)

    async def is_published() -> bool:
        async with app[DATABASE].connection() as c:
            return await outbox.waiting(c) == 0

    await eventually(is_published, within=15, what=lambda: "the relay has published what was written")
    assert not app[FAILED].is_set()
