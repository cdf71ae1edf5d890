"""Outbox to bus: what is committed is published, at least once, and nothing is lost while the broker is away.

A row is deleted in the transaction that took it, after the broker has confirmed its message; a crash in between sends
it again, and versions make that harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Protocol

import msgspec

from api_service.loops import metrics
from api_service.loops.trouble import Trouble
from api_service.store import outbox
from api_service.store.database import Database
from api_service.store.outbox import Waiting
from shared.bus.port import BusUnavailable
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.messages.catalogue import Change, ScheduleChanges
from shared.messages.codec import encode
from shared.observability.logs import get_logger

ROUND_ROWS = 1_000
MESSAGE_BYTES = 1 << 20
LOAD_BYTES = 8 << 20
# Longer than a publisher's own patience: that knows which messages were confirmed until then.
PUBLISH_TIMEOUT = 10.0
POLL_INTERVAL = 0.25
# After a round the relay rests: the longer, the more rows it had, and no longer than this. A message costs the process,
# the broker and a dispatcher as much as the creation that it tells of: so under load what comes meanwhile shares one.
# A lone change finds it rested, and the second of two that come together waits for hardly more than the first.
REST_EACH = 0.0005
REST_MOST = 0.04

log = get_logger(__name__)


class WayOut(Protocol):
    """What the relay needs of a publisher."""

    async def to_shards(self, messages: Sequence[tuple[int, bytes]]) -> Sequence[bool | BusUnavailable]:
        """For each: confirmed, or BusUnavailable; False where nobody owns the shard."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Rows of one shard that travel in one message."""

    shard: int
    rows: tuple[Waiting, ...]
    size: int

    def message(self) -> bytes:
        """The message; what changed passes through unread."""
        changes = [Change(row.version, msgspec.Raw(row.what)) for row in self.rows]
        return encode(ScheduleChanges(self.shard, changes))


class Relay:
    """Publishes what the outbox holds. `wake` is set after every commit of this process; polling sees to the rest."""

    def __init__(
        self,
        *,
        database: Database,
        publisher: WayOut,
        clock: Clock,
        wake: asyncio.Event,
        poll_interval: float = POLL_INTERVAL,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock
        self._wake = wake
        self._poll_interval = poll_interval
        self._trouble = Trouble(name="relay", clock=clock, log=log)
        self._emptied = clock.steady()

    async def run(self) -> None:
        """Relay for ever; ends only by cancellation."""
        while True:
            self._wake.clear()
            try:
                taken = await self.relay_once()
            except (Unavailable, BusUnavailable) as error:
                metrics.RELAY_BEHIND.set(self._clock.steady() - self._emptied)
                await self._trouble.wait(error)
                continue

            self._trouble.over()
            if taken == ROUND_ROWS:
                metrics.RELAY_BEHIND.set(self._clock.steady() - self._emptied)
                continue
            self._emptied = self._clock.steady()
            metrics.RELAY_BEHIND.set(0)
            if taken:
                await self._clock.sleep(min(taken * REST_EACH, REST_MOST))
            await self._woken()

    async def relay_once(self) -> int:
        """Publish the oldest rows and delete what was confirmed; how many rows there were.

        Raises Unavailable, and BusUnavailable where some could not be published: those stay.
        """
        async with self._database.transaction() as c:
            rows = await outbox.take(c, ROUND_ROWS)
            sent, failure = await self._publish(list(parcels(rows)))
            if sent:
                await outbox.delete(c, sent)
                log.debug("changes.published", changes=len(sent), of=len(rows))
        if failure is not None:
            raise failure
        return len(rows)

    async def _publish(self, waiting: Sequence[Parcel]) -> tuple[list[int], BusUnavailable | None]:
        """The rows that are dealt with, and the first failure."""
        sent: list[int] = []
        failures: list[BusUnavailable] = []
        for load in loads(waiting):
            for parcel, answer in zip(load, await self._send(load), strict=True):
                if isinstance(answer, BusUnavailable):
                    failures.append(answer)
                    continue
                sent += [row.id for row in parcel.rows]
                metrics.RELAY_PUBLISHED.inc(len(parcel.rows))
                if not answer:
                    metrics.RELAY_UNROUTABLE.inc(len(parcel.rows))
        return sent, next(iter(failures), None)

    async def _send(self, load: Sequence[Parcel]) -> Sequence[bool | BusUnavailable]:
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                return await self._publisher.to_shards([(parcel.shard, parcel.message()) for parcel in load])
        except TimeoutError:
            return [BusUnavailable(f"no confirmation within {PUBLISH_TIMEOUT:g} s")] * len(load)

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(self._poll_interval):
                await self._wake.wait()
        except TimeoutError:
            return  # rows of a sibling that died are looked for now and then


def parcels(rows: Sequence[Waiting]) -> Iterator[Parcel]:
    """The rows as messages: one a shard, or several where one would be too large for a broker."""
    by_shard = sorted(rows, key=attrgetter("shard"))  # stable: versions keep their order
    for shard, group in groupby(by_shard, key=attrgetter("shard")):
        parcel: list[Waiting] = []
        size = 0
        for row in group:
            if parcel and size + len(row.what) > MESSAGE_BYTES:
                yield Parcel(shard=shard, rows=tuple(parcel), size=size)
                parcel, size = [], 0
            parcel.append(row)
            size += len(row.what)
        yield Parcel(shard=shard, rows=tuple(parcel), size=size)


def loads(waiting: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    """The parcels as many at a time as may be under way at once: all of an ordinary round."""
    load: list[Parcel] = []
    size = 0
    for parcel in waiting:
        if load and size + parcel.size > LOAD_BYTES:
            yield load
            load, size = [], 0
        load.append(parcel)
        size += parcel.size
    if load:
        yield load
