"""A client of /api/v4, and what it usually sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.integration.api.stage import Answer, Api

ADA: dict[str, Any] = {"name": "Ada", "email": "ada@example.com", "time_zone": "London"}
CORE: dict[str, Any] = {"name": "Core", "time_zone": "Arizona"}


class V4:
    """One application's way to /api/v4; paths begin below it."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def ask(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Answer:
        json = {} if body is None else {"json": body}
        return await self.api.ask(method, f"/api/v4{path}", **json, **kwargs)

    async def form(self, method: str, path: str, text: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The same with a body as an HTML form writes it."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.api.ask(method, f"/api/v4{path}", data=text, headers=kind | dict(headers or {}))

    async def made(self, path: str, body: Any) -> dict[str, Any]:
        """What was created by this body."""
        answer = await self.ask("POST", path, body)
        assert answer.status == 201, answer.text
        created: dict[str, Any] = answer.json
        return created

    async def person(self, **different: Any) -> dict[str, Any]:
        return await self.made("/account_users", ADA | different)

    async def schedule(self, **different: Any) -> dict[str, Any]:
        return await self.made("/schedules", CORE | different)

    async def other(self) -> V4:
        """Another application."""
        return V4(await self.api.newcomer())


def problems(answer: Answer) -> list[str]:
    """What a refusal says, when it has the one shape."""
    assert list(answer.json) == ["errors", "code"], answer.text
    assert answer.json["code"] == answer.status
    assert all(list(problem) == ["message"] for problem in answer.json["errors"])
    return [problem["message"] for problem in answer.json["errors"]]
