"""Everything that a client of the previous release does, done at one API, and recorded by whoever records."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.acceptance.client import NEVER_SOON, Client, iso, now
from tests.acceptance.judging import SECOND
from tests.servers.processes import eventually
from tests.servers.receiver import Receiver

RINGS_WITHIN = 15.0
TOLD_WITHIN = 15.0
HOUR = 3_600 * SECOND
PERSON = {"email": "someone@example.com"}
QUICK = {"maxAttempts": 3, "initialIntervalSeconds": 1}


@dataclass(frozen=True, slots=True)
class Tour:
    """One client's, under a name of its own, with which its events are tagged."""

    client: Client
    receiver: Receiver
    name: str

    async def done(self) -> None:
        """All of it; AssertionError where anything is not as it was."""
        async with asyncio.TaskGroup() as parts:
            for part in (self._a_life(), self._a_replay(), self._a_retry(), self._an_end(), self._a_farewell()):
                parts.create_task(part)
            parts.create_task(self._a_schedule())

        assert (await self.said("POST", "/v1/preview", {"interval": "@daily"}))["instants"]
        assert len(await self.said("GET", f"/v1/events?query[tags][]={self.name}&limit=10")) == 5
        noted = {one["action"] for one in await self.said("GET", "/v1/changes?limit=100")}
        assert noted >= {"created", "changed", "replayed"}
        assert (await self.said("POST", "/v1/signing-secret/rotate", {"overlapSeconds": 0}))["signingSecret"]
        every = {"query": {"tags": [self.name]}}
        assert (await self.said("POST", "/v1/bulk/pause", every))["remaining"] == 0
        assert (await self.said("POST", "/v1/bulk/delete", every))["changed"] == 5

    async def said(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """What the API says in its envelope, with this status."""
        answer = await self.client.ask(method, path, body)
        assert answer.status == status, (method, path, answer)
        return answer.data

    async def _a_life(self) -> None:
        at = await self._created("/ticking")
        await self.receiver.counted(self._path("/ticking"), 2, within=RINGS_WITHIN)
        assert (await self.said("POST", f"{at}/pause"))["status"] == "PAUSED"
        assert (await self.said("POST", f"{at}/resume"))["nextRunDate"] is not None
        changes = {"callbackUrl": self.receiver.url + self._path("/moved"), "interval": "*/2 * * * * *"}
        assert (await self.said("PATCH", at, changes))["interval"] == "*/2 * * * * *"
        await self.receiver.counted(self._path("/moved"), 1, within=RINGS_WITHIN)
        await self.client.becomes(at.rpartition("/")[2], "ACTIVE", within=TOLD_WITHIN)
        assert (await self.said("GET", f"{at}/audit"))["recorded"]["DELIVERED"] > 0
        executions = await self.said("GET", f"{at}/executions")
        assert {"DELIVERED", "SKIPPED"} >= {one["status"] for one in executions}

    async def _a_replay(self) -> None:
        at = await self._created("/status/404", interval=NEVER_SOON)
        execution = await self._triggered(at)
        await self._becomes(execution, "FAILED")
        await self.said("PATCH", at, {"callbackUrl": self.receiver.url + self._path("/mended")})
        await self.said("POST", f"{execution}/replay", status=202)
        assert len((await self._becomes(execution, "DELIVERED"))["attempts"]) == 2

    async def _a_retry(self) -> None:
        at = await self._created("/flaky", interval=NEVER_SOON, retryPolicy=QUICK)
        await self._becomes(await self._triggered(at), "DELIVERED")

    async def _an_end(self) -> None:
        at = await self._created("/ending", endDate=iso(now() + SECOND))
        await self.client.becomes(at.rpartition("/")[2], "FINISHED", within=TOLD_WITHIN)

    async def _a_farewell(self) -> None:
        """Its receiver wants no more of it."""
        at = await self._created("/status/410")
        await self.client.becomes(at.rpartition("/")[2], "PAUSED", within=TOLD_WITHIN)

    async def _a_schedule(self) -> None:
        """Ada's shift begins, is told, is Bob's for once, and is hers again."""
        ada, bob = [await made(self.client, "account_users", PERSON | {"name": name}) for name in ("Ada", "Bob")]
        schedule = await made(self.client, "schedules", {"name": self.name})
        wanted = {"callbackUrl": self.receiver.url + self._path("/handover"), "on": ["shift.started"]}
        await made(self.client, f"schedules/{schedule}/subscriptions", wanted)
        begins = now() + SECOND
        shift = {
            "start_time": iso(begins),
            "end_time": iso(begins + HOUR),
            "time_zone": "UTC",
            "layer": 1,
            "account_user_ids": [ada],
        }
        repeats = {"schedule_ids": [schedule], "repeat": True, "frequency": 1, "frequency_unit": "hourly"}
        event = await made(self.client, "events", shift | repeats)
        await self.receiver.counted(self._path("/handover"), 1, within=RINGS_WITHIN)
        assert await self._on_call(schedule) == [ada]
        taken = {"account_user_ids": [bob], "action_time": iso(begins)}
        override = await made(self.client, f"events/{event}/override", shift | taken)
        assert await self._on_call(schedule) == [bob]
        trial = await self.client.ask("DELETE", f"/api/v4/events/{override}?restore=true&dry_run=true")
        assert trial.status == 200, trial
        assert await self._on_call(schedule) == [bob]
        assert (await self.client.ask("DELETE", f"/api/v4/events/{override}?restore=true")).status == 204
        assert await self._on_call(schedule) == [ada]

    async def _on_call(self, schedule: str) -> list[str]:
        answer = await self.client.ask("GET", f"/api/v4/schedules/{schedule}/current_oncall")
        assert answer.status == 200, answer
        return [str(one["attendee_id"]) for shift in answer.body for one in shift["attendees"]]

    async def _created(self, kind: str, **given: Any) -> str:
        made = await self.client.create(self.receiver.url + self._path(kind), tags=[self.name], **given)
        return f"/v1/events/{made['eventId']}"

    async def _triggered(self, at: str) -> str:
        return f"{at}/executions/{(await self.said('POST', f'{at}/trigger'))['executionId']}"

    def _path(self, kind: str) -> str:
        return f"{kind}/{self.name}"

    async def _becomes(self, execution: str, status: str) -> dict[str, Any]:
        """The execution, once the ledger has it so."""

        async def it() -> dict[str, Any]:
            told: dict[str, Any] = await self.said("GET", execution)
            return told if told["status"] == status else {}

        return await eventually(it, within=TOLD_WITHIN, what=lambda: f"{execution} becomes {status}")


async def made(client: Client, what: str, body: dict[str, Any]) -> str:
    """The id of something new of who is on call."""
    answer = await client.ask("POST", f"/api/v4/{what}", body)
    assert answer.status == 201, answer
    return str(answer.body["id"])
