"""How much waits, and since when? Asked every few seconds; while Postgres or the broker cannot say, nothing is claimed.

Neither keeps the other waiting, and neither is worth more than a line in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from api_service.loops import metrics
from api_service.loops.trouble import Trouble
from api_service.store import migrations, outbox
from api_service.store.database import Database
from shared.bus.port import BusUnavailable, Queue, QueueState
from shared.clock import Clock
from shared.domain.errors import Unavailable
from shared.observability.logs import get_logger

LOOK_EVERY: Final = 5.0
LOOK_TIMEOUT: Final = 5.0
MESSAGES_OF: Final = (Queue.OUTCOMES, Queue.SNAPSHOTS, Queue.DEAD)
CONSUMERS_OF: Final = (Queue.OUTCOMES, Queue.MEMBERS)

# The schema's version is told where the schema is too old for all else.
_OF_SCHEMA: Final = (metrics.SCHEMA_VERSION,)
_OF_OUTBOX: Final = (metrics.OUTBOX_AGE, metrics.OUTBOX_CHANGES)
_OF_BROKER: Final = (metrics.QUEUE_MESSAGES, metrics.QUEUE_CONSUMERS)

log = get_logger(__name__)


class Asked(Protocol):
    """What the gauges need of a publisher."""

    async def queues(self) -> Mapping[Queue, QueueState]:
        """How every queue of interest is now, or BusUnavailable."""
        ...


class Gauging:
    """Keeps the gauges of what waits."""

    def __init__(self, *, database: Database, publisher: Asked, clock: Clock) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock
        metrics.DATABASE_CONNECTIONS.labels("idle").set_function(lambda: database.idle)
        metrics.DATABASE_CONNECTIONS.labels("used").set_function(lambda: database.used)
        metrics.DATABASE_LIMIT.set_function(lambda: database.limit)
        metrics.SCHEMA_WANTED.set(len(migrations.read(migrations.FOLDER)))

    async def run(self) -> None:
        """Look for ever; ends only by cancellation."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep(self.look_at_schema, _OF_SCHEMA, "gauges.schema"))
            tasks.create_task(self._keep(self.look_at_outbox, _OF_OUTBOX, "gauges.outbox"))
            tasks.create_task(self._keep(self.look_at_broker, _OF_BROKER, "gauges.broker"))

    async def look_at_schema(self) -> None:
        """Which migration it is at. Raises Unavailable."""
        async with self._database.connection() as c:
            metrics.SCHEMA_VERSION.known(await migrations.schema_version(c))

    async def look_at_outbox(self) -> None:
        """What waits to be published. Raises Unavailable."""
        async with self._database.connection() as c:
            backlog = await outbox.backlog(c)
        metrics.OUTBOX_AGE.known(backlog.age_seconds)
        metrics.OUTBOX_CHANGES.known(backlog.changes)

    async def look_at_broker(self) -> None:
        """What the broker knows. Raises BusUnavailable."""
        states = await self._publisher.queues()
        metrics.QUEUE_MESSAGES.all_known({queue.value: states[queue].messages for queue in MESSAGES_OF})
        metrics.QUEUE_CONSUMERS.all_known({queue.value: states[queue].consumers for queue in CONSUMERS_OF})

    async def _keep(self, look: Callable[[], Awaitable[None]], gauges: tuple[metrics.Seen, ...], name: str) -> None:
        trouble = Trouble(name=name, clock=self._clock, log=log)
        while True:
            try:
                async with asyncio.timeout(LOOK_TIMEOUT):
                    await look()
            except (Unavailable, BusUnavailable, TimeoutError) as error:
                for gauge in gauges:
                    gauge.unknown()
                await trouble.wait(error)
            else:
                trouble.over()
                await self._clock.sleep(LOOK_EVERY)
