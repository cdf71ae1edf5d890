"""Every test of the contract runs over both adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.brokers import Broker, InProcess, Real
from tests.contract.desk import Desk
from tests.servers.rabbit import Rabbit


@pytest.fixture(params=["local", "rabbit"])
async def broker(request: pytest.FixtureRequest, bus_prefix: str) -> AsyncIterator[Broker]:
    if request.param == "local":
        yield InProcess()
        return
    rabbit: Rabbit = request.getfixturevalue("rabbit")
    real = Real(rabbit, bus_prefix)
    yield real
    await real.clear()


@pytest.fixture
async def desk(broker: Broker) -> AsyncIterator[Desk]:
    async with Desk.over(broker.bus) as desk:
        yield desk
