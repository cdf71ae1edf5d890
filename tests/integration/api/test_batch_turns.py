"""While a batch is computed others have their turns; what is too slow ends, and who hangs up leaves nothing half."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from api_service import limits
from api_service.keys import BATCHES
from api_service.store.database import Database
from tests.integration.api.stage import NEW_EVENT, Api, Server, StandingClock, compose
from tests.servers.processes import eventually

BATCH = "/v1/events/batch"
TOO_LONG = "There is too much to do at the moment, and nothing was done; try again shortly, or with fewer events."
COUNT = 40


def events(count: int = COUNT, **different: Any) -> dict[str, Any]:
    return {"events": [NEW_EVENT | {"context": {"place": place}} | different for place in range(count)]}


class Slow(StandingClock):
    """A clock on which every look takes as long as a slice; sleeping gives others their turn, and they are counted."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._passed = 0.0
        self.slept = 0

    def steady(self) -> float:
        self._passed += self._seconds
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        await asyncio.sleep(seconds)


@pytest.fixture
def opened(
    aiohttp_client: Callable[..., Awaitable[Any]], database: Database
) -> Callable[[StandingClock], Awaitable[Api]]:
    async def open_with(clock: StandingClock) -> Api:
        return await Api(await aiohttp_client(Server(compose(database, clock))), clock).newcomer()

    return open_with


async def is_busy(api: Api) -> bool:
    return bool(api.client.app[BATCHES].busy)


async def ticking(until: asyncio.Task[Any]) -> int:
    """How many turns somebody else has meanwhile."""
    ticks = 0
    while not until.done():
        await asyncio.sleep(0)
        ticks += 1
    return ticks


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["without a key", "with a key"])
async def test_between_any_two_events_somebody_else_may_have_a_turn(
    opened: Callable[[StandingClock], Awaitable[Api]], headers: dict[str, str]
) -> None:
    clock = Slow(2 * limits.SLICE_SECONDS)
    api = await opened(clock)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(api.post(BATCH, events(), headers=headers))
        await ticking(asked)

    assert asked.result().status == 201
    # Each event is read, judged, begun and shown by itself, and with a key its meaning is hashed as well.
    assert clock.slept >= COUNT * (5 if headers else 4)


async def test_a_problem_in_each_event_is_no_reason_to_hold_others_up(
    opened: Callable[[StandingClock], Awaitable[Api]],
) -> None:
    clock = Slow(2 * limits.SLICE_SECONDS)
    api = await opened(clock)

    assert (await api.post(BATCH, events(endDate="x"))).status == 400
    assert clock.slept >= COUNT * 2


async def test_another_request_is_answered_before_a_batch_that_came_first(
    opened: Callable[[StandingClock], Awaitable[Api]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BATCH_SECONDS", 3_600)  # by the slow clock
    api = await opened(Slow(2 * limits.SLICE_SECONDS))
    order: list[str] = []

    async def ask(name: str, path: str, body: Any = None) -> None:
        answer = await (api.get(path) if body is None else api.post(path, body))
        assert answer.status in {200, 201}
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask("batch", BATCH, events(limits.BATCH_EVENTS)))
        await eventually(lambda: is_busy(api), within=30, what=lambda: "the batch is being dealt with")
        tasks.create_task(ask("health", "/healthz"))
        tasks.create_task(ask("event", "/v1/events", NEW_EVENT))
        tasks.create_task(ask("list", "/v1/events?limit=1"))

    assert order[-1] == "batch"


async def test_what_takes_too_long_is_given_up_and_nothing_is_created(
    opened: Callable[[StandingClock], Awaitable[Api]],
) -> None:
    api = await opened(Slow(limits.BATCH_SECONDS / 50))
    answer = await api.post(BATCH, events(), headers={"Idempotency-Key": "k"})

    assert (answer.status, answer.message, answer.headers["Retry-After"]) == (503, [TOO_LONG], "1")
    assert (await api.get("/v1/events")).json["meta"] == {"total": 0}


async def test_who_finds_no_turn_in_time_is_told_so(
    opened: Callable[[StandingClock], Awaitable[Api]], clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BATCH_SECONDS", 0.05)
    api = await opened(clock)
    other = await api.newcomer()
    turns = api.client.app[BATCHES]
    async with turns.turn(0, within=1), turns.turn(0, within=1), turns.turn(1, within=1), turns.turn(1, within=1):
        answer = await api.post(BATCH, events())
        assert (answer.status, answer.message) == (503, [TOO_LONG])
        assert (await other.post("/v1/events", NEW_EVENT)).status == 201
    assert (await api.post(BATCH, events())).status == 201


async def test_who_hangs_up_leaves_all_or_nothing(
    opened: Callable[[StandingClock], Awaitable[Api]], clock: StandingClock
) -> None:
    api = await opened(Slow(2 * limits.SLICE_SECONDS))
    key = {"Idempotency-Key": "k"}
    for turns in (0, 5, 20, 60, 120, 250):
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(_given_up(api, key))
            for _ in range(turns):
                await asyncio.sleep(0)
            asked.cancel()
        counted = (await api.get("/v1/events")).json["meta"]["total"]
        assert counted in {0, COUNT}
    answer = await api.post(BATCH, events(), headers=key)
    assert answer.status == 201
    assert (await api.get("/v1/events")).json["meta"] == {"total": COUNT}


async def _given_up(api: Api, headers: dict[str, str]) -> None:
    try:
        await api.post(BATCH, events(), headers=headers)
    except asyncio.CancelledError:
        return


async def test_a_body_that_breaks_off_creates_nothing_and_gives_its_turn_back(
    opened: Callable[[StandingClock], Awaitable[Api]], clock: StandingClock
) -> None:
    api = await opened(clock)
    url = api.client.make_url("/")
    body = json.dumps(events()).encode()
    for _ in range(limits.BATCHES_OF_ONE + 1):
        _, writer = await asyncio.open_connection(url.host, url.port)
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {api.key}\r\nContent-Type: application/json\r\n"
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-10])
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    assert (await api.post(BATCH, events())).status == 201
    assert (await api.get("/v1/events")).json["meta"] == {"total": COUNT}


async def test_an_application_has_turns_of_its_own_and_leaves_some_to_others(clock: StandingClock) -> None:
    application: web.Application = compose(None, clock)  # type: ignore[arg-type]
    turns = application[BATCHES]
    came: list[int] = []
    go = asyncio.Event()

    async def work(application_id: int) -> None:
        async with turns.turn(application_id, within=30):
            came.append(application_id)
            await go.wait()

    async with asyncio.TaskGroup() as tasks:
        for application_id in (1, 1, 1, 1, 1, 2, 2, 2, 3):
            tasks.create_task(work(application_id))
        for _ in range(50):
            await asyncio.sleep(0)
        assert came == [1, 1, 2, 2]
        go.set()
    assert sorted(came) == [1, 1, 1, 1, 1, 2, 2, 2, 3]
    assert came.index(3) < 7
