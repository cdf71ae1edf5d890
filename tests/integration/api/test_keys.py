"""Keys go on for a while when they are replaced, end at once when they are revoked, and are shown once."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from api_service import limits
from api_service.store import api_keys
from api_service.store.database import Database
from shared.domain.ids import is_ulid
from tests.integration.api.stage import DAY, HOUR, Answer, Api, StandingClock

REFUSED = "A valid API key is needed, as Authorization: Bearer or in the header X-API-Key."
UNKNOWN = "01JD8M2Z9T5R0C4V7K3N6P1QXB"


async def rotate(api: Api, **said: Any) -> Api:
    """The same application with a new key."""
    answer = await api.post("/v1/keys", said)
    assert answer.status == 201, answer.text
    return Api(api.client, api.clock, answer.data["apiKey"])


async def opens(api: Api) -> bool:
    answer = await api.get("/v1/keys")
    assert answer.status == 200 or (answer.status, answer.message) == (401, [REFUSED])
    return answer.status == 200


async def current(api: Api) -> str:
    (key_id,) = [key["keyId"] for key in (await api.get("/v1/keys")).data if key["isCurrent"]]
    assert is_ulid(key_id)
    return str(key_id)


async def test_a_key_is_shown_by_name(api: Api, database: Database) -> None:
    answer = await api.get("/v1/keys")

    assert (answer.status, answer.json["meta"]) == (200, {"total": 1})
    (key,) = answer.data
    assert is_ulid(key["keyId"])
    assert key == {
        "keyId": key["keyId"],
        "createdDate": "2030-03-17T17:46:40.000Z",
        "expiresDate": None,
        "isCurrent": True,
    }


async def test_a_new_key_opens_the_same_application_and_is_shown_once(api: Api) -> None:
    event = await api.create()
    answer = await api.post("/v1/keys", {})
    key = answer.data

    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    assert list(key) == ["keyId", "createdDate", "expiresDate", "isCurrent", "apiKey"]
    assert re.fullmatch(r"ck_[A-Za-z0-9_-]{43}", key["apiKey"])
    assert (key["expiresDate"], key["isCurrent"]) == (None, False)

    newer = Api(api.client, api.clock, key["apiKey"])
    assert (await newer.get(f"/v1/events/{event['eventId']}")).data == event
    shown = await newer.get("/v1/keys")
    assert {one["keyId"]: (one["isCurrent"], one["expiresDate"]) for one in shown.data} == {
        key["keyId"]: (True, None),
        await current(api): (False, "2030-03-18T17:46:40.000Z"),
    }
    assert key["apiKey"] not in shown.text
    assert api.key not in (None, shown.text)


@pytest.mark.parametrize(("said", "overlap"), [({}, DAY), ({"overlapSeconds": 3600}, HOUR)])
async def test_the_old_key_goes_on_for_the_overlap(
    api: Api, clock: StandingClock, said: dict[str, int], overlap: int
) -> None:
    newer = await rotate(api, **said)
    clock.moment += overlap - 1
    assert (await opens(api), await opens(newer)) == (True, True)

    clock.moment += 1
    assert (await opens(api), await opens(newer)) == (False, True)
    assert [key["isCurrent"] for key in (await newer.get("/v1/keys")).data] == [True]


async def test_without_an_overlap_the_old_key_ends_at_once(api: Api) -> None:
    newer = await rotate(api, overlapSeconds=0)

    assert (await opens(api), await opens(newer)) == (False, True)


async def test_a_later_rotation_prolongs_nothing(api: Api, clock: StandingClock) -> None:
    second = await rotate(api, overlapSeconds=3600)
    third = await rotate(second, overlapSeconds=2 * 3600)
    clock.moment += HOUR
    assert [await opens(key) for key in (api, second, third)] == [False, True, True]
    await rotate(third, overlapSeconds=60)
    clock.moment += 60_000
    assert [await opens(key) for key in (api, second, third)] == [False, False, False]


async def test_a_revoked_key_opens_nothing(api: Api) -> None:
    newer = await rotate(api)
    old = await current(api)
    answer = await newer.delete(f"/v1/keys/{old}")

    assert (answer.status, answer.data["keyId"], answer.data["isCurrent"]) == (200, old, False)
    assert (await opens(api), await opens(newer)) == (False, True)
    assert (await newer.delete(f"/v1/keys/{old}")).status == 404


async def test_a_key_may_revoke_itself(api: Api) -> None:
    await rotate(api)

    assert (await api.delete(f"/v1/keys/{await current(api)}")).data["isCurrent"] is True
    assert not await opens(api)


async def test_the_last_valid_key_stays(api: Api, clock: StandingClock) -> None:
    said = "This is the application's last valid key; make another with POST /v1/keys, and revoke this one with that."
    newer = await rotate(api, overlapSeconds=60)
    clock.moment += 60_000
    answer = await newer.delete(f"/v1/keys/{await current(newer)}")

    assert (answer.status, answer.message) == (409, [said])
    assert await opens(newer)


async def test_valid_keys_are_a_few_at_the_most(api: Api) -> None:
    for _ in range(limits.KEYS - 1):
        await rotate(api)
    answer = await api.post("/v1/keys", {})
    assert (answer.status, answer.message[0].split(";")[0]) == (409, "The application has as many valid keys as it may")

    only = await rotate(api, overlapSeconds=0)  # in an emergency there is room: all others end
    assert (await only.get("/v1/keys")).json["meta"] == {"total": 1}


@pytest.mark.parametrize("deed", ["/v1/keys", "/v1/signing-secret/rotate", "revoke"])
async def test_what_a_revoked_key_still_had_on_its_way_comes_too_late(api: Api, database: Database, deed: str) -> None:
    """The test holds the application's keys, so that the request has surely come in before its key is revoked."""
    newer = await rotate(api)
    key_id, other = await current(api), await current(newer)
    async with asyncio.TaskGroup() as tasks, database.transaction() as c:
        application_id = await c.fetchval("select application_id from api_key where key_id = $1", key_id)
        await api_keys.hold(c, application_id)
        asked = tasks.create_task(api.delete(f"/v1/keys/{other}") if deed == "revoke" else api.post(deed, {}))
        async with asyncio.timeout(30):
            while not await c.fetchval("select count(*) from pg_locks where not granted"):
                await asyncio.wait([asked], timeout=0.01)
        await api_keys.remove(c, application_id, key_id)
    answer: Answer = asked.result()

    assert (answer.status, answer.message) == (401, [REFUSED])
    assert [key["keyId"] for key in (await newer.get("/v1/keys")).data] == [other]


