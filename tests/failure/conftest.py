"""Every test has a place of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.brokers import Real
from tests.failure.place import CLOCK, SHARDS, Place
from tests.fakes.town import town
from tests.servers.rabbit import Rabbit


@pytest.fixture
async def place(rabbit: Rabbit, bus_prefix: str) -> AsyncIterator[Place]:
    broker = Real(rabbit, bus_prefix)
    await broker.bus.prepare()
    async with town(broker.bus, CLOCK, shards=SHARDS) as people:
        here = Place(people, broker)
        await here.populate()
        yield here
    await broker.clear()
