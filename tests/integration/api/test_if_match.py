"""An event says its version in ETag, and If-Match lets a change pass only if nobody else was faster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from api_service.store import events
from api_service.store.database import Database
from tests.integration.api.stage import HOUR, NEW_EVENT, Answer, Api, StandingClock

CHANGED = "The event has another version than If-Match asks for; get it anew and send its ETag."
MOVES = [("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/trigger")]


def tag_of(event: Mapping[str, Any]) -> str:
    return f'"{event["version"]}"'


async def ask(api: Api, event: Mapping[str, Any], move: tuple[str, str], *, tag: str, tags: Any = ("new",)) -> Answer:
    method, below = move
    body: dict[str, Any] = {"json": {"tags": list(tags)}} if method == "PATCH" else {}
    return await api.ask(method, f"/v1/events/{event['eventId']}{below}", headers={"If-Match": tag}, **body)


async def test_every_answer_about_an_event_says_its_version(api: Api) -> None:
    created = await api.post("/v1/events", NEW_EVENT, headers={"Idempotency-Key": "etag"})
    again = await api.post("/v1/events", NEW_EVENT, headers={"Idempotency-Key": "etag"})
    path = f"/v1/events/{created.data['eventId']}"
    answers = [
        created,
        await api.get(path),
        await api.patch(path, {"tags": ["other"]}),
        await api.post(f"{path}/pause"),
        await api.post(f"{path}/resume"),
        await api.delete(path),
    ]

    assert [answer.headers["ETag"] for answer in answers] == [tag_of(answer.data) for answer in answers]
    versions = [answer.data["version"] for answer in answers]
    assert versions[0] == versions[1] < versions[2] < versions[3] < versions[4] == versions[5]
    assert again.headers["ETag"] == created.headers["ETag"]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("form", ["{}", '"7", {}', '"x" ,, {} ,', 'W/"1","a,b",{}', "*", " * "])
async def test_what_matches_is_done(api: Api, move: tuple[str, str], form: str) -> None:
    event = await api.create()

    assert (await ask(api, event, move, tag=form.format(tag_of(event)))).status == 200


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("form", ['"x"', '""', 'W/"{0}"', '"0{0}"', '"9{0}", "other"', '"99999999999999999999"'])
async def test_what_does_not_match_is_refused_and_changes_nothing(api: Api, move: tuple[str, str], form: str) -> None:
    event = await api.create()
    answer = await ask(api, event, move, tag=form.format(event["version"]))

    assert (answer.status, answer.json["error"], answer.message) == (412, "Precondition Failed", [CHANGED])
    assert (await api.get(f"/v1/events/{event['eventId']}")).data == event


@pytest.mark.parametrize("move", MOVES)
async def test_an_old_version_does_not_match(api: Api, move: tuple[str, str]) -> None:
    event = await api.create()
    newer = await api.patch(f"/v1/events/{event['eventId']}", {"tags": ["newer"]})

    assert (await ask(api, event, move, tag=tag_of(event))).status == 412
    assert (await ask(api, event, move, tag=f"{tag_of(event)}, {tag_of(newer.data)}")).status == 200


@pytest.mark.parametrize("tag", ["", "42", '"a" "b"', '"42', 'w/"1"', '*, "1"', '"a b"', ",", "**"])
async def test_what_is_no_list_of_tags_is_told_with_everything_else(api: Api, tag: str) -> None:
    event = await api.create()
    said = 'If-Match should be * or a list of tags as ETag shows them, e.g. "42"'
    path = f"/v1/events/{event['eventId']}?verbose=1"
    answer = await api.patch(path, {"interval": "61 * * * * *"}, headers={"If-Match": tag})

    assert answer.status == 400
    assert answer.message[1] == said
    assert [one.split()[0] for one in answer.message] == ["verbose", "If-Match", "interval"]
    for method, below in MOVES[1:]:
        answer = await api.ask(method, f"/v1/events/{event['eventId']}{below}", headers={"If-Match": tag})
        assert (answer.status, answer.message) == (400, [said])


async def test_what_is_not_there_is_not_there_whatever_is_expected(api: Api, clock: StandingClock) -> None:
    event = await api.create(endDate="2030-03-17T18:46:40.000Z")
    stranger = await api.newcomer()
    for move in MOVES:
        assert (await ask(stranger, event, move, tag=tag_of(event))).status == 404
        assert (await ask(stranger, event, move, tag='"1"')).status == 404

    clock.moment += HOUR  # and a finished event is found to have changed first
    assert (await ask(api, event, ("POST", "/pause"), tag='"x"')).status == 412
    assert (await ask(api, event, ("POST", "/pause"), tag=tag_of(event))).status == 409


async def test_of_two_changes_to_one_version_exactly_one_is_made(api: Api, database: Database) -> None:
    """Both wait for the event's row, which the test holds: so both have surely begun before either is done."""
    event = await api.create()
    async with asyncio.TaskGroup() as tasks, database.transaction() as c:
        application_id = await c.fetchval("select application_id from event where event_id = $1", event["eventId"])
        await events.get(c, application_id, event["eventId"], for_update=True)
        asked = [tasks.create_task(ask(api, event, ("PATCH", ""), tag=tag_of(event), tags=[name])) for name in "ab"]
        async with asyncio.timeout(30):
            while await c.fetchval("select count(*) from pg_locks where not granted") < len(asked):
                await asyncio.wait(asked, timeout=0.01)
    answers = [task.result() for task in asked]

    assert sorted(answer.status for answer in answers) == [200, 412]
    shown = (await api.get(f"/v1/events/{event['eventId']}")).data
    assert [shown] == [answer.data for answer in answers if answer.status == 200]
