"""Owning shards: one session at a time, and nothing survives it. The broker decides; we only believe it for a lease.

Any failure in a session is the session's end: everything is lost at once and claimed anew. Only what is under way goes
on, and is reported under the epoch in which it began.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import NoReturn

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.balance import NOTICE_SECONDS
from dispatcher_service.core.keyring import Keyring
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import Shard
from dispatcher_service.loops.attempts import Attempts
from dispatcher_service.loops.balance import Balance
from dispatcher_service.loops.clock_watch import ClockWatch
from dispatcher_service.loops.handovers import GivingUp, Handovers, forget
from dispatcher_service.loops.intake import Intake
from dispatcher_service.loops.reporter import Reporter
from dispatcher_service.loops.ticker import Ticker
from shared.bus.port import Bus, BusUnavailable, Publisher, Session, SessionEvents
from shared.clock import Clock, arrives
from shared.observability.logs import get_logger

RENEW_EVERY_SECONDS = 1.0
VERIFY_EVERY_SECONDS = 10.0
RECONNECT_SECONDS = (0.05, 5.0)
# After an outage of the broker everybody is back by then: who has a wrong clock need not be the first to ring.
COMPANY_SECONDS = RECONNECT_SECONDS[1] + 1.0

log = get_logger(__name__)


class SessionOver(Exception):
    """The session with the broker has ended."""


class _HandedOver(Exception):
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What ownership works on and with."""

    bus: Bus
    publisher: Publisher
    shards: MutableMapping[int, Shard]
    agenda: Agenda
    keyring: Keyring
    lease: Lease
    ticker: Ticker
    attempts: Attempts
    reporter: Reporter
    clock: Clock
    watch: ClockWatch
    name: str
    shards_total: int
    takeover_wait: float
    handovers: Handovers
    keep: Callable[[], None]
    let_go: Callable[[], None]


