"""Several whole dispatchers and one side of an api_service on one bus, and everything that they rang."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType

from api_service.loops.time_signals import EVERY_SECONDS, TimeSignals
from dispatcher_service.app import Dispatcher
from dispatcher_service.core.shard import Stage
from shared.bus.port import Bus
from shared.clock import Clock
from shared.domain.egress import STRICT
from shared.domain.firing import Attempted
from shared.domain.timer import Timer
from shared.settings import DispatcherSettings
from shared.timing.instants import Instant, iso
from tests.fakes.api_side import ApiSide
from tests.fakes.sender import FakeSender, Sent

LOOK_SECONDS = 0.005


@dataclass(slots=True)
class Running:
    """One dispatcher."""

    name: str
    dispatcher: Dispatcher
    sender: FakeSender
    stop: asyncio.Event
    task: asyncio.Task[None]

    @property
    def owned(self) -> set[int]:
        """The shards it thinks it owns."""
        return set(self.dispatcher._shards)

    @property
    def rings(self) -> set[int]:
        """The shards whose timers it rings."""
        return {number for number, shard in self.dispatcher._shards.items() if shard.stage is Stage.LIVE}


@dataclass(slots=True)
class Town:
    """Dispatchers come and go; the API side stays."""

    api: ApiSide
    clock: Clock
    tasks: asyncio.TaskGroup
    takeover_wait: float = 0
    clock_skew_max: int = 1_000
    rate_per_host: float = 0
    sent: list[Sent] = field(default_factory=list)
    running: dict[str, Running] = field(default_factory=dict)
    telling: list[asyncio.Task[None]] = field(default_factory=list)

    def start(
        self, name: str, *, bus: Bus | None = None, clock: Clock | None = None, memory: ModuleType | None = None
    ) -> Running:
        """One more dispatcher, on the town's bus or on its own way to it, by the town's clock or by one of its own."""
        clock = clock or self.clock
        settings = DispatcherSettings(
            amqp_url="amqp://not-used",
            dispatcher_name=name,
            probe_host="",
            probe_port=0,
            shards=self.api.shards,
            rings_in_flight=1_000,
            rings_per_host=50,
            rate_per_host=self.rate_per_host,
            breaker_failures=10,
            takeover_wait=self.takeover_wait,
            clock_skew_max=self.clock_skew_max,
            log_rings="failed",
            egress_allow=STRICT,
            bus_prefix="",
            log_level="error",
        )
        sender = FakeSender(clock, sent=self.sent, by=name)
        remembering = {} if memory is None else {"keep": memory.keep, "let_go": memory.let_go}
        dispatcher = Dispatcher(settings, bus=bus or self.api.bus, clock=clock, sender=sender, **remembering)
        stop = asyncio.Event()
        task = self.tasks.create_task(dispatcher.run(stop))
        self.running[name] = Running(name=name, dispatcher=dispatcher, sender=sender, stop=stop, task=task)
        return self.running[name]

    async def stop(self, name: str) -> None:
        """As SIGTERM does it; returns when it has ended."""
        gone = self.running.pop(name)
        gone.stop.set()
        await gone.task

    def kill(self, name: str) -> None:
        """As SIGKILL does it: nothing is reported any more, and its connections end."""
        gone = self.running.pop(name)
        gone.dispatcher._reporter._waiting.clear()
        gone.task.cancel()

    def tell_time(self, *clocks: Clock, every: float = EVERY_SECONDS) -> None:
        """Each of these is the clock of one api_service, which tells it from now on."""
        for number, clock in enumerate(clocks):
            telling = TimeSignals(publisher=self.api.bus.publisher(), clock=clock, by=f"api-{number}", every=every)
            self.telling.append(self.tasks.create_task(telling.run()))

    def shares(self) -> list[int]:
        """How many shards each rings, in order."""
        return sorted(len(one.rings) for one in self.running.values())

    def is_fair(self) -> bool:
        """Does every shard ring, and do shares differ by two at most?"""
        shares = self.shares()
        return sum(shares) == self.api.shards and shares[-1] - shares[0] <= 2

    async def until(self, condition: Callable[[], bool], *, within: float) -> None:
        """Return when it holds. States of several dispatchers have no one event: they are looked at often."""
        async with asyncio.timeout(within):
            while not condition():
                await self.clock.sleep(LOOK_SECONDS)

    async def fair(self, *, within: float = 5) -> None:
        """Return when every shard rings and shares are fair."""
        try:
            await self.until(self.is_fair, within=within)
        except TimeoutError as error:
            raise AssertionError(f"shares {self.shares()} after {within} s") from error

    def times_rung(self) -> Counter[tuple[str, str]]:
        """How often each (event, nominal instant) was rung."""
        return Counter((one.event, one.nominal) for one in self.sent)

    def doubled(self) -> list[tuple[str, str]]:
        """What was rung more than once."""
        return [name for name, times in self.times_rung().items() if times > 1]

    def missing(self, timers: Iterable[Timer], first: Instant, last: Instant) -> list[tuple[str, str]]:
        """Every-second timers: which seconds from the first to the last were not rung at all."""
        rung = self.times_rung()
        wanted = [(timer.id, iso(second)) for timer in timers for second in range(first, last + 1, 1_000)]
        return [name for name in wanted if name not in rung]

    def latest(self, since: Instant = 0) -> float:
        """By how many seconds the latest ring of what was due since then was late, repetitions apart."""
        first: dict[str, Sent] = {}
        for one in self.sent:
            if one.instant >= since and not one.name.endswith("manual"):
                first.setdefault(one.name, one)
        return max((one.at - one.instant for one in first.values()), default=0) / 1_000

    def unreported(self) -> list[str]:
        """What was rung and never recorded."""
        known = {
            (one.outcome.timer_id, one.outcome.nominal)
            for one in self.api.recorded
            if isinstance(one.outcome, Attempted)
        }
        return [one.name for one in self.sent if (one.event, one.instant) not in known]

    def owners_of(self) -> dict[int, list[str]]:
        """Who thinks that it owns each shard."""
        owners: dict[int, list[str]] = defaultdict(list)
        for name, one in self.running.items():
            for number in one.owned:
                owners[number].append(name)
        return owners


@asynccontextmanager
async def town(
    bus: Bus, clock: Clock, *, takeover_wait: float = 0, shards: int = 64, rate_per_host: float = 0
) -> AsyncIterator[Town]:
    """A town whose API side runs; everything has ended afterwards."""
    async with asyncio.TaskGroup() as tasks:
        api = ApiSide(bus=bus, clock=clock, shards=shards)
        serving = tasks.create_task(api.run())
        place = Town(api=api, clock=clock, tasks=tasks, takeover_wait=takeover_wait, rate_per_host=rate_per_host)
        try:
            yield place
        finally:
            for name in list(place.running):
                place.kill(name)
            for one in (serving, *place.telling):
                one.cancel()
    await api.close()
