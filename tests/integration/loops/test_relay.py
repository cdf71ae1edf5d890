"""Outbox to bus: everything committed arrives at least once, soon, and in parcels that a broker can carry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from api_service.loops import relay as relay_module
from api_service.loops.metrics import RELAY_BEHIND
from api_service.loops.relay import LOAD_BYTES, MESSAGE_BYTES, Relay, WayOut, loads, parcels
from api_service.store import outbox
from api_service.store.database import Database
from api_service.store.outbox import Waiting
from shared.bus.port import BusUnavailable, Delivery, Session
from shared.clock import SystemClock
from shared.messages.catalogue import Change, ScheduleChanges, Upserted
from shared.messages.codec import decode_to_shard, decode_what
from tests.integration.loops.scene import SHARDS, Scene
from tests.integration.loops.wires import Wire, owner_of

NEVER = 3600.0


def relay(database: Database, publisher: WayOut, wake: asyncio.Event, *, poll: float = NEVER) -> Relay:
    return Relay(database=database, publisher=publisher, clock=SystemClock(), wake=wake, poll_interval=poll)


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run()) for one in relays]
        yield
        for task in tasks:
            task.cancel()


async def arriving(session: Session, enough: Callable[[set[int]], bool]) -> list[Change]:
    """What arrives, until the versions that arrived are enough."""
    changes: list[Change] = []
    async with asyncio.timeout(20):
        deliveries: AsyncIterator[Delivery] = session.deliveries()
        while not enough({change.version for change in changes}):
            delivery = await anext(deliveries)
            message = decode_to_shard(delivery.body)
            assert isinstance(message, ScheduleChanges)
            assert message.shard == delivery.shard
            changes += message.changes
            await delivery.ack()
    return changes


async def left(database: Database) -> int:
    async with database.connection() as c:
        return await outbox.waiting(c)


async def test_what_is_committed_arrives_at_once_when_the_relay_is_woken(scene: Scene, wire: Wire) -> None:
    wake = asyncio.Event()
    async with owner_of(wire, 3) as session, running(relay(scene.database, wire.publisher, wake)):
        made = []
        for number in range(1, 4):  # each round waits for the one before: no poll comes to help
            made.append(await scene.create())
            wake.set()
            (change,) = await arriving(session, lambda versions, n=number: n in versions)  # type: ignore[misc]
            what = decode_what(change.what)
            assert isinstance(what, Upserted)
            assert what.timer.id == made[-1].event_id


async def test_rows_of_a_sibling_that_died_are_found_without_being_woken(scene: Scene, wire: Wire) -> None:
    """Shown to fail where `_woken` waits without a timeout."""
    async with owner_of(wire, 3) as session, running(relay(scene.database, wire.publisher, asyncio.Event(), poll=0.01)):
        await scene.create()

        assert len(await arriving(session, lambda versions: 1 in versions)) == 1


async def test_a_round_sends_one_message_a_shard_in_the_order_of_versions(scene: Scene, wire: Wire) -> None:
    for number in range(12):
        await scene.create(shard=3 + number % 2)
    async with owner_of(wire, 3, 4) as session:
        assert await relay(scene.database, wire.publisher, asyncio.Event()).relay_once() == 12

        messages = []
        deliveries = session.deliveries()
        for _ in range(2):
            async with asyncio.timeout(10):
                messages.append(decode_to_shard((await anext(deliveries)).body))
    told = {
        one.shard: [change.version for change in one.changes] for one in messages if isinstance(one, ScheduleChanges)
    }
    assert told == {3: [1, 2, 3, 4, 5, 6], 4: [1, 2, 3, 4, 5, 6]}
    assert await left(scene.database) == 0


async def test_a_change_of_a_shard_without_owner_is_counted_and_done_with(scene: Scene, wire: Wire) -> None:
    """Shown to fail where an unroutable message counts as a failed one: its row would stay, and be sent for ever."""
    before = REGISTRY.get_sample_value("carillon_relay_unroutable_total") or 0.0
    await scene.create()

    await relay(scene.database, wire.publisher, asyncio.Event()).relay_once()

    assert REGISTRY.get_sample_value("carillon_relay_unroutable_total") == before + 1
    assert await left(scene.database) == 0


class _Watching:
    """Takes everything, and notes for how long the outbox had not been seen empty then."""

    def __init__(self) -> None:
        self.behind: list[float] = []

    async def to_shards(self, messages: Sequence[tuple[int, bytes]]) -> Sequence[bool | BusUnavailable]:
        self.behind.append(REGISTRY.get_sample_value("carillon_relay_behind_seconds") or 0.0)
        return [True] * len(messages)


async def test_a_relay_that_has_much_to_do_says_that_it_is_behind(scene: Scene) -> None:
    async with scene.database.transaction() as c:
        await outbox.put_all(c, shard=3, whats=[b"\xc0"] * (relay_module.ROUND_ROWS + 1))
    watching = _Watching()
    RELAY_BEHIND.set(0)
    async with asyncio.timeout(20), running(relay(scene.database, watching, asyncio.Event(), poll=0.01)):
        while await left(scene.database):
            pass

    first, second = watching.behind
    assert second > first


class _DiesAfterPublishing:
    """A publisher whose process stops between the broker's confirmation and anything else."""

    def __init__(self, inner: WayOut) -> None:
        self._inner = inner
        self.published = asyncio.Event()

    async def to_shards(self, messages: Sequence[tuple[int, bytes]]) -> Sequence[bool | BusUnavailable]:
        await self._inner.to_shards(messages)
        self.published.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_relay_that_dies_between_publishing_and_deleting_sends_again(scene: Scene, wire: Wire) -> None:
    """Shown to fail where rows are deleted in a transaction of their own before they are published."""
    await scene.create()
    dying = _DiesAfterPublishing(wire.publisher)
    async with owner_of(wire, 3) as session:
        async with running(relay(scene.database, dying, asyncio.Event())):
            await dying.published.wait()
        assert await left(scene.database) == 1

        await relay(scene.database, wire.publisher, asyncio.Event()).relay_once()

        first, second = await arriving(session, _twice())
        assert first == second


