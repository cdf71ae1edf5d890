"""How fast does one API record what the broker holds; and how soon, of a stream and of what comes alone?"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from shared.bus.port import Publisher, Work
from shared.bus.rabbit import RabbitBus
from shared.domain.firing import Attempted, AttemptError
from shared.domain.ids import shard_of
from shared.messages.catalogue import Outcomes, Report
from shared.messages.codec import encode
from shared.timing.instants import Instant, to_datetime
from tests.acceptance.client import now
from tests.bench.bare_client import bare_clients
from tests.bench.figure import Figure, Goal
from tests.bench.filling import Wanted
from tests.bench.place import SHARDS, Installation, Place, Spent, cpu_of_family, spent
from tests.servers.processes import eventually

EVENTS: Final = 20_000
WAITING: Final = 40_000  # outcomes that the broker holds when the recorder begins
MESSAGE: Final = 500
TOGETHER: Final = 2_000  # rows in a transaction of the floor, as the recorder has them
ROUNDS: Final = 1
POSTS: Final = 5_000  # of the bare client
STREAM, STREAM_SECONDS, MESSAGES_A_SECOND = 2_000, 3, 50
LONE, LONE_EVERY = 6, 0.4

# What the ledger has of a ring at the least, and nothing else: no conflict, no state of an event, no look at its owner.
FLOOR: Final = (
    """
    insert into execution (event_id, nominal, manual, status, last, recorded, effective, attempts)
    select event_id, nominal, false, 'DELIVERED', nominal, nominal, nominal, 1
    from unnest($1::text[], $2::timestamptz[]) as fact (event_id, nominal)
    """,
    """
    insert into attempt (
        event_id, nominal, manual, epoch, attempt, started, duration_ms, status_code, error, dispatcher, stale, body,
        headers
    )
    select event_id, nominal, false, 1, 1, started, duration_ms, status_code, '', 'bench', false, body, headers::json
    from unnest(
            $1::text[], $2::timestamptz[], $3::timestamptz[], $4::integer[], $5::smallint[], $6::bytea[], $7::text[]
        ) as fact (event_id, nominal, started, duration_ms, status_code, body, headers)
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """So many outcomes a second, and what they cost."""

    rate: float
    cost: Spent | float

    @property
    def micros(self) -> float:
        """Processor time of an outcome, in all processes that have to do with it, in microseconds."""
        spent_on = self.cost if isinstance(self.cost, float) else self.cost.apis + self.cost.postgres + self.cost.rabbit
        return spent_on / WAITING * 1e6


async def measure(place: Place) -> AsyncIterator[Figure]:
    async with place.installation() as installation:
        ids = await installation.fill(Wanted("0 0 1 1 *", place.receiver.url, "{}") for _ in range(EVENTS))
        bus = RabbitBus(installation.settings["AMQP_URL"], prefix=installation.settings["BUS_PREFIX"])
        publisher = bus.publisher()
        c = await asyncpg.connect(installation.settings["DATABASE_URL"])
        try:
            rounds, floors = [], []
            for number in range(ROUNDS):
                rounds.append(await _recorded(place, installation, publisher, c, ids, now() - 10 * number - 10_000))
                floors.append(await _floor(place, c, ids, now() - 10 * number - 20_000))
            with bare_clients(f"{place.receiver.url}/floor", workers=50, clients=1) as bare:
                rings = (await bare.post(POSTS)).rate
            for figure in _figures(rounds, floors, rings):
                yield figure
            for figure in [await _stream(installation, publisher, ids), await _alone(installation, publisher, ids)]:
                yield figure
        finally:
            await c.close()
            await publisher.close()


def _figures(rounds: Sequence[Recorded], floors: Sequence[Recorded], rings: float) -> Iterator[Figure]:
    rate, floor = (statistics.median(one.rate for one in measured) for measured in (rounds, floors))
    last = rounds[-1].cost
    yield Figure(
        row="ledger",
        what=f"recorded by one API, {WAITING:,} waiting in messages of {MESSAGE}",
        value=rate,
        unit="outcomes/s",
        floor=rings,
        floor_of="one bare aiohttp client's requests: more than a dispatcher rings",
        goal=Goal(of="ratio", sense=">=", bound=1.0),
        note=f"bare asyncpg, the same rows: {floor:,.0f}",
    )
    yield Figure(
        row="ledger",
        what="processor time of an outcome, in API, Postgres and RabbitMQ",
        value=statistics.median(one.micros for one in rounds),
        unit="us",
        floor=statistics.median(one.micros for one in floors),
        floor_of=f"bare asyncpg and Postgres: unnest, {TOGETHER:,} rows a transaction, both tables, nothing else",
        note=str(last),
    )