class Ownership:
    """Session after session, until told to stop."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.connected = False
        self._tenure: Tenure | None = None

    @property
    def members(self) -> int:
        """How many dispatchers the broker counted last; 0 while there is no session."""
        return self._tenure.members if self._tenure is not None else 0

    async def run(self, stop: asyncio.Event) -> None:
        """Own a fair share until `stop`; then give everything up gracefully and return."""
        shortest, longest = RECONNECT_SECONDS
        delay = shortest
        while not stop.is_set():
            tenure = self._tenure = Tenure(self._ports)
            try:
                await tenure.open()
                self.connected = True
                delay = shortest
                await tenure.run(stop)
            except BusUnavailable as error:
                log.warning("session.ended", error=str(error))
            finally:
                self.connected = False
                self._tenure = None
                await tenure.close()
                self._ports.let_go()
            if not stop.is_set():
                spread = random.uniform(1, 6)  # noqa: S311 - spread, not secrecy
                await arrives(stop, within=min(delay * spread, longest))
                delay = min(delay * 2, longest)


class Tenure:
    """What is owned during one session."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._session: Session | None = None
        self._over = asyncio.Event()
        self._why = ""
        self._leased = asyncio.Event()
        self._balance: Balance | None = None

    @property
    def members(self) -> int:
        """How many dispatchers the broker counted last."""
        return self._balance.members if self._balance is not None else 0

    async def open(self) -> None:
        """Connect; nothing is owned yet. Raises BusUnavailable."""
        await self._ports.bus.prepare()
        self._session = await self._ports.bus.open_session(
            SessionEvents(
                on_lost=self._lost,
                on_shard_lost=self._shard_lost,
                on_bell=self._bell_rang,
                on_time=self._ports.watch.heard,
            )
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Own until the session is over, which raises BusUnavailable, or until `stop`, after a graceful hand-over."""
        session = self._opened()
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                intake = self._intake(session)
                tasks.create_task(self._end())
                tasks.create_task(self._renew(session))
                tasks.create_task(intake.run())
                tasks.create_task(intake.watch())
                tasks.create_task(self._verify(session))
                await self._leased.wait()
                await self._ports.watch.until_needed(session, stop, company_within=COMPANY_SECONDS)
                await self._come_and_go(session, intake, tasks, stop)
        except* (SessionOver, BusUnavailable) as failures:
            failure = failures
        except* _HandedOver:
            pass
        if failure is not None:  # both kinds come at once at times: raised in two `except*` they would be a group
            raise BusUnavailable(self._why or _first(failure)) from failure

    async def _come_and_go(
        self, session: Session, intake: Intake, tasks: asyncio.TaskGroup, stop: asyncio.Event
    ) -> NoReturn:
        watch = self._ports.watch
        while not stop.is_set():
            await self._take_part(session, intake, tasks, stop)
            if stop.is_set() or not await watch.is_needed(session):  # all may have left at once: nobody would ring
                await self._give_everything_up(session)
                await watch.until_needed(session, stop)
        await self._give_everything_up(session)  # something is left where we were to stop as we were needed
        raise _HandedOver

    async def _take_part(self, session: Session, intake: Intake, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Own a share until `stop`, or until others should ring because our clock is wrong; they know it then."""
        balance = self._balance = self._balance_of(session, intake, tasks)
        await session.join()
        balancing = tasks.create_task(balance.run())
        await self._ports.watch.until_unfit(session, stop)
        await session.leave()
        balance.stop()
        await balancing  # to its end: a claim that is cut short may have been won
        self._balance = None
        await self._ports.clock.sleep(NOTICE_SECONDS)

    async def _give_everything_up(self, session: Session) -> None:
        await self._giving_up(session).give_up(list(self._ports.shards.values()))

    async def close(self) -> None:
        """Own nothing from this moment on; then let go of the connection."""
        self._lost("closed")
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> Session:
        if self._session is None:
            message = "the session is not open"
            raise BusUnavailable(message)
        return self._session

    def _intake(self, session: Session) -> Intake:
        ports = self._ports
        return Intake(
            session=session,
            shards=ports.shards,
            ticker=ports.ticker,
            requests=ports.publisher,
            reports=ports.reporter,
            clock=ports.clock,
            name=ports.name,
            takeover_wait=ports.takeover_wait,
            handovers=ports.handovers,
            keep=ports.keep,
        )

    def _balance_of(self, session: Session, intake: Intake, tasks: asyncio.TaskGroup) -> Balance:
        ports = self._ports

        def won(number: int, died: bool) -> None:
            if self._over.is_set():  # as the session ended: the next one is to claim it, and would think it has it
                return
            shard = Shard(number, session.incarnation, ports.agenda, ports.keyring)
            ports.shards[number] = shard
            ports.handovers.claimed()
            tasks.create_task(intake.list_shard(shard, died=died))

        return Balance(
            session=session,
            shards=ports.shards,
            shards_total=ports.shards_total,
            bell=ports.publisher,
            clock=ports.clock,
            won=won,
            give_up=self._giving_up(session).give_up,
        )

    def _giving_up(self, session: Session) -> GivingUp:
        ports = self._ports
        return GivingUp(
            session=session,
            shards=ports.shards,
            attempts=ports.attempts,
            reporter=ports.reporter,
            clock=ports.clock,
            handovers=ports.handovers,
        )

    async def _end(self) -> None:
        await self._over.wait()
        raise SessionOver(self._why)

    async def _renew(self, session: Session) -> None:
        clock = self._ports.clock
        while True:
            sent = clock.steady()
            await session.renew()
            if self._over.is_set():
                return
            self._ports.lease.renewed(sent)
            self._ports.watch.answered(clock.steady() - sent)
            self._leased.set()
            self._ports.ticker.wake()
            await clock.sleep(max(RENEW_EVERY_SECONDS - (clock.steady() - sent), 0))

    async def _verify(self, session: Session) -> None:
        while True:
            await self._ports.clock.sleep(VERIFY_EVERY_SECONDS)
            for number, shard in list(self._ports.shards.items()):
                if not await session.verify(number) and self._ports.shards.get(number) is shard:
                    self._shard_lost(number)

    def _lost(self, why: str) -> None:
        if self._over.is_set():
            return
        self._ports.lease.lost()
        for number, shard in list(self._ports.shards.items()):
            self._take_away(number, shard)
        self._why = why
        self._over.set()

    def _shard_lost(self, number: int) -> None:
        shard = self._ports.shards.get(number)
        if shard is not None:
            log.warning("shard.lost", shard=number, epoch=shard.epoch)
            self._take_away(number, shard)
        if self._balance is not None:
            self._balance.shard_lost()

    def _take_away(self, number: int, shard: Shard) -> None:
        if forget(self._ports.shards, number, shard):
            self._ports.handovers.lost()

    def _bell_rang(self) -> None:
        if self._balance is not None:
            self._balance.bell_rang()


def _first(failure: BaseException) -> str:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return str(failure)
