"""An upgrade from the previous release, and then a restart of ours: each process, one at a time, under load.

None of three hundred rings a second is lost, none comes twice, none comes more than a second late, and no client of the
API is refused anything: an API that is to go says so itself. Judged by what the receiver and the clients saw.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.client import now
from tests.acceptance.judging import Account
from tests.failure.rolling import APIS, DISPATCHERS, fleet_of, under_load
from tests.servers.postgres import Postgres
from tests.servers.processes import migrate
from tests.servers.rabbit import Rabbit

LATE_MOST = 1_000


@pytest.mark.alone
async def test_nobody_notices_an_upgrade_nor_a_restart(
    postgres: Postgres, rabbit: Rabbit, scratch: Path, bus_prefix: str, previous: Path
) -> None:
    told = {
        "DATABASE_URL": await postgres.fresh_database(),
        "AMQP_URL": rabbit.url,
        "BUS_PREFIX": bus_prefix,
        "SHARDS": "64",
        "EGRESS_ALLOW": "127.0.0.1",
    }
    async with fleet_of(scratch, told, previous) as fleet, under_load(fleet) as load:
        begin = now()
        migrate(told)
        for place in range(APIS):
            await fleet.replace_api(place)
        for place in range(DISPATCHERS):
            await fleet.replace_dispatcher(place)
        upgraded = await load.account_since(begin)

        begin = now()
        for place in range(APIS):
            await fleet.replace_api(place)
        for place in range(DISPATCHERS):
            await fleet.replace_dispatcher(place)
        restarted = await load.account_since(begin)

    print(f"{fleet.answered} requests were answered")
    assert fleet.failed == []
    assert fleet.balancer.refused == []
    assert_unnoticed(*upgraded)
    assert_unnoticed(*restarted)


def assert_unnoticed(found: Account, stall: int) -> None:
    assert found.missing == []
    assert found.repeated == []
    assert found.renamed == []
    assert found.earliest >= 0
    assert found.latest <= LATE_MOST + stall
