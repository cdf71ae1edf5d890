"""Outcomes to ledger, one message at a time: in order, held while Postgres is away, never stuck behind a bad one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from api_service.loops import recorder as recorder_module
from api_service.loops.recorder import Recorder, WayOut
from api_service.store import ledger, snapshots
from api_service.store.database import Database
from api_service.store.migrations import migrate
from deploy.local.postgres import PostgresServer
from shared.bus.port import BusUnavailable, Delivery, Queue, Work
from shared.clock import Clock, SystemClock
from shared.domain.event import Event, Status
from shared.domain.firing import AttemptError, Execution, Outcome
from shared.messages.catalogue import Outcomes, Released, Report, SnapshotRequest
from shared.messages.codec import decode_to_snapshots, encode
from tests.integration.api.stage import StandingClock
from tests.integration.loops.scene import NOW, SHARDS, Scene, attempted, finished, outcomes, skipped
from tests.integration.loops.waiting import somebody_waits
from tests.integration.loops.wires import Letter, Wire, over_every_bus

FOR_EVER = 3_600.0
REQUEST = SnapshotRequest(shard=3, incarnation="i-2", owner="d-2", request="r-1")


def recorder(
    database: Database, wire: Wire, publisher: WayOut | None = None, *, clock: Clock | None = None, rest: float = 0
) -> Recorder:
    return Recorder(
        bus=wire.bus,
        publisher=publisher or wire.publisher,
        database=database,
        clock=clock or SystemClock(),
        wake_relay=lambda: None,
        rest=rest,
    )


@asynccontextmanager
async def running(*recorders: Recorder) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run()) for one in recorders]
        yield
        for task in tasks:
            task.cancel()


async def passed_on(wire: Wire, count: int = 1, *, within: float = 30) -> list[SnapshotRequest]:
    """The next requests that the recorder passes on: what was said before them is dealt with."""
    requests = []
    async with asyncio.timeout(within), wire.bus.consume(Work.SNAPSHOTS) as deliveries:
        async for delivery in deliveries:
            request = decode_to_snapshots(delivery.body)
            assert isinstance(request, SnapshotRequest)
            requests.append(request)
            await delivery.ack()
            if len(requests) == count:
                break
    return requests


async def tell(wire: Wire, *messages: Outcomes | Released | SnapshotRequest) -> None:
    for message in messages:
        await wire.publisher.to_work(Work.OUTCOMES, encode(message))


async def recorded(database: Database, of: Event) -> int:
    async with database.connection() as c:
        _, total = await ledger.executions(c, of.event_id, limit=1)
    return total


@pytest.mark.parametrize("rest", [0, FOR_EVER])
async def test_what_is_reported_is_recorded_and_then_the_request_is_passed_on(
    scene: Scene, wire: Wire, rest: float
) -> None:
    """Shown to fail where requests are acknowledged and not passed on, and where none ends the recorder's rest."""
    rung = await scene.create()

    async with running(recorder(scene.database, wire, rest=rest)):
        for number in range(1, 21):
            request = SnapshotRequest(3, "i-2", "d-2", f"r-{number}")
            await tell(wire, outcomes(*(attempted(rung, 10 * number + tenth) for tenth in range(10))), request)

            assert await passed_on(wire) == [request]
            assert await recorded(scene.database, rung) == 10 * number


async def test_several_messages_are_recorded_together_and_each_is_its_dispatchers(scene: Scene, wire: Wire) -> None:
    """Shown to fail where each is a transaction, and where the first one's dispatcher has made all attempts."""
    rung = await scene.create()
    told = [outcomes(attempted(rung, second), dispatcher=f"d-{second}", epoch=second) for second in range(1, 10)]
    # The same firing twice in one transaction, of which one reporter says that it failed.
    told.append(outcomes(attempted(rung, 9, error=AttemptError.TIMEOUT), dispatcher="d-10", epoch=10))
    await tell(wire, *told, REQUEST)

    async with running(recorder(scene.database, wire)):
        await passed_on(wire)

    async with scene.database.connection() as c:
        executions, _ = await ledger.executions(c, rung.event_id, limit=10)
        transactions = await c.fetchval("select count(distinct xmin::text) from attempt")
    attempts = [(one.nominal, each.dispatcher, each.epoch) for one in executions for each in one.attempts]
    expected = [(NOW + second * 1_000, f"d-{second}", second) for second in range(1, 10)]
    assert sorted(attempts) == sorted([*expected, (NOW + 9_000, "d-10", 10)])
    assert {one.status for one in executions} == {Execution.DELIVERED}
    assert transactions == 1


