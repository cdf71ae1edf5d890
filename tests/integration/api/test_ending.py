"""An API that is told to end answers everything first; who keeps sending is told to go elsewhere, not cut off."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api_service.keys import ENDING
from tests.integration.api.stage import Api
from tests.servers.processes import Recipe, Service, eventually

WITHIN = 30.0
SLOW = (
    b"POST /v1/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n"
    b'{"appName": "slow"}'
)


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/v1/events", 200), ("/nowhere", 404)])
async def test_every_answer_ends_its_connection_and_is_given(api: Api, path: str, status: int) -> None:
    before = await api.get(path)
    api.client.app[ENDING].set()
    after = await api.get(path)

    assert (before.status, before.headers.get("Connection")) == (status, None)
    assert (after.status, after.headers.get("Connection")) == (status, "close")


async def test_it_is_no_longer_ready(api: Api) -> None:
    assert (await api.get("/readyz")).status == 200
    api.client.app[ENDING].set()

    answer = await api.get("/readyz")
    assert answer.status == 503
    assert answer.json["message"] == ["the process is ending"]


@pytest.fixture
async def process(scratch: Path) -> AsyncIterator[Service]:
    """An API whose Postgres takes connections and says nothing, so that what needs it takes seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        told = {"DATABASE_URL": dsn, "AMQP_URL": "amqp://nobody@127.0.0.1:1/"}
        service = Service(Recipe.api("api-ending", scratch, told))
        service.start()
        try:
            await eventually(lambda: listens(service), within=WITHIN, what=service.tail)
            yield service
        finally:
            if service.runs:
                service.kill()
            await service.gone()


async def listens(service: Service) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", service.recipe.port)
    except OSError:
        return False
    writer.close()
    return True


async def test_what_is_under_way_is_answered_after_nothing_new_is_taken(process: Service) -> None:
    """It takes two seconds, and for the first of them whoever does not know yet is answered too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", process.recipe.port)
    writer.write(SLOW)
    await eventually(lambda: is_said(process, "api.started"), within=WITHIN, what=process.tail)

    process.terminate()
    async with asyncio.timeout(WITHIN):
        said = (await reader.read()).decode().lower()
    writer.close()

    assert " 503 " in said.splitlines()[0], "there is no database; but it is an answer"
    assert "connection: close" in said
    await process.gone()
    assert await is_said(process, "api.stopped")


async def is_said(service: Service, event: str) -> bool:
    return f'"{event}"' in service.log.read_text()
