"""A whole installation whose processes are replaced one at a time, and the load that must not notice it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from tests.acceptance.client import NEVER_SOON, Client, now
from tests.acceptance.judging import SECOND, Account, account, shares
from tests.servers.balancer import Balancer, balancing
from tests.servers.processes import ROOT, Recipe, Service, eventually, migrate
from tests.servers.receiver import Receiver

APIS: Final = 2
DISPATCHERS: Final = 3
SHARDS: Final = 64
EVENTS: Final = 300
CLIENTS: Final = 4
EVERY: Final = 400  # milliseconds from a client's round to its next
WHOLE_WITHIN: Final = 60.0
BEFORE: Final = 1 * SECOND
AFTER: Final = 2 * SECOND
PATIENCE: Final = 3 * SECOND  # for what is so late that it is lost


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Two APIs behind a proxy and three dispatchers, of whichever release each is at the moment."""

    folder: Path
    settings: dict[str, str]
    receiver: Receiver
    balancer: Balancer
    apis: list[Service]
    dispatchers: list[Service]
    failed: list[str] = field(default_factory=list)
    answered: int = 0
    is_over: bool = False

    async def replace_api(self, place: int) -> None:
        """Let one of the APIs end, and start one of ours in its place; nobody tells the proxy."""
        await self._restarted(self.apis, place)

    async def replace_dispatcher(self, place: int) -> None:
        """Let one of the dispatchers end, and start one of ours in its place."""
        await self._restarted(self.dispatchers, place)
        await self.whole()

    async def whole(self) -> None:
        """Return when all are ready, every shard rings, and shares are fair."""

        async def is_fair() -> bool:
            for one in (*self.apis, *self.dispatchers):
                await one.ready(within=WHOLE_WITHIN)
            total, difference = shares([await one.figure("carillon_owned_shards") for one in self.dispatchers])
            return total == SHARDS and difference <= 2

        await eventually(is_fair, within=WHOLE_WITHIN, what=lambda: "every shard rings, and shares are fair")

    async def visited(self, client: Client) -> None:
        """One client's rounds, until it is over: make an event, read it, change it, list, and take it away."""
        begin = now()
        while not self.is_over:
            await self._round(client)
            begin = max(begin + EVERY, now())
            await self.receiver.past(begin)

    async def _round(self, client: Client) -> None:
        made = await self._asked(client, "POST", "/v1/events", 201, WANTED)
        at = f"/v1/events/{made}"
        if made:
            await self._asked(client, "GET", at, 200)
            await self._asked(client, "PATCH", at, 200, {"context": {"changed": True}})
            await self._asked(client, "GET", "/v1/events?limit=10", 200)
            await self._asked(client, "DELETE", at, 200)

    async def _asked(self, client: Client, method: str, path: str, status: int, body: object = None) -> str:
        try:
            said = await client.ask(method, path, body)
        except (AssertionError, ValueError) as error:
            self.failed.append(f"{method} {path}: {error}")
            return ""
        if said.status != status:
            self.failed.append(f"{method} {path}: {said}")
            return ""
        self.answered += 1
        return str(said.data["eventId"]) if isinstance(said.data, dict) else "listed"

    async def _restarted(self, services: list[Service], place: int) -> None:
        old = services[place]
        old.terminate()
        await old.gone()
        services[place] = Service(old.recipe.of(ROOT))
        services[place].start()
        await services[place].ready(within=WHOLE_WITHIN)

    async def end(self) -> None:
        """All is judged: no goodbye."""
        running = [one for one in (*self.apis, *self.dispatchers) if one.runs]
        for one in running:
            one.kill()
        for one in running:
            await one.gone()


WANTED: Final = {
    "eventOwner": "user@example.com",
    "endDate": "2099-01-01T00:00:00Z",
    "interval": NEVER_SOON,
    "callbackUrl": "http://127.0.0.1:1/never",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Events that ring every second at one path."""

    fleet: Fleet
    path: str
    events: Collection[str]

    async def account_since(self, begin: int) -> tuple[Account, int]:
        """What became of every second from a little before this moment until a little after now.

        And for how long the receiver could not even look at the clock: what it measures late, that may have made late.
        """
        until = now() + AFTER
        await self.fleet.receiver.past(until + PATIENCE)
        told = await self.fleet.receiver.told(self.path, since=begin - BEFORE)
        found = account(told.arrivals, events=self.events, since=begin - BEFORE, until=until)
        print(f"{found}; the receiver itself was kept waiting for {told.stall} ms at most")
        return found, told.stall


@asynccontextmanager
async def fleet_of(folder: Path, told: dict[str, str], code: Path) -> AsyncIterator[Fleet]:
    """The installation of the release in this folder, whole; nothing of it runs afterwards."""
    migrate(told, code)
    async with AsyncExitStack() as stack:
        receiver = Receiver.started()
        stack.callback(receiver.end)
        await stack.enter_async_context(receiver)
        apis = [Service(Recipe.api(f"rolling-api-{number}", folder, told).of(code)) for number in range(APIS)]
        dispatchers = [
            Service(Recipe.dispatcher(f"rolling-dispatcher-{number}", folder, told).of(code))
            for number in range(DISPATCHERS)
        ]
        balancer = await stack.enter_async_context(balancing([one.url for one in apis]))
        fleet = Fleet(
            folder=folder, settings=told, receiver=receiver, balancer=balancer, apis=apis, dispatchers=dispatchers
        )
        stack.push_async_callback(fleet.end)
        for one in (*apis, *dispatchers):
            one.start()
        await fleet.whole()
        yield fleet


@asynccontextmanager
async def under_load(fleet: Fleet) -> AsyncIterator[Load]:
    """Three hundred rings a second, and clients that never stop asking."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        client = await Client(session, fleet.balancer.url).registered()
        path = f"/rolling/{now()}"
        events = frozenset(await client.crowd(fleet.receiver.url + path, EVENTS))
        await fleet.receiver.past(now() + BEFORE + SECOND)
        for _ in range(CLIENTS):
            tasks.create_task(fleet.visited(client))
        try:
            yield Load(fleet=fleet, path=path, events=events)
        finally:
            fleet.is_over = True