@over_every_bus
async def test_a_message_that_cannot_be_written_is_buried_alone(scene: Scene, wire: Wire) -> None:
    """Shown to fail where a refusal is the fate of all that was gathered with it."""
    rung = await scene.create()
    told = [outcomes(attempted(rung, second)) for second in range(1, 6)]
    told.insert(3, outcomes(attempted(rung, 7, status_code=2**40), attempted(rung, 8)))
    await tell(wire, *told, REQUEST)

    async with running(recorder(scene.database, wire)):
        await passed_on(wire)

    assert await recorded(scene.database, rung) == 6
    assert (await wire.publisher.queues())[Queue.DEAD].messages == 1


@over_every_bus
async def test_a_request_never_overtakes_what_a_slow_recorder_has_still_to_write(scene: Scene, wire: Wire) -> None:
    """Shown to fail over RabbitMQ where the queue of outcomes has not a single active consumer."""
    rung = [await scene.create() for _ in range(3)]
    pair = recorder(scene.database, wire), recorder(scene.database, wire)

    async with running(*pair):
        async with scene.database.transaction() as c:
            await c.execute("select from event_state where event_id = $1 for update", rung[0].event_id)
            await tell(wire, *(outcomes(attempted(one, 1)) for one in rung), REQUEST)
            await somebody_waits(scene.database)
            with pytest.raises(TimeoutError):  # nobody else may go on meanwhile
                await passed_on(wire, within=0.5)

        assert await passed_on(wire) == [REQUEST]
        assert [await recorded(scene.database, one) for one in rung] == [1, 1, 1]


async def test_of_every_attempt_it_is_counted_how_long_ago_it_had_ended(scene: Scene, wire: Wire) -> None:
    """Attempts end 20 ms after their second; the clock of whoever made the last one is ahead of ours."""

    def lag(of: str) -> float:
        return REGISTRY.get_sample_value(f"carillon_outcomes_lag_seconds_{of}") or 0

    rung = await scene.create()
    told = outcomes(attempted(rung, 1), attempted(rung, 2), skipped(rung, 3, 4), attempted(rung, 900))
    count, total = lag("count"), lag("sum")

    await recorder(scene.database, wire, clock=StandingClock(NOW + 5_020)).deal_with(Letter(encode(told)))

    assert (lag("count") - count, round(lag("sum") - total, 6)) == (3, 4 + 3)


async def test_a_goodbye_is_written_down_for_the_next_owner(scene: Scene, wire: Wire) -> None:
    async with scene.database.transaction() as c:
        first = await snapshots.claim(c, 3, "i-1", "d-1")

    async with running(recorder(scene.database, wire)):
        await tell(wire, Released(3, "i-1", first.epoch), REQUEST)
        await passed_on(wire)

    async with scene.database.transaction() as c:
        assert await snapshots.claim(c, 3, "i-2", "d-2") == snapshots.Claim(epoch=2, handed_over=True)


class _Noticed(SystemClock):
    """A clock that says when somebody waits by it: a loop that has lost something."""

    def __init__(self) -> None:
        self.waited = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waited.set()
        await super().sleep(seconds)


async def test_postgres_being_away_costs_time_and_no_outcome(own_postgres: PostgresServer, wire: Wire) -> None:
    """Shown to fail where `_until_written` gives up at the first Unavailable."""
    await migrate(own_postgres.dsn, shards=SHARDS, now=NOW)
    database = await Database.open(own_postgres.dsn)
    scene = await Scene.open(database)
    rung = [await scene.create() for _ in range(6)]
    clock = _Noticed()

    async with running(recorder(database, wire, clock=clock)):
        await tell(wire, outcomes(attempted(rung[0], 1)), REQUEST)
        await passed_on(wire)
        await asyncio.to_thread(own_postgres.stop, immediately=True)
        await tell(wire, *(outcomes(attempted(one, 2)) for one in rung), Released(3, "i-1", 1), REQUEST)
        await clock.waited.wait()
        await asyncio.to_thread(own_postgres.start)

        assert await passed_on(wire) == [REQUEST]
        assert [await recorded(database, one) for one in rung] == [2, 1, 1, 1, 1, 1]
    await database.close()


