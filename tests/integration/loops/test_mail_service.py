"""The whole service: where SMTP_URL is set owners are told, and where it is not nothing is written for them."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer

from api_service.app import create_app
from api_service.store import notifications
from api_service.store.database import Database
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import Work
from shared.clock import SystemClock
from shared.domain.firing import AttemptError
from shared.messages.catalogue import SnapshotPage, SnapshotRequest
from shared.messages.codec import encode
from shared.settings import ApiSettings
from tests.integration.loops.conftest import installed
from tests.integration.loops.scene import SHARDS, Scene, attempted, outcomes
from tests.integration.loops.wires import Wire, heard, owner_of
from tests.servers.mail import mail_server
from tests.servers.postgres import Postgres


@pytest.mark.parametrize("told", [True, False])
async def test_owners_are_told_where_a_mail_server_is_set(
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    told: bool,
) -> None:
    monkeypatch.setattr(notifications, "SMTP_LINGER_MS", 0)
    dsn = await postgres.fresh_database(installed)
    bus = LocalBus(LocalBroker())
    await bus.prepare()
    database = await Database.open(dsn, size=2)
    async with mail_server() as mails:
        settings = ApiSettings.of({
            "DATABASE_URL": dsn,
            "AMQP_URL": "amqp://nowhere",
            "SHARDS": str(SHARDS),
            "SMTP_URL": mails.url if told else "",
            "MAIL_FROM": "bells@example.com",
        })
        scene = await Scene.open(database)
        rung = await scene.create()
        wire = Wire(bus=bus, publisher=bus.publisher())
        async with TestServer(create_app(settings, bus=bus, clock=SystemClock())), owner_of(wire, 3) as session:
            failed = outcomes(attempted(rung, 1, error=AttemptError.CONNECT), incarnation=session.incarnation)
            await wire.publisher.to_work(Work.OUTCOMES, encode(failed))
            if told:
                assert (await mails.mail())["From"] == "Carillon <bells@example.com>"
            else:  # whoever asks for a snapshot is answered when all before it is recorded
                request = SnapshotRequest(shard=3, incarnation=session.incarnation, owner="d-1", request="r-1")
                await wire.publisher.to_work(Work.OUTCOMES, encode(request))
                while not isinstance(await heard(session), SnapshotPage):  # changes come before it
                    pass
                async with database.connection() as c:
                    assert await c.fetchval("select count(*) from execution") == 1
                    assert await notifications.waiting(c) == 0
    await database.close()
