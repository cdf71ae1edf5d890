"""`python -m api_service` serves; `migrate` brings the schema up to date; `restored` is for after a restore."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from typing import Final

import uvloop
from aiohttp import web

from api_service.app import create_app
from api_service.keys import ENDING
from api_service.protocol import Runner
from api_service.resources import FAILED
from api_service.store.migrations import MigrationRefused, migrate
from api_service.store.setback import restored
from shared.bus.rabbit import RabbitBus
from shared.clock import SystemClock
from shared.domain.errors import Unavailable
from shared.observability.logs import configure, get_logger
from shared.observability.tracebacks import said_of
from shared.settings import ApiSettings, InvalidSettings, environment, facts

log = get_logger("api_service")

# Whoever sends requests here finds out meanwhile that it is not ready: none is sent to a listener that is closed.
FAREWELL_SECONDS = 1.0
# For what is under way then.
PATIENCE_SECONDS = 5.0
# So many objects more than before, and the garbage collector looks at them: a batch of a thousand events or two.
_YOUNG_MOST: Final = 50_000

USAGE = """usage: python -m api_service [migrate | restored]

  (nothing)  serve the API, until SIGTERM or SIGINT
  migrate    bring the database's schema up to date, and write its shards at the first time
  restored   after a backup was restored: let dispatchers forget what the database does not know any more

Settings are environment variables; .env.example lists them.
"""


async def _serve(settings: ApiSettings) -> int:
    clock = SystemClock()
    app = create_app(settings, bus=RabbitBus(settings.amqp_url, prefix=settings.bus_prefix), clock=clock)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    runner = Runner(app, access_log=None, shutdown_timeout=PATIENCE_SECONDS)
    await runner.setup()
    try:
        _keep()
        await web.TCPSite(runner, settings.api_host, settings.api_port).start()
        log.info("api.started", **facts(settings) | {"address": runner.addresses[0][:2]})
        await _first(told, app[FAILED])
        app[ENDING].set()
        log.info("api.end_announced")
        await clock.sleep(FAREWELL_SECONDS)
    finally:
        await runner.cleanup()
    log.info("api.stopped")
    return 1 if app[FAILED].is_set() else 0


def _keep() -> None:
    """What there is by now stays: the garbage collector never looks at it again, and seldom at what comes.

    It would look through all modules' objects for every few thousand that a batch or a page of the ledger makes, and
    these go by their counts of references.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MOST)


async def _first(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(event.wait()) for event in events]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


async def _migrate(settings: ApiSettings) -> int:
    await migrate(settings.database_url, shards=settings.shards, now=SystemClock().now())
    return 0


async def _restored(settings: ApiSettings) -> int:
    log.info("database.restored", events=await restored(settings.database_url, now=SystemClock().now()))
    return 0


COMMANDS: Final = {(): _serve, ("migrate",): _migrate, ("restored",): _restored}


def main(arguments: list[str]) -> int:
    """Do what the command line says; 2 where it or the settings are wrong."""
    command = COMMANDS.get(tuple(arguments))
    if command is None:
        sys.stderr.write(USAGE)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        settings = ApiSettings.of(environment())
    except InvalidSettings as error:
        configure()
        for problem in error.problems:
            log.critical("settings.refused", problem=problem)
        return 2
    configure(settings.log_level)
    try:
        return uvloop.run(command(settings))
    except (OSError, MigrationRefused, Unavailable, ValueError) as error:
        log.critical("api.failed", error=said_of(error.__cause__ or error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