@pytest.mark.parametrize("body", [b"", b"not msgpack", encode(REQUEST)[:-1]])
async def test_what_cannot_be_understood_is_buried(scene: Scene, wire: Wire, body: bytes) -> None:
    """Shown to fail where a ContractError passes: one bad message would end the recorder."""
    letter = Letter(body)

    await recorder(scene.database, wire).deal_with(letter)

    assert letter.answers == ["bury"]


async def test_an_outcome_that_cannot_be_written_does_not_take_others_with_it(scene: Scene, wire: Wire) -> None:
    """Shown to fail where a refused message is not tried again one by one."""
    rung, ended = await scene.create(), await scene.create(end_date=1)
    bad: list[Outcome] = [attempted(rung, 2, status_code=2**40), attempted(rung, 3, timer_id="\0")]
    message = outcomes(attempted(rung, 1), *bad, attempted(rung, 4), finished(ended))
    message.reports.append(Report(3, "i-\0", 1, [attempted(rung, 5)]))
    letter = Letter(encode(message))

    await recorder(scene.database, wire).deal_with(letter)

    assert letter.answers == ["bury"]
    assert await recorded(scene.database, rung) == 2
    assert (await scene.get(ended)).status is Status.FINISHED


async def test_a_goodbye_that_makes_no_sense_is_buried(scene: Scene, wire: Wire) -> None:
    """Shown to fail where `release` lets Postgres's refusal through."""
    letter = Letter(encode(Released(2**40, "i-\0", 1)))

    await recorder(scene.database, wire).deal_with(letter)

    assert letter.answers == ["bury"]


class _Deaf:
    """A publisher that cannot reach the broker, so many times."""

    def __init__(self, inner: WayOut, failures: int) -> None:
        self._inner = inner
        self.failures = failures

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise BusUnavailable
        await self._inner.to_work(queue, body, expires_after=expires_after)


async def test_a_request_that_cannot_be_passed_on_at_first_is_tried_again(scene: Scene, wire: Wire) -> None:
    """Shown to fail where `_pass_on` gives up at the first BusUnavailable."""
    letter = Letter(encode(REQUEST))

    await recorder(scene.database, wire, _Deaf(wire.publisher, failures=2)).deal_with(letter)

    assert letter.answers == ["ack"]
    assert await passed_on(wire) == [REQUEST]


async def test_a_request_that_cannot_be_passed_on_in_its_lifetime_does_not_keep_outcomes_waiting(
    scene: Scene, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown to fail where `_pass_on` tries for ever."""
    monkeypatch.setattr(recorder_module, "REQUEST_LIFETIME", 0.2)
    deaf = _Deaf(wire.publisher, failures=1_000)
    letter = Letter(encode(REQUEST))

    await recorder(scene.database, wire, deaf).deal_with(letter)

    assert letter.answers == ["ack"]
    assert deaf.failures < 1_000


class _LostOnce:
    """A bus whose connection is lost before each of the first few answers."""

    def __init__(self, wire: Wire, losses: int) -> None:
        self._wire = wire
        self._losses = losses
        self.opened = 0

    @asynccontextmanager
    async def consume(self, queue: Work) -> AsyncIterator[_LostOnce]:
        self.opened += 1
        async with self._wire.bus.consume(queue) as self._deliveries:
            yield self

    def __aiter__(self) -> _LostOnce:
        return self

    async def __anext__(self) -> Delivery:
        delivery = await anext(self._deliveries)
        if self._losses:
            self._losses -= 1
            raise BusUnavailable
        return delivery


@over_every_bus
async def test_a_lost_connection_is_made_again_and_what_was_not_answered_comes_again(scene: Scene, wire: Wire) -> None:
    """Shown to fail where `consume` does not survive BusUnavailable."""
    rung = await scene.create()
    lossy = _LostOnce(wire, losses=3)

    async with running(recorder(scene.database, replace(wire, bus=lossy))):  # type: ignore[arg-type]
        await tell(wire, outcomes(attempted(rung, 1)), REQUEST)
        await passed_on(wire)

    assert lossy.opened == 4
    assert await recorded(scene.database, rung) == 1
