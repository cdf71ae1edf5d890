"""A whole installation: real Postgres, real RabbitMQ, and both services as processes; one for all these tests.

Whoever breaks something says so to nobody: the next test finds the world mended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from tests.acceptance.client import Client
from tests.acceptance.judging import shares
from tests.servers.postgres import Postgres
from tests.servers.processes import Recipe, Service, eventually
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

SHARDS: Final = 64
DISPATCHERS: Final = 3
SHARES_DIFFER_MOST: Final = 1  # then nobody is below the floor, and nothing moves any more
CONVERGES_WITHIN: Final = 30.0


@dataclass(slots=True, kw_only=True)
class World:
    """Everything there is, and the processes by name."""

    folder: Path
    postgres: Postgres
    database: str
    rabbit: Rabbit
    receiver: Receiver
    session: aiohttp.ClientSession
    apis: list[Service] = field(default_factory=list)
    dispatchers: list[Service] = field(default_factory=list)

    @property
    def api(self) -> Service:
        """The API that tests talk to."""
        return self.apis[0]

    @property
    def settings(self) -> dict[str, str]:
        """What both services are told."""
        return {
            "DATABASE_URL": self.database,
            "AMQP_URL": self.rabbit.url,
            "EGRESS_ALLOW": "127.0.0.1",
            "SHARDS": str(SHARDS),
            "LOG_LEVEL": "info",
        }

    async def client(self) -> Client:
        """A client of an application of its own."""
        return await Client(self.session, self.api.url).registered()

    def new_dispatcher(self) -> Service:
        """One more dispatcher, started."""
        service = Service(Recipe.dispatcher(f"dispatcher-{len(self.dispatchers) + 1}", self.folder, self.settings))
        self.dispatchers.append(service)
        service.start()
        return service

    async def whole(self) -> None:
        """Return when everything runs again, one API and three dispatchers that share all shards fairly."""
        if not self.apis:
            self.apis.append(Service(Recipe.api("api-1", self.folder, self.settings)))
        for api in self.apis:
            if not api.runs:
                api.start()
        running = [one for one in self.dispatchers if one.runs]
        for surplus in running[DISPATCHERS:]:
            surplus.terminate()
            await surplus.gone()
        for _ in range(DISPATCHERS - len(running)):
            self.new_dispatcher()
        for api in self.apis:
            await api.ready()
        await self.converged()

    async def converged(self) -> None:
        """Return when every shard has an owner, all of them ring, and nobody has a reason to move one."""
        running = [one for one in self.dispatchers if one.runs]

        async def is_fair() -> bool:
            for one in running:
                await one.ready()
            total, difference = shares([await one.figure("carillon_owned_shards") for one in running])
            return total == SHARDS and difference <= SHARES_DIFFER_MOST

        await eventually(is_fair, within=CONVERGES_WITHIN, what=lambda: "every shard rings, and shares are fair")
        for one in running:
            await one.ready()

    def end(self) -> None:
        """Leave no process running."""
        for one in (*self.dispatchers, *self.apis):
            if one.runs:
                one.kill()  # at the end of all tests a graceful hand-over would hand everything over to nobody
        for one in (*self.dispatchers, *self.apis):
            one.end()
