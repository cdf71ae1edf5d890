"""Requests are answered through the shard's inbox: whoever owns it hears everything, and nobody else anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from api_service.loops.snapshots import DIGEST_MARGIN_MS, Snapshots, WayOut
from api_service.store import signing
from api_service.store.database import Database
from shared.bus.port import BusUnavailable, Session, Work
from shared.clock import SystemClock
from shared.domain.delivery import SigningKeys, SigningSecret
from shared.domain.event import timer_of
from shared.messages.catalogue import DigestRequest, ShardDigest, SnapshotPage, SnapshotRequest
from shared.messages.codec import encode
from tests.integration.loops.scene import HOUR, NOW, Scene
from tests.integration.loops.wires import Letter, Wire, heard, owner_of


class _At:
    """A clock that stands still; sleeping is real."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._real = SystemClock()

    def now(self) -> int:
        return self._now

    def steady(self) -> float:
        return self._real.steady()

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds)


def service(database: Database, wire: Wire, publisher: WayOut | None = None, *, page_timers: int = 500) -> Snapshots:
    return Snapshots(
        bus=wire.bus,
        publisher=publisher or wire.publisher,
        database=database,
        clock=_At(NOW),
        page_timers=page_timers,
    )


@asynccontextmanager
async def running(one: Snapshots) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(one.run())
        yield
        task.cancel()


def request(session: Session, name: str = "r-1", shard: int = 3) -> SnapshotRequest:
    return SnapshotRequest(shard=shard, incarnation=session.incarnation, owner="d-1", request=name)


async def ask(wire: Wire, *requests: SnapshotRequest | DigestRequest) -> None:
    for one in requests:
        await wire.publisher.to_work(Work.SNAPSHOTS, encode(one))


async def answer(session: Session) -> list[SnapshotPage]:
    """The next run of pages."""
    pages: list[SnapshotPage] = []
    while not pages or not pages[-1].last:
        page = await heard(session)
        assert isinstance(page, SnapshotPage)
        pages.append(page)
    return pages


async def test_an_owner_hears_all_its_timers_in_numbered_pages(scene: Scene, wire: Wire) -> None:
    made = [await scene.create() for _ in range(5)]
    await scene.create(shard=4)
    async with scene.database.transaction() as c:
        await signing.add(c, scene.application_id, b"secret", now=NOW)

    async with owner_of(wire, 3) as session, running(service(scene.database, wire, page_timers=2)):
        await ask(wire, request(session))
        pages = await answer(session)

    assert [timer for page in pages for timer in page.timers] == [timer_of(one) for one in made]
    assert [(page.page, page.last) for page in pages] == [(0, False), (1, False), (2, True)]
    assert {(page.request, page.incarnation, page.epoch, page.horizon, page.handed_over) for page in pages} == {
        ("r-1", session.incarnation, 1, 5, True)
    }
    assert len({page.answer for page in pages}) == 1
    keys = SigningKeys(application_id=scene.application_id, generation=1, secrets=(SigningSecret(b"secret"),))
    assert [page.keys for page in pages] == [[keys], [], []]


async def test_a_request_that_is_repeated_is_answered_by_another_run_of_pages(scene: Scene, wire: Wire) -> None:
    async with owner_of(wire, 3) as session, running(service(scene.database, wire)):
        await ask(wire, request(session), request(session))
        (first,), (second,) = await answer(session), await answer(session)

    assert first.answer != second.answer
    assert first.epoch == second.epoch


async def test_the_late_request_of_a_dead_owner_is_heard_by_the_living_one_who_asks_again(
    scene: Scene, wire: Wire
) -> None:
    async with owner_of(wire, 3) as dead:
        late = request(dead, "late")

    async with owner_of(wire, 3) as living, running(service(scene.database, wire)):
        await ask(wire, request(living, "first"))
        (first,) = await answer(living)
        await ask(wire, late)
        (strange,) = await answer(living)
        await ask(wire, request(living, "again"))
        (again,) = await answer(living)

    assert (strange.incarnation, again.incarnation) == (dead.incarnation, living.incarnation)
    assert first.epoch < strange.epoch < again.epoch
    assert [page.handed_over for page in (first, strange, again)] == [True, False, False]