def _twice() -> Callable[[set[int]], bool]:
    """Enough at the third look: after two deliveries."""
    looks = iter([False, False, True])
    return lambda _: next(looks)


class _Failing:
    """A publisher to whom some shards are away, for a while."""

    def __init__(self, inner: WayOut, shards: set[int], failures: int) -> None:
        self._inner = inner
        self._shards = shards
        self.failures = failures

    async def to_shards(self, messages: Sequence[tuple[int, bytes]]) -> Sequence[bool | BusUnavailable]:
        return [await self._answer(shard, body) for shard, body in messages]

    async def _answer(self, shard: int, body: bytes) -> bool | BusUnavailable:
        if shard in self._shards and self.failures:
            self.failures -= 1
            return BusUnavailable("away")
        (answer,) = await self._inner.to_shards([(shard, body)])
        return answer


async def test_what_cannot_be_published_stays_and_does_not_keep_back_the_rest(scene: Scene, wire: Wire) -> None:
    """Shown to fail where failed parcels are deleted with the others, and where one that failed keeps all of them."""
    for shard in (3, 4, 5):
        await scene.create(shard=shard)
    failing = _Failing(wire.publisher, {4}, failures=1)
    under_test = relay(scene.database, failing, asyncio.Event())

    with pytest.raises(BusUnavailable):
        await under_test.relay_once()
    assert await left(scene.database) == 1

    assert await under_test.relay_once() == 1
    assert await left(scene.database) == 0


async def test_nothing_is_lost_while_the_broker_is_away(scene: Scene, wire: Wire) -> None:
    """Shown to fail where failed parcels are deleted, and where `run` does not survive BusUnavailable."""
    wake = asyncio.Event()
    failing = _Failing(wire.publisher, set(range(SHARDS)), failures=5)
    async with owner_of(wire, 3) as session, running(relay(scene.database, failing, wake)):
        for _ in range(20):
            await scene.create()
            wake.set()

        await arriving(session, lambda versions: versions >= set(range(1, 21)))
        assert failing.failures == 0


