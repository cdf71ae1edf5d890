"""Where ownership is put to the test: dispatchers and an API side on a real broker, timers that ring each second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import yarl

from shared.bus.rabbit import RabbitBus
from shared.bus.rabbit_wire import Patience
from shared.clock import SystemClock
from shared.domain.timer import Timer
from shared.timing.instants import Instant
from tests.contract.brokers import Real
from tests.fakes.town import Town
from tests.servers.proxy import Proxy, proxy_to
from tests.unit.dispatcher.rules import timer

CLOCK = SystemClock()
SHARDS = 24
TIMERS = 60
PATIENT_SECONDS = 5.0
PATIENCE = Patience()


class Place:
    """A town on a broker that may be mistreated."""

    def __init__(self, people: Town, broker: Real) -> None:
        self.town = people
        self.broker = broker
        self.timers: list[Timer] = []
        self.first: Instant = 0

    async def populate(self) -> None:
        now = CLOCK.now()
        end = now + 3_600_000
        self.timers = [timer(f"timer{number}", anchor=now, end=end) for number in range(TIMERS)]
        for one in self.timers:
            await self.town.api.put(one)
        self.first = now // 1_000 * 1_000 + 1_000

    async def second(self, count: int = 1) -> Instant:
        """Half a second past the full second after `count` more; that full second."""
        full = CLOCK.now() // 1_000 * 1_000 + count * 1_000
        await CLOCK.sleep((full + 500 - CLOCK.now()) / 1_000)
        return full

    async def complete(self, last: Instant, *, since: Instant | None = None) -> None:
        """Return when no instant up to this one is missing; how late they are is not the question here."""
        first = self.first if since is None else since
        with suppress(TimeoutError):
            await self.town.until(lambda: not self.town.missing(self.timers, first, last), within=PATIENT_SECONDS)
        assert self.town.missing(self.timers, first, last) == []

    @asynccontextmanager
    async def by_proxy(self, patience: Patience = PATIENCE) -> AsyncIterator[tuple[RabbitBus, Proxy]]:
        url = yarl.URL(self.broker.rabbit.url)
        async with proxy_to(url.port or 5672) as proxy:
            url = url.with_port(proxy.port)
            yield RabbitBus(str(url), prefix=self.broker.topology.prefix, patience=patience), proxy
