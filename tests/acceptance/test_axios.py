"""The specification's own examples, run by the real axios from npm: what a reader of the page would copy works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.client import Client, iso, now
from tests.acceptance.node import Axios
from tests.acceptance.world import World

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

PAGE: Final = Path(__file__).parents[1] / "data" / "specification-examples.md"
EXAMPLES: Final[dict[str, str]] = dict(re.findall(r"## ([a-z]+)\n+```js\n(.*?)```", PAGE.read_text(), re.DOTALL))

NAMES: Final = ("create", "list", "get", "update", "delete", "pause", "resume")


@pytest.fixture
def axios(tmp_path: Path, client: Client, world: World) -> Axios:
    """The examples' way to the API, with the key in the header that the conventions name."""
    return Axios.installed(folder=tmp_path, api=world.api.url, key=client.key or "")


async def test_the_page_says_what_it_does(world: World, client: Client, axios: Axios) -> None:
    assert set(EXAMPLES) == set(NAMES)
    end, later = iso(now() + 3_600_000), iso(now() + 7_200_000)
    callback = f"{world.receiver.url}/axios"

    async def run(name: str, *, event: str = "", end_date: str = end) -> Any:
        return await axios.run(written_out(EXAMPLES[name], event=event, end_date=end_date, callback=callback))

    for decoy in decoys():
        await client.create(callback, endDate=end, **decoy)
    stranger = await client.registered()
    await stranger.create(callback, endDate=end, **WANTED)

    created = await run("create")
    assert created["status"] == 201
    assert set(created["data"]) == {"data"}
    event = created["data"]["data"]
    assert expected(event) == WANTED | {
        "status": "INACTIVE",
        "endDate": end,
        "interval": "* * * 1 * *",
        "callbackUrl": callback,
    }

    listed = await run("list")
    assert listed == {"status": 200, "data": {"data": [event], "meta": {"total": 1}}}
    assert await run("get", event=event["eventId"]) == {"status": 200, "data": {"data": event}}

    updated = await run("update", event=event["eventId"], end_date=later)
    assert updated["status"] == 200
    assert expected(updated["data"]["data"]) == expected(event) | {"endDate": later}

    assert (await run("pause", event=event["eventId"]))["data"]["data"]["status"] == "PAUSED"
    assert (await run("resume", event=event["eventId"]))["data"]["data"]["status"] == "INACTIVE"

    deleted = await run("delete", event=event["eventId"])
    assert deleted["status"] == 200
    assert deleted["data"]["data"]["eventId"] == event["eventId"]
    gone = await run("get", event=event["eventId"])
    assert gone["status"] == 404
    assert set(gone["data"]) == {"statusCode", "message", "error", "timestamp"}
    assert (await run("list"))["data"] == {"data": [], "meta": {"total": 0}}


WANTED: Final[dict[str, Any]] = {"eventOwner": "user@example.com", "tags": ["prod"], "context": {"user": 12345}}


def decoys() -> list[dict[str, Any]]:
    """Events that miss the list's filters by one thing each."""
    return [
        WANTED | {"eventOwner": "other@example.com"},
        WANTED | {"tags": ["production"]},
        WANTED | {"tags": []},
        WANTED | {"context": {"user": "12345"}},
        WANTED | {"context": {"user": 123456}},
        WANTED | {"context": {"user": [12345]}},
        WANTED | {"context": {"users": {"user": 12345}}},
    ]


def expected(event: dict[str, Any]) -> dict[str, Any]:
    """What the specification's fields say, less the id and the date of creation."""
    names = ("status", "eventOwner", "endDate", "interval", "callbackUrl", "context", "tags")
    return {name: event[name] for name in names}


def written_out(example: str, *, event: str, end_date: str, callback: str) -> str:
    """The example with its placeholders filled in: what a reader would change before running it, and no more."""
    example = example.replace(":event-id", event).replace("2023-09-02T05:11:59.708Z", end_date)
    if "axios.patch" in example:  # the page leaves the id out of this one's path, its list of endpoints does not
        example = example.replace("/v1/events'", f"/v1/events/{event}'")
    # On the first of a month this interval rings every second, and the page's host is a stranger's.
    return example.replace(json.dumps("https://api.yourapi.com"), json.dumps(callback))
