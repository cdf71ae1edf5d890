"""A client of the API like any other: it registers, and speaks HTTP."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from tests.servers.processes import eventually

EVERY_SECOND: Final = "* * * * * *"
NEVER_SOON: Final = "0 0 0 29 2 *"
ANSWERS_WITHIN: Final = 10.0
AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A status and what the body says."""

    status: int
    body: Any

    @property
    def data(self) -> Any:
        """What the envelope holds."""
        return self.body["data"]

    def is_refusal(self, status: int) -> bool:
        """Is this an error of that status, in the one shape that errors have?"""
        return (
            self.status == status
            and set(self.body) == {"statusCode", "message", "error", "timestamp"}
            and self.body["statusCode"] == status
            and isinstance(self.body["message"], list)
            and all(isinstance(problem, str) and problem for problem in self.body["message"])
        )


class Client:
    """One application's way to one API."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str | None = None) -> None:
        self._session = session
        self._url = url
        self.key = key

    async def registered(self) -> Client:
        """The same way, for an application that is new."""
        said = await self.ask("POST", "/v1/register", {"appName": f"app {os.urandom(8).hex()}"})
        assert said.status == 201, said
        return Client(self._session, self._url, said.data["apiKey"])

    async def ask(self, method: str, path: str, body: Any = None) -> Said:
        """What the API says; AssertionError where it says nothing."""
        headers = {} if self.key is None else {"X-API-Key": self.key}
        try:
            async with (
                asyncio.timeout(ANSWERS_WITHIN),
                self._session.request(method, f"{self._url}{path}", json=body, headers=headers) as answer,
            ):
                return Said(status=answer.status, body=None if answer.status == 204 else await answer.json())
        except (TimeoutError, aiohttp.ClientError) as error:
            raise AssertionError(f"no answer to {method} {path}: {error!r}") from error

    async def create(self, callback_url: str, **given: Any) -> dict[str, Any]:
        """A new event that rings every second for ten minutes, unless it is said otherwise."""
        said = await self.ask("POST", "/v1/events", new_event(callback_url, **given))
        assert said.status == 201, said
        created: dict[str, Any] = said.data
        return created

    async def crowd(self, callback_url: str, count: int, **given: Any) -> list[str]:
        """The ids of so many new events, created side by side."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> str:
            async with places:
                return str((await self.create(callback_url, context={"number": number}, **given))["eventId"])

        async with asyncio.TaskGroup() as tasks:
            created = [tasks.create_task(one(number)) for number in range(count)]
        return [task.result() for task in created]

    async def each(self, method: str, events: Sequence[str], move: str = "") -> None:
        """The same request for each of these events, side by side."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(event: str) -> None:
            async with places:
                said = await self.ask(method, f"/v1/events/{event}{move}")
                assert said.status == 200, said

        async with asyncio.TaskGroup() as tasks:
            for event in events:
                tasks.create_task(one(event))

    async def becomes(self, event: str, status: str, *, within: float) -> dict[str, Any]:
        """The event, once the ledger says that it has this status; by the listing, which knows nothing of the clock."""
        return await eventually(
            lambda: self._with_status(event, status), within=within, what=lambda: f"{event} becomes {status}"
        )

    async def executions(self, event: str) -> tuple[list[dict[str, Any]], int]:
        """What became of the event's occurrences, newest first, and how many entries there are."""
        said = await self.ask("GET", f"/v1/events/{event}/executions?limit=1000")
        assert said.status == 200, said
        return said.data, said.body["meta"]["total"]

    async def _with_status(self, event: str, status: str) -> dict[str, Any]:
        said = await self.ask("GET", f"/v1/events?limit=1000&query[status][]={status}")
        assert said.status == 200, said
        return next((one for one in said.data if one["eventId"] == event), {})


def new_event(callback_url: str, **given: Any) -> dict[str, Any]:
    """What a client says to create an event that rings every second."""
    return {
        "eventOwner": "user@example.com",
        "endDate": iso(now() + 600_000),
        "interval": EVERY_SECOND,
        "callbackUrl": callback_url,
    } | given


def now() -> int:
    """The wall clock in milliseconds, as the receiver reads it."""
    return time.time_ns() // 1_000_000


def iso(moment: int) -> str:
    """The moment as the API writes it."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> int:
    """The moment that the API wrote."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
