"""The proxy: a request that could not be sent is sent elsewhere; one that was sent is sent twice only if it may be."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from api_service import limits
from deploy.local.process import free_port
from tests.deploy.proxy import CONFIGURATION, configured, proxying
from tests.servers.names import names
from tests.servers.processes import eventually
from tests.servers.stranger import Stranger, Visit, polite, stranger


@dataclass(frozen=True, slots=True)
class Front:
    """The proxy's address, and the replicas behind it."""

    url: str
    session: aiohttp.ClientSession
    replicas: tuple[Stranger, ...]
    dead: int

    async def ask(self, method: str, path: str = "/v1/events", **given: Any) -> int:
        """The status of the answer."""
        async with asyncio.timeout(10), self.session.request(method, self.url + path, **given) as answer:
            await answer.read()
            return answer.status

    def visits(self, method: str) -> list[Visit]:
        """The requests of this kind, at whichever replica."""
        return [one for replica in self.replicas for one in replica.visits if one.line.startswith(f"{method} ")]


@pytest.fixture
def folder(scratch: Path) -> Path:
    """A folder of the proxy's own, which anybody may pass through: started by root, its workers are nobody."""
    path = scratch / f"proxy-{uuid.uuid4().hex[:8]}"
    path.mkdir(mode=0o755)
    return path


@pytest.fixture
async def front(folder: Path) -> AsyncIterator[Front]:
    """Two replicas that are well, and a third that is not there."""
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(stranger()) for _ in range(2)]
        server = await stack.enter_async_context(names())
        port, dead = free_port(), free_port()
        ports = [dead, *(one.port for one in replicas)]
        configuration = configured(folder, port=port, names=server.port, replicas=ports)
        process = stack.enter_context(proxying(folder, configuration))
        log = folder / "nginx.log"
        session = await stack.enter_async_context(aiohttp.ClientSession())
        one = Front(f"http://127.0.0.1:{port}", session, tuple(replicas), dead)

        async def answers() -> bool:
            assert process.is_running, log.read_text()
            try:
                await one.ask("GET", "/healthz")
            except aiohttp.ClientError:
                return False
            return all(replica.visits for replica in replicas)

        await eventually(answers, within=10, what=log.read_text)
        for replica in replicas:
            replica.visits.clear()
        yield one


async def hangs_up(visit: Visit) -> None:
    visit.writer.close()


async def is_unavailable(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_who_is_not_there_is_passed_over(front: Front, method: str) -> None:
    answers = [await front.ask(method) for _ in range(12)]

    assert answers == [200] * 12
    assert len(front.visits(method)) == 12
    assert all(replica.visits for replica in front.replicas)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_must_not_be_done_twice_is_not_sent_twice(front: Front, method: str) -> None:
    for replica in front.replicas:
        replica.manners = hangs_up

    assert await front.ask(method, json={}) == 502
    assert len(front.visits(method)) == 1


async def test_a_question_is_asked_again_elsewhere(front: Front) -> None:
    front.replicas[0].manners = hangs_up

    assert [await front.ask("GET") for _ in range(6)] == [200] * 6
    assert front.replicas[0].visits


async def test_an_answer_is_an_answer(front: Front) -> None:
    """A 503 is not asked for twice, and does not make its replica one that is passed over."""
    for replica in front.replicas:
        replica.manners = is_unavailable

    assert [await front.ask("GET") for _ in range(6)] == [503] * 6
    assert len(front.visits("GET")) == 6
    for replica in front.replicas:
        replica.manners = polite
    assert await front.ask("POST") == 200


async def test_the_api_learns_who_asks_and_how(front: Front) -> None:
    host = {"Host": "carillon.example"}
    await front.ask("GET", headers=host)
    await front.ask("GET", headers=host | {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
    await front.ask("GET", headers=host | {"X-Forwarded-Proto": "gopher"})
    first, second, third = sorted(front.visits("GET"), key=lambda one: one.headers["x-forwarded-for"])

    assert {one.headers["host"] for one in (first, second, third)} == {"carillon.example"}
    assert {one.headers["x-forwarded-host"] for one in (first, second, third)} == {"carillon.example"}
    assert first.headers["x-forwarded-for"] == "127.0.0.1"
    assert third.headers["x-forwarded-for"] == "192.0.2.7, 127.0.0.1"
    assert (first.headers["x-forwarded-proto"], third.headers["x-forwarded-proto"]) == ("http", "https")
    assert second.headers["x-forwarded-proto"] == "http"


async def test_a_path_arrives_as_it_was_sent(front: Front) -> None:
    path = "/v1//events/%2F?query[status][]=ACTIVE&a=%20"
    async with front.session.get(URL(front.url + path, encoded=True)) as answer:
        assert answer.status == 200

    assert [one.line for one in front.visits("GET")] == [f"GET {path} HTTP/1.1"]


async def test_one_replicas_figures_are_nobodys(front: Front) -> None:
    assert await front.ask("GET", "/metrics") == 404
    assert front.visits("GET") == []


async def test_the_api_itself_says_what_is_too_much(front: Front) -> None:
    assert await front.ask("POST", data=BytesIO(b"x" * (limits.BATCH_BODY_BYTES + 1))) == 200
    assert await front.ask("GET", headers={"X-Long": "x" * (limits.LINE_BYTES + 1)}) == 200


@pytest.mark.usefixtures("front")
def test_it_makes_no_folder_but_where_it_may(folder: Path) -> None:
    """One that it is not told it makes in the image, where it may not: then it does not start."""
    said = re.findall(r"_temp_path /tmp/(\w+);", CONFIGURATION.read_text())

    assert {one.name for one in folder.iterdir() if one.is_dir()} == set(said)


def test_it_gives_a_connection_up_before_the_api_does() -> None:
    idle = re.search(r"keepalive_timeout (\d+)s;", CONFIGURATION.read_text())

    assert idle
    assert int(idle[1]) < limits.IDLE_SECONDS
