"""Outcomes to ledger, strictly in order: what came together in one transaction, and only then the answers.

While Postgres is away messages are held and tried again for ever: giving them back would spend the broker's patience
with them. What cannot be understood or written is buried, never guessed and never in the way.
A request for a snapshot travels through the same queue and is passed on when its turn comes: then everything that the
previous owner reported is recorded.
An event whose receiver answered 410 is paused after that is recorded and before it is acknowledged, so it is not
forgotten; the version in the report keeps what comes again from pausing an event that was resumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from api_service.loops import metrics
from api_service.loops.consuming import connected
from api_service.loops.gathering import Arrived, Gathering
from api_service.loops.trouble import Trouble
from api_service.store import recording
from api_service.store.database import Connection, Database
from api_service.store.digest import Digest
from api_service.usecases.changing import pause_gone
from shared.bus.port import Bus, BusUnavailable, Delivery, Work
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.messages.catalogue import Outcomes, Released, SnapshotRequest
from shared.messages.codec import ContractError
from shared.observability.logs import get_logger

REQUEST_LIFETIME = 5.0  # whoever asked asks again

log = get_logger(__name__)


class WayOut(Protocol):
    """What the recorder needs of a publisher."""

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        """Confirmed, or BusUnavailable."""
        ...


class Recorder:
    """Writes down what dispatchers report, and with `notify` what owners of events are to be told of it."""

    def __init__(
        self,
        *,
        bus: Bus,
        publisher: WayOut,
        database: Database,
        clock: Clock,
        wake_relay: Callable[[], None],
        notify: bool = False,
        rest: float = 0.0,
    ) -> None:
        """`rest`: for how many seconds after a spell of work outcomes may wait for others."""
        self._bus = bus
        self._publisher = publisher
        self._database = database
        self._clock = clock
        self._wake_relay = wake_relay
        self._notify = notify
        self._rest = rest
        self._queue = Trouble(name="recorder.bus", clock=clock, log=log)
        self._ledger = Trouble(name="recorder.database", clock=clock, log=log)
        self._requests = Trouble(name="recorder.requests", clock=clock, log=log)

    async def run(self) -> None:
        """Record for ever; ends only by cancellation."""
        await connected(self._bus, Work.OUTCOMES, self._work_off, trouble=self._queue)

    async def deal_with(self, delivery: Delivery) -> None:
        """Do what the delivery says, then answer it. Raises BusUnavailable: then it comes again."""
        await self._deal_with([Arrived.of(delivery)])

    async def _work_off(self, deliveries: AsyncIterator[Delivery]) -> None:
        gathering = Gathering(deliveries, rest=self._rest, clock=self._clock)
        while True:
            await self._deal_with(await gathering.next())
            gathering.dealt_with()

    async def _deal_with(self, arrived: Sequence[Arrived]) -> None:
        """Outcomes, or one message of another kind."""
        first = arrived[0].delivery
        match arrived[0].says:
            case ContractError() as error:
                await self._bury(first, why="undecodable", error=error)
            case Outcomes():
                await self._record(arrived)
            case Released() as released:
                await self._answer(first, await self._until_written(lambda c: recording.release(c, released)))
            case SnapshotRequest():
                await self._pass_on(first.body)
                await first.ack()

    async def _record(self, arrived: Sequence[Arrived]) -> None:
        """Record the messages together, or where that cannot be each alone, and answer each."""
        told = [one.says for one in arrived if isinstance(one.says, Outcomes)]
        with metrics.RECORDER_SECONDS.time():
            refused = await self._write(told)
        if refused is None:
            for one in arrived:
                await one.delivery.ack()
            return
        for one, message in zip(arrived, told, strict=True):
            await self._answer(one.delivery, await self._record_alone(message))

    async def _record_alone(self, message: Outcomes) -> recording.Unrecordable | None:
        """Record the message, or all of it but what cannot be; why that was so, if any."""
        if await self._write([message]) is None:
            return None
        refusals = [await self._write([part]) for part in recording.one_by_one(message)]
        return next(filter(None, refusals), None)

    async def _write(self, messages: Sequence[Outcomes]) -> recording.Unrecordable | None:
        told = Digest.of(messages)
        refused = await self._until_written(lambda c: recording.record(c, told, self._clock.now(), notify=self._notify))
        if refused is None:
            metrics.recorded(messages, self._clock.now())
            log.debug("outcomes.recorded", messages=len(messages), attempts=len(told.attempts))
            await self._pause_gone(told)
        return refused

    async def _pause_gone(self, told: Digest) -> None:
        """Each in a transaction of its own, since each takes its shard."""
        found: list[recording.Gone] = []

        async def find(c: Connection) -> None:
            found[:] = await recording.gone(c, told)

        if told.gone:
            await self._until_written(find)
        for gone in found:
            await self._until_written(partial(pause_gone, gone=gone, now=self._clock.now(), notify=self._notify))
            log.info("event.paused", event_id=gone.event_id, reason="gone")
        if found:
            self._wake_relay()

    async def _until_written(self, write: Callable[[Connection], Awaitable[None]]) -> recording.Unrecordable | None:
        """Hold on until Postgres has taken it, or has refused it for what it says."""
        while True:
            try:
                async with self._database.transaction() as c:
                    await write(c)
            except Unavailable as error:
                await self._ledger.wait(error)
            except recording.Unrecordable as error:
                return error
            else:
                self._ledger.over()
                return None

    async def _pass_on(self, request: bytes) -> None:
        """Everything before the request is recorded. One that cannot be passed on in its lifetime is dropped."""
        given_up = self._clock.steady() + REQUEST_LIFETIME
        while self._clock.steady() < given_up:
            try:
                async with asyncio.timeout(REQUEST_LIFETIME):
                    await self._publisher.to_work(Work.SNAPSHOTS, request, expires_after=REQUEST_LIFETIME)
            except (BusUnavailable, TimeoutError) as error:
                await self._requests.wait(error)
            else:
                self._requests.over()
                return

    async def _answer(self, delivery: Delivery, refused: recording.Unrecordable | None) -> None:
        if refused is None:
            await delivery.ack()
        else:
            await self._bury(delivery, why="unrecordable", error=refused)

    async def _bury(self, delivery: Delivery, *, why: str, error: Exception) -> None:
        metrics.RECORDER_BURIED.labels(why).inc()
        log.error("recorder.buried", why=why, error=str(error), size=len(delivery.body))
        await delivery.bury()
