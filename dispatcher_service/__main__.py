"""`python -m dispatcher_service`: settings, signals, run."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop

from dispatcher_service.app import Dispatcher
from dispatcher_service.memory import keep, let_go
from dispatcher_service.probe import probe
from shared.bus.rabbit import RabbitBus
from shared.clock import SystemClock
from shared.observability.logs import configure, get_logger
from shared.observability.tracebacks import said_of
from shared.settings import DispatcherSettings, InvalidSettings, environment, facts

log = get_logger("dispatcher_service")


async def _run(settings: DispatcherSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bus = RabbitBus(settings.amqp_url, prefix=settings.bus_prefix)
    dispatcher = Dispatcher(settings, bus=bus, clock=SystemClock(), keep=keep, let_go=let_go)
    async with probe(
        host=settings.probe_host,
        port=settings.probe_port,
        unready=dispatcher.unready,
        metrics=dispatcher.metrics.text,
    ) as port:
        log.info("dispatcher.started", **facts(settings) | {"probe_port": port})
        keep()  # all modules' objects: when the first shard begins to ring, looking at them would be in its way
        await dispatcher.run(stop)
    log.info("dispatcher.stopped")


def main() -> int:
    """Run until told to stop; 2 where the settings are wrong."""
    try:
        settings = DispatcherSettings.of(environment())
        configure(settings.log_level)
    except InvalidSettings as error:
        configure()
        for problem in error.problems:
            log.critical("settings.refused", problem=problem)
        return 2
    try:
        uvloop.run(_run(settings))
    except OSError as error:
        log.critical("dispatcher.failed", error=said_of(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
