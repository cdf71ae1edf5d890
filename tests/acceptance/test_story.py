"""The life of an event, told through HTTP and seen by whom it rings."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.acceptance.client import NEVER_SOON, Client, iso, moment, now
from tests.acceptance.judging import SECOND
from tests.acceptance.world import World
from tests.servers.receiver import Arrival

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

HEARD_WITHIN = 200  # milliseconds until every dispatcher has heard of a change
RINGS_WITHIN = 5.0
TOLD_WITHIN = 5.0


async def test_three_stories_told_at_once(world: World, client: Client) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(a_life(world, client))
        tasks.create_task(an_end_of_what_never_rang(world, client))
        tasks.create_task(a_deletion(world, client))


async def a_life(world: World, client: Client) -> None:
    """Created, rung, paused, resumed, changed, rung by hand, listed, ended."""
    receiver, path, moved = world.receiver, f"/life/{now()}", f"/moved/{now()}"
    end = (now() // SECOND + 13) * SECOND
    event = await client.create(receiver.url + path, context={"life": 1}, tags=["story"], endDate=iso(end))
    event_id, at = event["eventId"], f"/v1/events/{event['eventId']}"
    assert event["status"] == "INACTIVE"
    assert event["lastRunDate"] is None

    # It rings, and the ledger hears of it.
    await receiver.counted(path, 1, within=RINGS_WITHIN)
    active = await client.becomes(event_id, "ACTIVE", within=TOLD_WITHIN)
    first = (await receiver.arrivals(path))[0]
    assert (first.event_id, first.attempt, json.loads(first.body)) == (event_id, 1, {"life": 1})
    assert iso(first.nominal) == event["nextRunDate"]
    assert first.user_agent.startswith("carillon/")
    assert moment(active["lastRunDate"]) >= first.nominal

    # Paused, it is silent; resumed, it rings again and catches nothing up.
    paused = (await client.ask("POST", f"{at}/pause")).data
    assert (paused["status"], paused["nextRunDate"]) == ("PAUSED", None)
    quiet_from = now() + HEARD_WITHIN
    await receiver.past(quiet_from + 2 * SECOND)
    resumed = (await client.ask("POST", f"{at}/resume")).data
    assert resumed["status"] == "ACTIVE"
    back = moment(resumed["updatedDate"])
    await receiver.reached(path, (back // SECOND + 1) * SECOND, within=RINGS_WITHIN)
    assert [ring for ring in await receiver.arrivals(path, since=quiet_from) if ring.nominal <= back] == []

    # A change takes effect at once: the body, the rule, the place.
    changed = (await client.ask("PATCH", at, {"context": {"life": 2}, "interval": "*/2 * * * * *"})).data
    assert (changed["context"], changed["interval"], changed["status"]) == ({"life": 2}, "*/2 * * * * *", "ACTIVE")
    since = now() + HEARD_WITHIN
    await receiver.reached(path, moment(changed["nextRunDate"]) + 2 * SECOND, within=2 * RINGS_WITHIN)
    rings = await receiver.arrivals(path, since=since)
    assert [ring.nominal % (2 * SECOND) for ring in rings] == [0] * len(rings)
    assert [json.loads(ring.body) for ring in rings] == [{"life": 2}] * len(rings)
    assert (await client.ask("PATCH", at, {"callbackUrl": receiver.url + moved})).status == 200
    since = now() + HEARD_WITHIN

    # Rung by hand it rings once, at once, and outside its series.
    triggered = (await client.ask("POST", f"{at}/trigger")).data
    assert (triggered["manual"], triggered["status"]) == (True, "PENDING")
    asked = now()
    by_hand = await named(world, moved, triggered["executionId"])
    assert by_hand.arrived - asked <= SECOND

    # It ends at its end.
    finished = await client.becomes(event_id, "FINISHED", within=(end - now()) / SECOND + TOLD_WITHIN)
    assert finished["nextRunDate"] is None
    assert now() >= end
    assert await receiver.arrivals(path, since=since) == []
    assert (await client.ask("POST", f"{at}/trigger")).is_refusal(409)

    await everything_is_told(world, client, event_id, (path, moved))


async def named(world: World, path: str, name: str) -> Arrival:
    """The one ring of this name."""
    async with asyncio.timeout(RINGS_WITHIN):
        count = 0
        while not (found := [ring for ring in await world.receiver.arrivals(path) if ring.name == name]):
            count = await world.receiver.counted(path, count + 1, within=RINGS_WITHIN)
    return found[0]


async def everything_is_told(world: World, client: Client, event_id: str, paths: tuple[str, ...]) -> None:
    """The ledger holds each ring once, the pause to the second, and nothing else; newest first."""
    rings = [ring for path in paths for ring in await world.receiver.arrivals(path)]
    assert all(ring.nominal < ring.arrived for ring in rings)
    assert len({ring.name for ring in rings}) == len(rings)

    executions, total = await client.executions(event_id)
    assert total == len(executions)
    assert [one["nominalDate"] for one in executions] == sorted(
        (one["nominalDate"] for one in executions), reverse=True
    )
    delivered = {one["executionId"]: one for one in executions if one["status"] == "DELIVERED"}
    assert set(delivered) == {ring.name for ring in rings}
    assert all(len(one["attempts"]) == 1 and one["attempts"][0]["statusCode"] == 200 for one in delivered.values())
    assert [one["manual"] for one in delivered.values()].count(True) == 1

    # Until the pause is over it was to ring every second: each second is in the ledger once, as rung or as paused.
    skipped = [one for one in executions if one["status"] == "SKIPPED"]
    assert {one["reason"] for one in skipped} == {"paused"}
    silent = [second for one in skipped for second in seconds(one)]
    assert len(silent) == sum(one["count"] for one in skipped)
    rung = [moment(one["nominalDate"]) for one in delivered.values() if not one["manual"]]
    accounted = sorted(second for second in (*silent, *rung) if second <= max(silent))
    assert len(silent) >= 2
    assert accounted == list(range(min(rung), max(silent) + SECOND, SECOND))
    assert len(executions) == len(delivered) + len(skipped)


def seconds(execution: dict[str, Any]) -> range:
    """The full seconds that this entry of the ledger stands for."""
    return range(moment(execution["nominalDate"]), moment(execution["lastDate"]) + SECOND, SECOND)


async def an_end_of_what_never_rang(world: World, client: Client) -> None:
    """It is FINISHED at its end even when nothing was due, and even when it is paused."""
    end = now() + 2_500
    url, path = f"{world.receiver.url}/ends", "/ends"
    idle = await client.create(url, interval=NEVER_SOON, endDate=iso(end))
    asleep = await client.create(url, interval=NEVER_SOON, endDate=iso(end))
    assert (await client.ask("POST", f"/v1/events/{asleep['eventId']}/pause")).data["status"] == "PAUSED"

    for event in (idle, asleep):
        assert (await client.becomes(event["eventId"], "FINISHED", within=2.5 + TOLD_WITHIN))["endDate"] == iso(end)
        assert now() >= end
    assert await world.receiver.arrivals(path) == []


async def a_deletion(world: World, client: Client) -> None:
    """What is deleted is gone, and rings no more."""
    path = f"/deleted/{now()}"
    event = await client.create(world.receiver.url + path)
    await world.receiver.counted(path, 1, within=RINGS_WITHIN)

    deleted = await client.ask("DELETE", f"/v1/events/{event['eventId']}")
    quiet_from = now() + HEARD_WITHIN
    assert deleted.data["eventId"] == event["eventId"]
    assert (await client.ask("GET", f"/v1/events/{event['eventId']}")).is_refusal(404)

    await world.receiver.past(quiet_from + 2 * SECOND)
    assert await world.receiver.arrivals(path, since=quiet_from) == []
