"""Everything that a client of the previous release does, done at one API, and recorded by whoever records."""

from __future__ import annotations

from typing import Any

from tests.acceptance.client import NEVER_SOON, Client, iso, now
from tests.acceptance.judging import SECOND
from tests.servers.processes import eventually
from tests.servers.receiver import Receiver

RINGS_WITHIN = 15.0
TOLD_WITHIN = 15.0
ALL_OF_TIME = {"from": "1970-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}


async def tour(client: Client, receiver: Receiver, name: str) -> None:
    """Create, read, list, change, pause, resume, ring by hand, fail, replay, end, audit, delete; `name` is its own."""
    ticking, moved, refused = f"/tour/{name}", f"/moved/{name}", f"/status/404/{name}"
    event = await client.create(receiver.url + ticking, context={"tour": 1}, tags=[name])
    at = f"/v1/events/{event['eventId']}"
    failing = await client.create(receiver.url + refused, interval=NEVER_SOON, tags=[name])
    gone = await client.create(f"{receiver.url}/status/410/{name}", tags=[name])
    ending = await client.create(receiver.url + ticking, endDate=iso(now() + SECOND), tags=[name])
    retried = await client.create(f"{receiver.url}/flaky/{name}", interval=NEVER_SOON, retryPolicy=QUICK, tags=[name])

    listed = await said(client, "GET", f"/v1/events?query[tags][]={name}&limit=10")
    assert {one["eventId"] for one in listed} == {one["eventId"] for one in (event, failing, gone, ending, retried)}
    assert (await said(client, "POST", "/v1/preview", {"interval": "@daily"}))["instants"]

    by_hand = await said(client, "POST", f"/v1/events/{failing['eventId']}/trigger")
    execution = f"/v1/events/{failing['eventId']}/executions/{by_hand['executionId']}"
    await becomes(client, execution, "FAILED")
    await said(client, "PATCH", f"/v1/events/{failing['eventId']}", {"callbackUrl": receiver.url + moved})
    await said(client, "POST", f"{execution}/replay", status=202)
    assert len((await becomes(client, execution, "DELIVERED"))["attempts"]) == 2
    by_hand = await said(client, "POST", f"/v1/events/{retried['eventId']}/trigger")
    await becomes(client, f"/v1/events/{retried['eventId']}/executions/{by_hand['executionId']}", "DELIVERED")

    await receiver.counted(ticking, 2, within=RINGS_WITHIN)
    assert (await said(client, "POST", f"{at}/pause"))["status"] == "PAUSED"
    assert (await said(client, "POST", f"{at}/resume"))["nextRunDate"] is not None
    changed = await said(client, "PATCH", at, {"callbackUrl": receiver.url + moved, "interval": "*/2 * * * * *"})
    assert changed["interval"] == "*/2 * * * * *"
    await receiver.counted(moved, 2, within=RINGS_WITHIN)
    await client.becomes(event["eventId"], "ACTIVE", within=TOLD_WITHIN)
    await client.becomes(gone["eventId"], "PAUSED", within=TOLD_WITHIN)
    await client.becomes(ending["eventId"], "FINISHED", within=TOLD_WITHIN)
    assert (await said(client, "GET", f"{at}/audit"))["recorded"]["DELIVERED"] > 0
    assert {one["action"] for one in await said(client, "GET", "/v1/changes")} >= {"created", "changed", "replayed"}

    assert (await said(client, "POST", "/v1/signing-secret/rotate", {"overlapSeconds": 0}))["signingSecret"]
    assert (await said(client, "POST", "/v1/bulk/pause", {"query": {"tags": [name]}}))["remaining"] == 0
    assert (await said(client, "POST", "/v1/bulk/delete", {"query": {"tags": [name]}}))["changed"] == 5


QUICK = {"maxAttempts": 3, "initialIntervalSeconds": 1}


async def said(client: Client, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    """What the API says in its envelope, with this status."""
    answer = await client.ask(method, path, body)
    assert answer.status == status, (method, path, answer)
    return answer.data


async def becomes(client: Client, execution: str, status: str) -> dict[str, Any]:
    """The execution, once the ledger has it so."""

    async def it() -> dict[str, Any]:
        told: dict[str, Any] = await said(client, "GET", execution)
        return told if told["status"] == status else {}

    return await eventually(it, within=TOLD_WITHIN, what=lambda: f"{execution} becomes {status}")
