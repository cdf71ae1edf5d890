"""The composition root of `make run`: who is real, in which order it opens, and that all of it closes."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

import uvloop
from aiohttp import web

from api_service.app import create_app
from api_service.protocol import Runner
from api_service.resources import FAILED
from api_service.store.migrations import MigrationRefused, migrate
from deploy.local.demo import KEY_NAME, demo_key
from deploy.local.echo import Echo
from deploy.local.greeting import greeting
from deploy.local.postgres import PostgresServer
from deploy.local.process import ServerDied
from deploy.local.surroundings import Settings, Unsuitable, bound, settings_of, taken, url_of
from dispatcher_service.app import Dispatcher
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import Bus
from shared.clock import Clock, SystemClock
from shared.domain.errors import Unavailable
from shared.observability.logs import configure
from shared.settings import ApiSettings, DispatcherSettings, environment
from shared.timing.instants import Instant

FOLDER: Final = ".local"
KEY_FILE: Final = f"{FOLDER}/{KEY_NAME}"
HANDOVER: Final = 1.5  # seconds that a dispatcher may take to report what is in flight
GOODBYE: Final = 1.0  # seconds that requests under way may take


def live_until_told(signals: Sequence[signal.Signals]) -> None:
    """Everything, until one of these signals; raises Unsuitable."""
    settings = settings_of(environment())
    configure(settings.api.log_level)
    with (
        taken(Path.cwd() / FOLDER) as folder,
        bound(settings.api.api_host, settings.api.api_port) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        try:
            runner.run(_until_told(signals, folder, settings, listener))
        except BaseExceptionGroup as group:
            raise _plain(group) from group


def _plain(error: BaseException) -> BaseException:
    """The error itself, out of the groups of the tasks that it ended; a group where there are several."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def _until_told(
    signals: Sequence[signal.Signals], folder: Path, settings: Settings, listener: socket.socket
) -> None:
    loop = asyncio.get_running_loop()
    over = False
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(_live(folder, settings, listener))

        def leave(_number: int, _frame: FrameType | None) -> None:
            # Once: a second Ctrl-C must not interrupt the tidying up that the first one asked for.
            nonlocal over
            if not over:
                over = True
                loop.call_soon_threadsafe(living.cancel)

        # Not the loop's own handlers: those are gone with the loop, a moment before the process is.
        for number in signals:
            signal.signal(number, leave)
        try:
            await asyncio.wait({living})
        finally:
            over = True
    _tell("carillon: stopped")


async def _live(folder: Path, settings: Settings, listener: socket.socket) -> None:
    clock = SystemClock()
    async with _servers(folder, settings) as (api, bus, where):
        await _migrate(api, now=clock.now())
        async with (
            _api(api, listener, bus=bus, clock=clock) as failed,
            _dispatcher(settings.dispatcher, bus=bus, clock=clock),
        ):
            url = url_of(listener)
            key = await demo_key(folder, url=url, registration_token=api.registration_token)
            _tell(greeting(url=url, key=key, key_file=KEY_FILE, servers=where, now=clock.now()))
            await failed.wait()
    message = "a loop of the API has failed; the log above says why"
    raise Unsuitable(message)


@asynccontextmanager
async def _servers(folder: Path, settings: Settings) -> AsyncIterator[tuple[ApiSettings, Bus, str]]:
    if not settings.own_servers:
        from shared.bus.rabbit import RabbitBus  # late: most runs need none of it, and all of them wait for imports

        yield (
            settings.api,
            RabbitBus(settings.api.amqp_url, prefix=settings.api.bus_prefix),
            "as DATABASE_URL and AMQP_URL say",
        )
        return
    async with AsyncExitStack() as stack:
        server = await _started(stack, folder / "postgres")
        where = f"Postgres in {server.folder}, the bus in this process"
        yield replace(settings.api, database_url=server.dsn), LocalBus(LocalBroker()), where


async def _started(stack: AsyncExitStack, folder: Path) -> PostgresServer:
    try:
        return await stack.enter_async_context(PostgresServer(folder))
    except (ServerDied, OSError) as error:
        message = " ".join(str(error).split())
        raise Unsuitable(message) from error


async def _migrate(settings: ApiSettings, *, now: Instant) -> None:
    try:
        await migrate(settings.database_url, shards=settings.shards, now=now)
    except (MigrationRefused, Unavailable) as error:
        raise Unsuitable(str(error)) from error


@asynccontextmanager
async def _api(
    settings: ApiSettings, listener: socket.socket, *, bus: Bus, clock: Clock
) -> AsyncIterator[asyncio.Event]:
    app = create_app(settings, bus=bus, clock=clock)
    Echo(clock=clock, tell=_tell).add_routes(app)
    runner = Runner(app, handle_signals=False, access_log=None, shutdown_timeout=GOODBYE)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield app[FAILED]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _dispatcher(settings: DispatcherSettings, *, bus: Bus, clock: Clock) -> AsyncIterator[None]:
    leave = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        ringing = tasks.create_task(Dispatcher(settings, bus=bus, clock=clock).run(leave))
        try:
            yield
        finally:
            leave.set()
            await asyncio.wait({ringing}, timeout=HANDOVER)
            ringing.cancel()


def _tell(text: str) -> None:
    print(text, flush=True)
