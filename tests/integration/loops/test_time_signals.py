"""The API tells every dispatcher what time it has, and knows how far that is from what Postgres has."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from api_service.loops.time_signals import Comparison, Comparisons, TimeSignals, best
from api_service.store.database import Database
from deploy.local.postgres import PostgresServer
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import Bus, Session, SessionEvents
from shared.clock import SystemClock
from shared.domain.errors import Unavailable
from shared.messages.catalogue import TimeSignal
from shared.messages.codec import decode_time_signal
from tests.fakes.clock import EPOCH, VirtualClock, WrongClock, in_virtual_time
from tests.integration.loops.wires import Wire, over_every_bus
from tests.servers.postgres import PATIENCE


class Ears:
    """A session that hears the time."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[TimeSignal] = asyncio.Queue()

    async def open(self, bus: Bus) -> Session:
        return await bus.open_session(
            SessionEvents(
                on_lost=lambda _: None,
                on_shard_lost=lambda _: None,
                on_bell=lambda: None,
                on_time=lambda body: self.heard.put_nowait(decode_time_signal(body)),
            )
        )

    async def next(self) -> TimeSignal:
        async with asyncio.timeout(20):
            return await self.heard.get()


@over_every_bus
async def test_dispatchers_hear_what_time_the_api_has(wire: Wire) -> None:
    ears, clock = Ears(), WrongClock(3_600_000)
    session = await ears.open(wire.bus)
    before = clock.now()
    telling = asyncio.ensure_future(TimeSignals(publisher=wire.publisher, clock=clock, by="m", every=0.01).run())
    try:
        first, second = await ears.next(), await ears.next()
        assert before <= first.now < second.now <= clock.now()
        assert first.by == second.by == "m"
    finally:
        telling.cancel()
        await session.close()


@in_virtual_time
async def test_it_is_told_every_five_seconds_and_after_an_outage_of_the_bus_within_two() -> None:
    broker, clock, ears = LocalBroker(), VirtualClock(), Ears()
    bus = LocalBus(broker)
    telling = asyncio.ensure_future(TimeSignals(publisher=bus.publisher(), clock=clock, by="m").run())
    await ears.open(bus)
    assert [round((await ears.next()).now - EPOCH, -2) for _ in range(3)] == [0, 5_000, 10_000]

    broker.stop()
    await clock.sleep(60)
    broker.start()
    await ears.open(bus)
    back = clock.now()
    assert (await ears.next()).now - back <= 2_000
    telling.cancel()


def skew() -> float:
    return REGISTRY.get_sample_value("carillon_clock_skew_seconds", {"against": "postgres"}) or 0.0


@pytest.mark.parametrize("ahead", [0, 90_000, -90_000])
async def test_the_clock_is_compared_with_that_of_postgres(database: Database, ahead: int) -> None:
    comparisons = Comparisons(database=database, clock=WrongClock(ahead))
    for _ in range(3):
        await comparisons.compare()

    assert skew() == pytest.approx(ahead / 1_000, abs=2.5)


async def test_what_was_known_of_a_postgres_that_was_away_is_forgotten(own_postgres: PostgresServer) -> None:
    database = await Database.open(own_postgres.dsn, size=1, patience=PATIENCE)
    comparisons = Comparisons(database=database, clock=SystemClock())
    for _ in range(3):
        await comparisons.compare()
    await asyncio.to_thread(own_postgres.stop)

    with pytest.raises(Unavailable):
        await comparisons.compare()
    assert REGISTRY.get_sample_value("carillon_clock_skew_seconds", {"against": "postgres"}) is None
    await asyncio.to_thread(own_postgres.start)
    await comparisons.compare()
    assert len(comparisons._latest) == 1, "what another machine said, perhaps, is no evidence"
    await database.close()


class FallsAsleep(SystemClock):
    """A clock on which whoever sleeps does not wake."""

    def __init__(self) -> None:
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await asyncio.Event().wait()


async def test_what_cannot_be_compared_is_not_shown(database: Database, unused_tcp_port: int) -> None:
    away = await Database.open(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/nothing")
    shown = []
    for one in (database, away):
        clock = FallsAsleep()
        running = asyncio.ensure_future(Comparisons(database=one, clock=clock).run())
        async with asyncio.timeout(10):
            await clock.asleep.wait()
        running.cancel()
        shown.append(REGISTRY.get_sample_value("carillon_clock_skew_seconds", {"against": "postgres"}))
    await away.close()

    assert shown[0] is not None
    assert shown[1] is None


def test_the_shortest_way_there_and_back_knows_best() -> None:
    slow, prompt = Comparison(round_trip=2.0, ahead=1.0), Comparison(round_trip=0.001, ahead=0.002)

    assert best([slow, prompt, slow]) is prompt
