"""Two who want the same occurrence at once: one has it, whether the lock keeps the other waiting or nothing does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from api_service.store.database import Connection, Database
from api_service.store.oncall import application, events
from shared.domain.errors import OccurrenceTaken
from shared.domain.ids import ulid
from tests.integration.api.oncall.calendar import Team, at
from tests.integration.api.oncall.stage import V4
from tests.integration.api.stage import NOW, Answer


@pytest.fixture
async def team(v4: V4) -> Team:
    return await Team.of(v4, "ada", "ben", "cleo")


def override_of(team: Team, name: str) -> dict[str, Any]:
    return {
        "start_time": "2022-11-02 08:00",
        "end_time": "2022-11-02 17:00",
        "layer": 1,
        "time_zone": "Arizona",
        "account_user_ids": team.users(name),
        "action_time": at(2),
    }


async def at_once(database: Database, event_id: str, ask: list[Callable[[], Awaitable[Answer]]]) -> list[Answer]:
    """The answers to requests all of which have begun before any is served: the test holds what they wait for."""
    async with asyncio.TaskGroup() as tasks, database.transaction() as c:
        application_id = await c.fetchval(
            "select application_id from oncall_event where oncall_event_id = $1", event_id
        )
        await application.held(c, application_id)
        asked = [tasks.create_task(_asked(each)) for each in ask]
        async with asyncio.timeout(30):
            while await c.fetchval("select count(*) from pg_locks where not granted") < len(asked):
                await asyncio.wait(asked, timeout=0.01)
    return [task.result() for task in asked]


async def _asked(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    return await ask()


async def test_of_two_overrides_at_once_one_wins(team: Team, database: Database) -> None:
    event = await team.event("ada")
    path = f"/events/{event['id']}/override"
    answers = await at_once(
        database,
        event["id"],
        [lambda name=name: team.v4.ask("POST", path, override_of(team, name)) for name in ("ben", "cleo")],  # type: ignore[misc]
    )

    assert sorted(answer.status for answer in answers) == [201, 409]
    assert len((await team.shown(event["id"]))["exceptions"]) == 1
    assert (await team.v4.ask("GET", f"/events?parent_id={event['id']}&role=override")).json["total_count"] == 1
    (winner,) = [answer.json for answer in answers if answer.status == 201]
    who = team.names[winner["event_attendees"][0]["attendee_id"]]
    assert (await team.window())[1:4] == [
        (at(2), at(2, 8), "ada"),
        (at(2, 8), at(2, 17), who),
        (at(2, 17), at(3), "ada"),
    ]


async def test_of_two_exceptions_at_once_both_have_the_same_result(team: Team, database: Database) -> None:
    event = await team.event("ada")
    path, body = f"/events/{event['id']}/add_exception", {"action_time": at(2)}
    first, second = await at_once(database, event["id"], [lambda: team.v4.ask("POST", path, body)] * 2)

    assert (first.status, second.status) == (200, 200)
    assert first.json == second.json == await team.shown(event["id"])
    assert len(first.json["exceptions"]) == 1


async def test_an_override_and_an_exception_at_once_leave_one_exception(team: Team, database: Database) -> None:
    event = await team.event("ada")
    path = f"/events/{event['id']}"
    override, exception = await at_once(
        database,
        event["id"],
        [
            lambda: team.v4.ask("POST", f"{path}/override", override_of(team, "ben")),
            lambda: team.v4.ask("POST", f"{path}/add_exception", {"action_time": at(2)}),
        ],
    )

    assert exception.status == 200
    assert override.status in {201, 422}  # whichever came first: what does not happen cannot be overridden
    assert len((await team.shown(event["id"]))["exceptions"]) == 1


async def test_without_the_lock_the_second_is_kept_out_by_the_unique_key(team: Team, database: Database) -> None:
    """Both have read that the occurrence happens before either writes, as no two can who hold the application."""
    event = await team.event("ada")
    begun, winners = asyncio.Barrier(2), []

    async def take(who: str) -> None:
        async with database.transaction() as c:
            before = await read_unheld(c, event["id"])
            await begun.wait()
            after = replace(before, exceptions={1_667_372_400_000: ulid(NOW, os.urandom(10))})
            await events.update(c, before, after)
        winners.append(who)

    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(take("ben"), take("cleo"), return_exceptions=True)

    assert len(winners) == 1
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [OccurrenceTaken]
    assert [one["start_datetime"] for one in (await team.shown(event["id"]))["exceptions"]] == [at(2)]


async def read_unheld(c: Connection, event_id: str) -> Any:
    application_id = await c.fetchval("select application_id from oncall_event where oncall_event_id = $1", event_id)
    return await events.get(c, application_id, event_id)
