"""What the service opens at start and closes at its end, in the order in which it needs them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiohttp import web

from api_service.keys import CLOCK, CREATIONS, DATABASE, KNOWN_KEYS, OUTBOX_WAKE, READINESS
from api_service.loops.gauging import Gauging
from api_service.loops.housekeeping import Housekeeping
from api_service.loops.mailer import Mailer
from api_service.loops.recorder import Recorder
from api_service.loops.relay import Relay
from api_service.loops.smtp import SmtpServer
from api_service.loops.snapshots import Snapshots
from api_service.loops.time_signals import Comparisons, TimeSignals
from api_service.loops.trouble import Trouble
from api_service.store.database import Database
from api_service.store.migrations import require_schema
from api_service.store.retention import Retention
from api_service.usecases.creating_together import Creations
from api_service.usecases.registration import KnownKeys
from shared.bus.port import Bus
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.observability.logs import get_logger
from shared.observability.tracebacks import said_of

Context: TypeAlias = Callable[[web.Application], AsyncIterator[None]]
Loop: TypeAlias = Coroutine[None, None, None]

# Set when the service cannot go on: a loop, which is to run for ever, has failed.
FAILED: web.AppKey[asyncio.Event] = web.AppKey("failed", asyncio.Event)

log = get_logger(__name__)


def database(dsn: str, *, size: int) -> Context:
    """The pool, for as long as the application lives; it opens even while Postgres is away."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        pool = await Database.open(dsn, size=size)
        app[DATABASE] = pool
        yield
        await pool.close()

    return context


def sharing() -> Context:
    """What requests wait for together, for as long as the application lives: it ends when no request is left."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        app[CREATIONS] = creations = Creations(app[DATABASE])
        app[KNOWN_KEYS] = known_keys = KnownKeys(app[DATABASE])
        async with _in_background([creations.run(), known_keys.run()], app[FAILED]):
            yield

    return context


def loops(
    bus: Bus,
    mail_server: SmtpServer | None,
    success_days: int,
    failure_days: int,
    *,
    change_log_days: int,
    recorder_pause: int,
) -> Context:
    """Every loop, the mailer where mails go, for as long as the application lives."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        store, clock, wake = app[DATABASE], app[CLOCK], asyncio.Event()
        # Changes do not queue behind snapshots, nor readiness behind either.
        changes, answers, probe = bus.publisher(), bus.publisher(), bus.publisher()
        app[OUTBOX_WAKE] = wake.set
        app[READINESS] = {"postgres": lambda: require_schema(store), "bus": probe.check}
        by = socket.gethostname()  # a machine has one clock, and one voice, however many processes
        notify = mail_server is not None
        kept = Retention(success_days=success_days, failure_days=failure_days)
        recorder = Recorder(
            bus=bus,
            publisher=answers,
            database=store,
            clock=clock,
            wake_relay=wake.set,
            notify=notify,
            rest=recorder_pause / 1000,
        )
        on_schema = [
            Relay(database=store, publisher=changes, clock=clock, wake=wake).run(),
            recorder.run(),
            Snapshots(bus=bus, publisher=answers, database=store, clock=clock).run(),
            Housekeeping(database=store, clock=clock, kept=kept, change_log_days=change_log_days).run(),
        ]
        if mail_server is not None:
            on_schema.append(Mailer(database=store, server=mail_server, clock=clock).run())
        running = [
            Gauging(database=store, publisher=probe, clock=clock).run(),
            TimeSignals(publisher=probe, clock=clock, by=by).run(),
            Comparisons(database=store, clock=clock).run(),
            _once_migrated(on_schema, store, clock),
        ]
        async with _in_background(running, app[FAILED]):
            yield
        for publisher in (changes, answers, probe):
            await publisher.close()

    return context


@asynccontextmanager
async def _in_background(running: Sequence[Loop], failed: asyncio.Event) -> AsyncIterator[None]:
    # aiohttp may enter and leave a context in different tasks, which a TaskGroup does not allow; so one task holds it.
    supervisor = asyncio.create_task(_supervise(running, failed))  # noqa: TID251
    try:
        yield
    finally:
        supervisor.cancel()
        await asyncio.wait([supervisor])


async def _supervise(running: Sequence[Loop], failed: asyncio.Event) -> None:
    try:
        await _together(running)
    except* Exception as errors:  # whatever it is, the service must not go on as if nothing had happened
        log.critical("service.loop_failed", errors=[said_of(error) for error in errors.exceptions], exc_info=errors)
        failed.set()


async def _together(running: Sequence[Loop]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for loop in running:
            tasks.create_task(loop)


async def _once_migrated(waiting: Sequence[Loop], store: Database, clock: Clock) -> None:
    """Run these from the moment on at which the database has the schema that they need: they may be here before it."""
    trouble = Trouble(name="schema", clock=clock, log=log)
    try:
        while (fault := await _schema_fault(store)) is not None:
            await trouble.wait(fault)
        trouble.over()
        await _together(waiting)
    finally:
        for loop in waiting:  # those that never began
            loop.close()


async def _schema_fault(store: Database) -> Unavailable | None:
    try:
        await require_schema(store)
    except Unavailable as fault:
        return fault
    return None
