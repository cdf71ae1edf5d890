"""A whole installation that may be mistreated: processes, and a proxy of its own before each dispatcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import yarl

from tests.acceptance.client import now
from tests.acceptance.judging import shares
from tests.chaos.journal import Journal
from tests.servers.postgres import Postgres
from tests.servers.processes import Recipe, Service, eventually, migrate
from tests.servers.proxy import Proxy, proxy_to
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

APIS: Final = 2
DISPATCHERS: Final = 3
SHARDS: Final = 32
WHOLE_WITHIN: Final = 120.0
LOOK_SECONDS: Final = 0.25
LOOKS_WITHIN: Final = 2.0
STAYS_WELL_MS: Final = 4_000  # longer than a session takes to notice that it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything there is; `proxies` stand before the dispatchers of the same place."""

    postgres: Postgres
    rabbit: Rabbit
    receiver: Receiver
    apis: list[Service]
    dispatchers: list[Service]
    proxies: list[Proxy]

    async def whole(self) -> None:
        """Return when every process is ready, and every shard rings."""
        for one in (*self.apis, *self.dispatchers):
            if not one.runs:
                one.start()
        for one in self.apis:
            await one.ready(within=WHOLE_WITHIN)

        await eventually(self.is_fair, within=WHOLE_WITHIN, what=lambda: "every shard rings, and shares are fair")

    async def is_fair(self) -> bool:
        """Does every shard ring at this moment, and are shares fair?"""
        owned = await asyncio.gather(*(self._owned(one) for one in self.dispatchers))
        total, difference = shares([count or 0.0 for count in owned])
        return None not in owned and total == SHARDS and difference <= 2

    async def watch(self, journal: Journal) -> None:
        """Note for ever since when all is well: what is seen to be well for a while, since a loss takes a moment."""
        seen: list[int] = []
        while True:
            looked = now()
            if not await self.is_fair():
                seen.clear()
            else:
                seen.append(looked)
            while seen and looked - seen[0] >= STAYS_WELL_MS:
                journal.wholes.append(seen.pop(0))
            await asyncio.sleep(LOOK_SECONDS)

    @staticmethod
    async def _owned(one: Service) -> float | None:
        """How many shards it rings; None where it is not ready, or does not answer."""
        try:
            async with asyncio.timeout(LOOKS_WITHIN):
                await one.ready(within=LOOKS_WITHIN)
                return await one.figure("carillon_owned_shards")
        except (AssertionError, TimeoutError, aiohttp.ClientError):
            return None


@asynccontextmanager
async def staged(folder: Path, postgres: Postgres, rabbit: Rabbit, *, prefix: str) -> AsyncIterator[Stage]:
    """The installation, whole; nothing of it runs afterwards."""
    url = yarl.URL(rabbit.url)
    told = {
        "DATABASE_URL": await postgres.fresh_database(),
        "AMQP_URL": rabbit.url,
        "BUS_PREFIX": prefix,
        "SHARDS": str(SHARDS),
        "EGRESS_ALLOW": "127.0.0.0/8,localhost",
    }
    migrate(told)
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(proxy_to(url.port or 5672)) for _ in range(DISPATCHERS)]
        receiver = Receiver.started()
        stack.callback(receiver.end)
        await stack.enter_async_context(receiver)
        apis = [Service(Recipe.api(f"chaos-api-{number}", folder, told)) for number in range(APIS)]
        dispatchers = [
            Service(
                Recipe.dispatcher(
                    f"chaos-dispatcher-{number}", folder, told | {"AMQP_URL": str(url.with_port(proxy.port))}
                )
            )
            for number, proxy in enumerate(proxies)
        ]
        stack.push_async_callback(_end, [*apis, *dispatchers])
        stage = Stage(
            postgres=postgres, rabbit=rabbit, receiver=receiver, apis=apis, dispatchers=dispatchers, proxies=proxies
        )
        await stage.whole()
        yield stage


async def _end(services: list[Service]) -> None:
    """All is judged: no goodbye."""
    running = [one for one in services if one.runs]
    for one in running:
        one.kill()
    for one in running:
        await one.gone()
