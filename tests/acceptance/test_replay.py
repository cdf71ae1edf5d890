"""What a receiver refused is replayed and delivered under the same name, and the ledger tells all of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.acceptance.client import NEVER_SOON, Client, now
from tests.acceptance.world import World
from tests.servers.processes import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

RINGS_WITHIN = 10.0
TOLD_WITHIN = 10.0
ALL_OF_TIME = {"from": "1970-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}


async def becomes(client: Client, path: str, status: str) -> dict[str, Any]:
    """The execution, once the ledger has it so."""

    async def it() -> dict[str, Any]:
        said = await client.ask("GET", path)
        assert said.status == 200, said
        told: dict[str, Any] = said.data
        return told if told["status"] == status else {}

    return await eventually(it, within=TOLD_WITHIN, what=lambda: f"{path} becomes {status}")


async def test_what_failed_is_replayed_under_its_name(world: World, client: Client) -> None:
    receiver, refusing, mended = world.receiver, f"/status/404/replay/{now()}", f"/mended/{now()}"
    event = await client.create(receiver.url + refusing, interval=NEVER_SOON, context={"order": 1})
    at = f"/v1/events/{event['eventId']}"
    triggered = [(await client.ask("POST", f"{at}/trigger")).data for _ in range(3)]
    paths = [f"{at}/executions/{one['executionId']}" for one in triggered]
    for path in paths:
        failed = await becomes(client, path, "FAILED")
        assert failed["reason"] == "not_retryable"
    assert await receiver.counted(refusing, 3, within=RINGS_WITHIN) == 3

    assert (await client.ask("PATCH", at, {"callbackUrl": receiver.url + mended})).status == 200
    one = await client.ask("POST", f"{paths[0]}/replay")
    assert (one.status, one.data["status"]) == (202, "PENDING")
    many = await client.ask("POST", f"{at}/executions/replay", ALL_OF_TIME)
    assert (many.status, many.data) == (200, {"matched": 2, "replayed": 2, "remaining": 0})

    async with asyncio.TaskGroup() as tasks:
        delivered = [tasks.create_task(becomes(client, path, "DELIVERED")) for path in paths]
    for task, asked in zip(delivered, triggered, strict=True):
        told = task.result()
        assert told["nominalDate"] == asked["nominalDate"]
        assert [(row["attempt"], row["statusCode"], row["error"]) for row in told["attempts"]] == [
            (1, 404, "status"),
            (2, 200, None),
        ]
        assert all(row["response"]["truncated"] is False for row in told["attempts"])
    rings = {ring.name: ring for ring in await receiver.arrivals(mended)}
    assert set(rings) == {asked["executionId"] for asked in triggered}
    assert set(rings) == {ring.name for ring in await receiver.arrivals(refusing)}
    assert {ring.attempt for ring in rings.values()} == {2}
    assert (await client.ask("POST", f"{paths[0]}/replay")).is_refusal(409)