async def test_another_applications_key_is_not_there(api: Api) -> None:
    stranger = await api.newcomer()
    key_id = await current(api)

    for path in (key_id, UNKNOWN, "x", key_id.lower(), "%00"):
        answer = await stranger.delete(f"/v1/keys/{path}")
        assert (answer.status, answer.message) == (404, ["There is no key with this id."])
    assert key_id not in (await stranger.get("/v1/keys")).text
    await rotate(stranger, overlapSeconds=0)
    assert await opens(api)


async def test_every_problem_is_told(api: Api) -> None:
    whole = "overlapSeconds should be a whole number from 0 to 2592000"
    answer = await api.post("/v1/keys?verbose=1", {"overlapSeconds": 2_592_001, "keyId": "x"})

    assert answer.status == 400
    assert answer.message[1:] == [whole, "keyId is not known here; known are overlapSeconds"]
    assert answer.message[0].startswith("verbose is not known here")
    for wrong in (-1, 1.5, "60", True, None):
        assert (await api.post("/v1/keys", {"overlapSeconds": wrong})).status == 400
    assert (await api.get("/v1/keys?limit=1")).status == 400
    assert (await api.delete(f"/v1/keys/{UNKNOWN}?x")).status == 400
    assert (await api.post("/v1/keys")).status == 415