async def test_a_confirmation_that_never_comes_is_not_waited_for_for_ever(
    scene: Scene, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown to fail without PUBLISH_TIMEOUT."""
    monkeypatch.setattr(relay_module, "PUBLISH_TIMEOUT", 0.01)
    await scene.create()

    with pytest.raises(BusUnavailable):
        await relay(scene.database, _DiesAfterPublishing(wire.publisher), asyncio.Event()).relay_once()
    assert await left(scene.database) == 1


async def test_two_relays_lose_nothing_and_do_not_wait_for_each_other(scene: Scene, wire: Wire) -> None:
    """Shown to fail without `for update` in `take`: changes came twice."""
    wake = asyncio.Event()
    pair = [relay(scene.database, wire.publisher, wake, poll=0.01) for _ in range(2)]
    async with owner_of(wire, 3) as session, running(*pair):
        for _ in range(60):
            await scene.create()

        changes = await arriving(session, lambda versions: versions >= set(range(1, 61)))
        assert len(changes) == 60  # nobody died: nothing came twice


async def test_a_relay_takes_what_another_one_does_not_hold(scene: Scene, wire: Wire) -> None:
    """Shown to fail without `skip locked` in `take`: it waited for the other one."""
    await scene.create()
    stuck = _DiesAfterPublishing(wire.publisher)
    async with running(relay(scene.database, stuck, asyncio.Event())):
        await stuck.published.wait()
        await scene.create()

        async with asyncio.timeout(5):
            assert await relay(scene.database, wire.publisher, asyncio.Event()).relay_once() == 1


async def test_postgres_being_away_does_not_end_the_relay(scene: Scene, wire: Wire) -> None:
    """Shown to fail where `run` does not survive Unavailable."""
    wake = asyncio.Event()
    async with owner_of(wire, 3) as session, running(relay(scene.database, wire.publisher, wake, poll=0.01)):
        await scene.create()
        await arriving(session, lambda versions: 1 in versions)
        async with scene.database.connection() as c:
            await c.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                            " and datname = current_database()")  # fmt: skip
        await scene.create()

        await arriving(session, lambda versions: 2 in versions)


def row(number: int, shard: int, size: int = 1) -> Waiting:
    return Waiting(id=number, shard=shard, version=number, what=b"x" * size)


def test_no_parcel_is_larger_than_a_broker_carries_unless_a_single_change_is() -> None:
    half = MESSAGE_BYTES // 2
    rows = [row(1, 3, half), row(2, 4), row(3, 3, half), row(4, 3, half), row(5, 3, 2 * MESSAGE_BYTES), row(6, 3)]

    made = [(parcel.shard, [one.id for one in parcel.rows]) for parcel in parcels(rows)]

    assert made == [(3, [1, 3]), (3, [4]), (3, [5]), (3, [6]), (4, [2])]


def test_nothing_makes_no_parcel() -> None:
    assert list(parcels([])) == []


def test_no_more_is_under_way_at_once_than_a_load() -> None:
    """In order: of a shard whose parcels fill several loads, the older ones go first."""
    rows = [row(number, 3, MESSAGE_BYTES) for number in range(2 * LOAD_BYTES // MESSAGE_BYTES + 1)]

    made = [[one.id for parcel in load for one in parcel.rows] for load in loads(parcels(rows))]

    assert made == [list(range(8)), list(range(8, 16)), [16]]


def test_a_parcel_that_is_larger_than_a_load_goes_alone() -> None:
    rows = [row(1, 2), row(2, 3, LOAD_BYTES + 1), row(3, 4), row(4, 5)]

    assert [[one.shard for one in load] for load in loads(parcels(rows))] == [[2], [3], [4, 5]]