async def _recorded(
    place: Place,
    installation: Installation,
    publisher: Publisher,
    c: asyncpg.Connection[asyncpg.Record],
    ids: Sequence[str],
    nominal: Instant,
) -> Recorded:
    """The recorder waits for a lock until the broker has everything."""
    rung = [_rung(ids[number % EVENTS], nominal + number // EVENTS) for number in range(WAITING)]
    messages = [_message(rung[first : first + MESSAGE]) for first in range(0, WAITING, MESSAGE)]
    goal = await _counted(installation) + WAITING
    await c.execute("checkpoint", timeout=60)
    async with c.transaction():
        await c.execute("lock table event_state in exclusive mode")
        async with asyncio.TaskGroup() as tasks:
            for message in messages:
                tasks.create_task(publisher.to_work(Work.OUTCOMES, message))
        before = spent(place, installation)
    began = time.monotonic()

    async def is_recorded() -> bool:
        return await _counted(installation) >= goal

    await eventually(is_recorded, within=60, what=lambda: "everything is recorded")
    return Recorded(rate=WAITING / (time.monotonic() - began), cost=spent(place, installation).since(before))


async def _floor(place: Place, c: asyncpg.Connection[asyncpg.Record], ids: Sequence[str], nominal: Instant) -> Recorded:
    """The same rows, of other moments, from columns that lie ready."""
    portions = []
    for first in range(0, WAITING, TOGETHER):
        numbers = range(first, first + TOGETHER)
        event_ids = [ids[number % EVENTS] for number in numbers]
        moments = [to_datetime(nominal + number // EVENTS) for number in numbers]
        size = len(event_ids)
        headers = ['{"content-type":"text/plain"}'] * size
        answers: list[Any] = [moments, [20] * size, [200] * size, [b"ok"] * size, headers]
        portions.append((event_ids, moments, answers))
    await c.execute("checkpoint", timeout=60)
    before, began = (time.process_time(), _postgres(place)), time.monotonic()
    for event_ids, moments, answers in portions:
        async with c.transaction():
            await c.execute(FLOOR[0], event_ids, moments)
            await c.execute(FLOOR[1], event_ids, moments, *answers)
    seconds = time.monotonic() - began
    return Recorded(rate=WAITING / seconds, cost=time.process_time() - before[0] + _postgres(place) - before[1])


async def _stream(installation: Installation, publisher: Publisher, ids: Sequence[str]) -> Figure:
    """As a dispatcher reports it: a message every 20 ms."""
    before, size = await _lags(installation), STREAM // MESSAGES_A_SECOND
    goal = await _counted(installation) + STREAM * STREAM_SECONDS
    began = time.monotonic()
    for number in range(MESSAGES_A_SECOND * STREAM_SECONDS):
        rung = [_rung(ids[(number * size + place) % EVENTS], now()) for place in range(size)]
        await publisher.to_work(Work.OUTCOMES, _message(rung))
        await asyncio.sleep(began + (number + 1) / MESSAGES_A_SECOND - time.monotonic())

    async def is_recorded() -> bool:
        return await _counted(installation) >= goal

    await eventually(is_recorded, within=30, what=lambda: "the stream is recorded")
    after = await _lags(installation)
    return Figure(
        row="ledger",
        what=f"until {STREAM:,} outcomes a second are recorded, mean",
        value=after.mean_since(before) * 1000,
        unit="ms",
        goal=Goal(of="value", sense="<=", bound=500),
        note=f"99 of 100 in less than {after.bound_since(before, 0.99) * 1000:,.0f} ms",
    )


async def _alone(installation: Installation, publisher: Publisher, ids: Sequence[str]) -> Figure:
    before = await _lags(installation)
    for number in range(LONE):
        await asyncio.sleep(LONE_EVERY)
        await publisher.to_work(Work.OUTCOMES, _message([_rung(ids[number], now())]))
    await asyncio.sleep(LONE_EVERY)
    after = await _lags(installation)
    return Figure(
        row="ledger",
        what="until an outcome that comes alone is recorded, mean",
        value=after.mean_since(before) * 1000,
        unit="ms",
        goal=Goal(of="value", sense="<=", bound=50),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """How late outcomes were recorded since the API was started."""

    total: float
    up_to: dict[float, float]  # how many, by bounds in seconds

    def mean_since(self, before: Lags) -> float:
        """In seconds."""
        return (self.total - before.total) / (self.up_to[float("inf")] - before.up_to[float("inf")])

    def bound_since(self, before: Lags, share: float) -> float:
        """The least bound that this share was within."""
        counts = {bound: count - before.up_to[bound] for bound, count in self.up_to.items()}
        return min(bound for bound, count in counts.items() if count >= share * counts[float("inf")])


async def _lags(installation: Installation) -> Lags:
    async with installation.session.get(f"{installation.api.url}/metrics") as answer:
        text = await answer.text()
    found = re.findall(r'^carillon_outcomes_lag_seconds_bucket{le="(\S+)"} (\S+)$', text, re.MULTILINE)
    total = re.search(r"^carillon_outcomes_lag_seconds_sum (\S+)$", text, re.MULTILINE)
    assert total is not None, "the API tells no lag"
    return Lags(total=float(total[1]), up_to={float(bound): float(count) for bound, count in found})


async def _counted(installation: Installation) -> float:
    return await installation.api.figure("carillon_recorder_recorded_total")


def _postgres(place: Place) -> float:
    return cpu_of_family(place.postgres.pid)


def _rung(event_id: str, nominal: Instant) -> Attempted:
    return Attempted(
        timer_id=event_id,
        nominal=nominal,
        manual=False,
        attempt=1,
        started=nominal,
        duration_ms=0,
        status_code=200,
        error=AttemptError.NONE,
        settled_through=nominal,
        effective=nominal,
        version=1,
        body=b"ok",
        headers=(("content-type", "text/plain"),),
    )


def _message(rung: Sequence[Attempted]) -> bytes:
    shards: dict[int, list[Any]] = {}
    for one in rung:
        shards.setdefault(shard_of(one.timer_id, SHARDS), []).append(one)
    return encode(Outcomes("bench", [Report(shard, "bench", 1, told) for shard, told in shards.items()]))
