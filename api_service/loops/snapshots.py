"""Answers the dispatchers' requests: all timers of a shard, or what they should add up to, through the shard's inbox.

Only the holder of the inbox can receive the answer, so it does not matter who asked, how late, or how often.
A request that cannot be answered now is dropped: whoever asked asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Protocol
from uuid import uuid4

from api_service.loops import metrics
from api_service.loops.consuming import consume
from api_service.loops.trouble import Trouble
from api_service.store import snapshots
from api_service.store.database import Database
from shared.bus.port import Bus, BusUnavailable, Delivery, Work
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.messages.catalogue import DigestRequest, ShardDigest, SnapshotPage, SnapshotRequest
from shared.messages.codec import ContractError, decode_to_snapshots, encode
from shared.observability.logs import get_logger

WORKERS = 2
PUBLISH_TIMEOUT = 10.0
DIGEST_MARGIN_MS = 60_000  # a timer that ends sooner may be finished on one side and not yet on the other

log = get_logger(__name__)


class WayOut(Protocol):
    """What answers need of a publisher."""

    async def to_shard(self, shard: int, body: bytes) -> bool:
        """Confirmed, or BusUnavailable; False where nobody owns the shard."""
        ...


class Snapshots:
    """Serves what Postgres knows of the shards."""

    def __init__(
        self,
        *,
        bus: Bus,
        publisher: WayOut,
        database: Database,
        clock: Clock,
        page_timers: int = snapshots.PAGE_TIMERS,
        fresh_name: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._bus = bus
        self._publisher = publisher
        self._database = database
        self._clock = clock
        self._page_timers = page_timers
        self._fresh_name = fresh_name
        self._answers = Trouble(name="snapshots", clock=clock, log=log)

    async def run(self) -> None:
        """Serve for ever; ends only by cancellation."""
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                trouble = Trouble(name=f"snapshots.bus.{number}", clock=self._clock, log=log)
                group.create_task(consume(self._bus, Work.SNAPSHOTS, self.deal_with, trouble=trouble))

    async def deal_with(self, delivery: Delivery) -> None:
        """Answer the request, if that can be done now. Raises BusUnavailable: then it comes again."""
        try:
            request = decode_to_snapshots(delivery.body)
        except ContractError as error:
            metrics.SNAPSHOT_ANSWERS.labels("undecodable").inc()
            log.error("snapshots.buried", error=str(error), size=len(delivery.body))  # noqa: TRY400 - no traceback helps
            await delivery.bury()
            return

        try:
            result = await self._answer(request)
        except (Unavailable, BusUnavailable) as error:
            result = "dropped"
            await self._answers.wait(error)
        else:
            self._answers.over()
        metrics.SNAPSHOT_ANSWERS.labels(result).inc()
        await delivery.ack()

    async def _answer(self, request: SnapshotRequest | DigestRequest) -> str:
        try:
            match request:
                case SnapshotRequest():
                    return await self._send_snapshot(request)
                case DigestRequest():
                    return await self._send_digest(request)
        except snapshots.Unanswerable as error:
            log.warning("snapshots.refused", error=str(error))
            return "unanswerable"

    async def _send_snapshot(self, request: SnapshotRequest) -> str:
        async with self._database.transaction() as c:
            claim = await snapshots.claim(c, request.shard, request.incarnation, request.owner)

        answer = self._fresh_name()
        number = timers = 0
        now = self._clock.now()
        reading = snapshots.read(self._database, request.shard, now=now, page_timers=self._page_timers)
        async with aclosing(reading) as pages:
            async for page in pages:
                message = SnapshotPage(
                    shard=request.shard,
                    incarnation=request.incarnation,
                    request=request.request,
                    answer=answer,
                    page=number,
                    last=page.last,
                    epoch=claim.epoch,
                    horizon=page.horizon,
                    handed_over=claim.handed_over,
                    timers=page.timers,
                    pending=page.pending,
                    keys=page.keys,
                )
                if not await self._send(request.shard, message):
                    return "nobody_there"
                number += 1
                timers += len(page.timers)
        metrics.SNAPSHOT_TIMERS.inc(timers)
        log.info(
            "snapshot.sent", shard=request.shard, owner=request.owner, epoch=claim.epoch, pages=number, timers=timers
        )
        return "answered"

    async def _send_digest(self, request: DigestRequest) -> str:
        ends_after = self._clock.now() + DIGEST_MARGIN_MS
        async with self._database.connection() as c:
            digest = await snapshots.digest(c, request.shard, ends_after)
        return "answered" if await self._send(request.shard, digest) else "nobody_there"

    async def _send(self, shard: int, message: SnapshotPage | ShardDigest) -> bool:
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                return await self._publisher.to_shard(shard, encode(message))
        except TimeoutError as error:
            raise BusUnavailable(f"no confirmation within {PUBLISH_TIMEOUT:g} s") from error
