"""Where everything is measured: the servers of a run, and installations over them as operators have them."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

import aiohttp

from tests.acceptance.client import Client
from tests.acceptance.judging import shares
from tests.bench.filling import Wanted, fill
from tests.bench.receiver import NginxReceiver
from tests.servers.postgres import Postgres
from tests.servers.processes import Recipe, Service, eventually, migrate
from tests.servers.rabbit import RabbitServer

SHARDS: Final = 64
STARTS_WITHIN: Final = 60.0
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The servers that all rows share: Postgres on a real disk and durable, RabbitMQ, and the receiver."""

    folder: Path
    postgres: Postgres
    rabbit: RabbitServer
    receiver: NginxReceiver

    @asynccontextmanager
    async def installation(self, **settings: str) -> AsyncIterator[Installation]:
        """An API over a database and queues of its own, with an application; nothing of it runs afterwards.

        `settings` are told to both services, beside what an operator must say and room for load tests.
        """
        told = {
            "DATABASE_URL": await self.postgres.fresh_database(),
            "AMQP_URL": self.rabbit.url,
            "BUS_PREFIX": f"bench-{uuid.uuid4().hex[:8]}",
            "SHARDS": str(SHARDS),
            "EGRESS_ALLOW": "127.0.0.1",
            "RATE_LIMIT": "0",
            "LOG_LEVEL": "warning",
        } | settings
        await asyncio.to_thread(migrate, told)
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            installation = Installation(folder=self.folder, settings=told, session=session)
            stack.callback(installation.end)
            await installation.start_api()
            yield installation


@dataclass(slots=True, kw_only=True)
class Installation:
    """Both services as processes. One API runs from the beginning; dispatchers come when a row wants them."""

    folder: Path
    settings: Mapping[str, str]
    session: aiohttp.ClientSession
    application: str = ""
    key: str = ""
    apis: list[Service] = field(default_factory=list)
    dispatchers: list[Service] = field(default_factory=list)

    @property
    def api(self) -> Service:
        """The API that a row talks to."""
        return self.apis[0]

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return int(self.settings["SHARDS"])

    def client(self) -> Client:
        """A client of the application."""
        return Client(self.session, self.api.url, self.key)

    async def start_api(self) -> None:
        """One more API, ready; with the first one comes the application."""
        name = f"{self.settings['BUS_PREFIX']}-api-{len(self.apis) + 1}"
        self.apis.append(service := Service(Recipe.api(name, self.folder, self.settings)))
        service.start()
        await service.ready(within=STARTS_WITHIN)
        if not self.key:
            said = await Client(self.session, self.api.url).ask("POST", "/v1/register", {"appName": name})
            assert said.status == 201, said
            self.application, self.key = name, said.data["apiKey"]

    async def fill(self, wanted: Iterable[Wanted]) -> list[str]:
        """Write these events, before the first dispatcher is started; their ids."""
        assert not self.dispatchers, "dispatchers would hear nothing of it"
        return await fill(self.settings["DATABASE_URL"], self.application, self.shards, wanted)

    async def start_dispatchers(self, count: int, *, within: float = STARTS_WITHIN) -> None:
        """So many more dispatchers; returns when all that run ring all shards, in fair shares."""
        for _ in range(count):
            name = f"{self.settings['BUS_PREFIX']}-dispatcher-{len(self.dispatchers) + 1}"
            service = Service(Recipe.dispatcher(name, self.folder, self.settings))
            self.dispatchers.append(service)
            service.start()
        await self.shared_out(within=within)

    async def shared_out(self, *, within: float = STARTS_WITHIN) -> None:
        """Return when every shard rings, and shares are fair."""
        running = [one for one in self.dispatchers if one.runs]
        for one in running:
            await one.ready(within=within)

        async def is_fair() -> bool:
            if not all([await one.is_ready() for one in running]):  # all its figures would take it longer to tell
                return False
            ringing = [await one.figure("carillon_ringing_shards") for one in running]
            total, difference = shares(ringing)
            return total == self.shards and difference <= 1

        await eventually(is_fair, within=within, what=lambda: "every shard rings, and shares are fair")

    async def recorded(self, *, within: float) -> None:
        """Return when the ledger has everything that the dispatchers have seen; none of them may have been killed."""
        assert all(one.runs for one in (*self.dispatchers, *self.apis)), "what was recorded of the dead nobody knows"

        told: list[float] = []

        async def all_is_told() -> bool:
            figures = ("carillon_outcomes_backlog", "carillon_outcomes_published_total")
            backlogs, published = zip(*[await one.figures(*figures) for one in self.dispatchers], strict=True)
            told.append(sum(published))
            return not sum(backlogs)

        async def is_recorded() -> bool:  # dispatchers are not asked again: their processor time is being looked at
            return sum([await one.figure("carillon_recorder_recorded_total") for one in self.apis]) >= told[-1]

        await eventually(all_is_told, within=within, what=lambda: "what was rung is told")
        await eventually(is_recorded, within=within, what=lambda: "what was rung is in the ledger")

    def end(self) -> None:
        """Leave nothing running."""
        for one in (*self.dispatchers, *self.apis):
            if one.runs:
                one.kill()
        for one in (*self.dispatchers, *self.apis):
            one.end()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Processor time in seconds, by who has used it."""

    dispatchers: float
    apis: float
    postgres: float
    rabbit: float
    receiver: float

    def since(self, before: Spent) -> Spent:
        """What was used between two looks."""
        return Spent(**{f.name: getattr(self, f.name) - getattr(before, f.name) for f in fields(self)})

    def __str__(self) -> str:
        """For a note beside a figure."""
        return ", ".join(f"{f.name} {getattr(self, f.name):.2f}" for f in fields(self))


def spent(place: Place, installation: Installation) -> Spent:
    """Processor time that everybody has used so far."""
    return Spent(
        dispatchers=cpu_seconds(*installation.dispatchers),
        apis=cpu_seconds(*installation.apis),
        postgres=cpu_of_family(place.postgres.pid),
        rabbit=cpu_of_family(place.rabbit.pid),
        receiver=cpu_of_family(place.receiver.pid),
    )


def cpu_seconds(*processes: Service) -> float:
    """Processor time that these have used so far, in user and kernel mode."""
    return sum(cpu_of(one.pid) for one in processes)


def cpu_of(pid: int) -> float:
    """Processor time that a process has used so far."""
    return sum(_stat(pid)[1][:2]) / TICKS


def cpu_of_family(pid: int) -> float:
    """Processor time of a process, and of all that come from it, those that have ended included."""
    stats = {}
    for folder in Path("/proc").iterdir():
        with suppress(ValueError, OSError):  # no process, or one that has just ended
            stats[int(folder.name)] = _stat(int(folder.name))
    family, grown = {pid}, True
    while grown:
        grown = False
        for child, (parent, _) in stats.items():
            if parent in family and child not in family:
                family.add(child)
                grown = True
    return sum(sum(stats[one][1]) for one in family if one in stats) / TICKS


def _stat(pid: int) -> tuple[int, list[int]]:
    """The parent of a process, and its time: user, kernel, and the same of children that have ended; in ticks."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[1]), [int(word) for word in words[11:15]]