async def test_a_digest_leaves_out_what_ends_within_the_minute(scene: Scene, wire: Wire) -> None:
    kept = await scene.create(end_date=NOW + DIGEST_MARGIN_MS + 1)
    await scene.create(end_date=NOW + DIGEST_MARGIN_MS)

    async with owner_of(wire, 3) as session, running(service(scene.database, wire)):
        await ask(wire, DigestRequest(3, session.incarnation))
        digest = await heard(session)

    assert digest == ShardDigest(
        shard=3,
        version=2,
        ends_after=NOW + DIGEST_MARGIN_MS,
        count=1,
        versions_sum=kept.version,
        versions_xor=kept.version,
        rosters=0,
    )


class _Counting:
    """A publisher that counts, and fails from a certain message on."""

    def __init__(self, inner: WayOut, *, fails_from: int = 10**9) -> None:
        self._inner = inner
        self._fails_from = fails_from
        self.published = 0

    async def to_shard(self, shard: int, body: bytes) -> bool:
        self.published += 1
        if self.published >= self._fails_from:
            raise BusUnavailable
        return await self._inner.to_shard(shard, body)


async def test_reading_stops_when_nobody_is_there_to_hear_it(scene: Scene, wire: Wire) -> None:
    for _ in range(5):
        await scene.create()
    counting = _Counting(wire.publisher)
    letter = Letter(encode(SnapshotRequest(shard=3, incarnation="gone", owner="d", request="r")))

    await service(scene.database, wire, counting, page_timers=1).deal_with(letter)

    assert (counting.published, letter.answers) == (1, ["ack"])


async def test_an_answer_that_breaks_off_is_left_to_whoever_asked_and_holds_no_connection(
    scene: Scene, wire: Wire
) -> None:
    for _ in range(5):
        await scene.create()

    async with owner_of(wire, 3) as session:
        for _ in range(12):  # more often than there are connections
            letter = Letter(encode(request(session)))
            broken = _Counting(wire.publisher, fails_from=2)
            await service(scene.database, wire, broken, page_timers=1).deal_with(letter)
            assert letter.answers == ["ack"]
        letter = Letter(encode(request(session)))
        await service(scene.database, wire).deal_with(letter)

        (*partial, whole) = [await heard(session) for _ in range(13)]
    assert isinstance(whole, SnapshotPage)
    assert whole.last
    assert all(isinstance(page, SnapshotPage) and not page.last for page in partial)


async def test_a_request_is_dropped_while_postgres_is_away(wire: Wire) -> None:
    away = await Database.open("postgresql://nobody@127.0.0.1:1/nowhere", size=1)
    letter = Letter(encode(SnapshotRequest(shard=3, incarnation="i", owner="d", request="r")))

    await service(away, wire).deal_with(letter)

    assert letter.answers == ["ack"]
    await away.close()


@pytest.mark.parametrize(
    "message",
    [
        SnapshotRequest(shard=9_999, incarnation="i", owner="d", request="r"),
        SnapshotRequest(shard=2**40, incarnation="i", owner="d", request="r"),
        SnapshotRequest(shard=3, incarnation="nul\0", owner="d", request="r"),
        DigestRequest(shard=9_999, incarnation="i"),
    ],
    ids=str,
)
async def test_a_request_for_what_is_not_there_is_answered_by_silence(
    scene: Scene, wire: Wire, message: SnapshotRequest | DigestRequest
) -> None:
    letter = Letter(encode(message))

    await service(scene.database, wire).deal_with(letter)

    assert letter.answers == ["ack"]


async def test_what_cannot_be_understood_is_buried(scene: Scene, wire: Wire) -> None:
    letter = Letter(b"\xc1")

    await service(scene.database, wire).deal_with(letter)

    assert letter.answers == ["bury"]


async def test_several_shards_are_served_by_the_same_process(scene: Scene, wire: Wire) -> None:
    for shard in range(8):
        await scene.create(shard=shard, end_date=NOW + HOUR)

    async with owner_of(wire, *range(8)) as session, running(service(scene.database, wire)):
        await ask(wire, *(request(session, f"r-{shard}", shard) for shard in range(8)))
        pages = [page for _ in range(8) for page in await answer(session)]

    assert sorted((page.shard, len(page.timers)) for page in pages) == [(shard, 1) for shard in range(8)]
