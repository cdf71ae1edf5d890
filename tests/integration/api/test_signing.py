"""Signing secrets: shown once, replaced with an overlap, and every shard is told."""

from __future__ import annotations

import asyncio
import re
from itertools import permutations
from random import Random
from typing import Any

from api_service.schemas.signing import read_signing_rotation
from api_service.store import signing
from api_service.store.database import Connection, Database
from dispatcher_service.core.keyring import Keyring
from shared.domain.delivery import SigningKeys
from shared.domain.signing import secret_bytes
from shared.messages.catalogue import Rotated, Upserted
from shared.messages.codec import decode_what
from tests.integration.api.stage import HOUR, NOW, SHARD_COUNT, Api, StandingClock
from tests.integration.store.scene import waiting_for_locks

ROTATE = "/v1/signing-secret/rotate"


async def rotated(api: Api, **body: int) -> bytes:
    answer = await api.post(ROTATE, body)
    assert answer.status == 200, answer.text
    return secret_bytes(answer.data["signingSecret"])


async def told(database: Database, api: Api) -> list[tuple[int, int, SigningKeys]]:
    """What dispatchers are told of the application's keys: shard, version and keys."""
    async with database.connection() as c:
        application_id = await application_of(c, api)
        rows = await c.fetch("select shard, version, what from outbox order by shard, version")
    found = [(row["shard"], row["version"], decode_what(row["what"])) for row in rows]
    return [
        (shard, version, what.keys)
        for shard, version, what in found
        if isinstance(what, Upserted | Rotated) and what.keys and what.keys.application_id == application_id
    ]


async def application_of(c: Connection, api: Api) -> int:
    owner = "select application_id from api_key where key_hash = sha256(convert_to($1, 'UTF8'))"
    application_id: int = await c.fetchval(owner, api.key)
    return application_id


async def known(database: Database, api: Api, now: int) -> SigningKeys:
    async with database.connection() as c:
        (keys,) = await signing.keys_of(c, [await application_of(c, api)], now)
    return keys


def learned(keys: list[SigningKeys]) -> list[bytes]:
    """What a dispatcher signs with that was told these, in this order."""
    keyring = Keyring()
    for one in keys:
        keyring.learn(one)
    return keyring.secrets(keys[0].application_id, NOW)


async def test_an_application_gets_its_secret_once(api: Api, database: Database) -> None:
    answer = await Api(api.client, api.clock).post("/v1/register", {"appName": "signs"})
    newcomer = Api(api.client, api.clock, answer.data["apiKey"])

    assert answer.status == 201
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", answer.data["signingSecret"])
    secret = secret_bytes(answer.data["signingSecret"])
    assert [one.secret for one in (await known(database, newcomer, NOW)).secrets] == [secret]
    shown = await newcomer.get("/v1/signing-secret")
    assert shown.data == {"generation": 1, "secrets": [{"createdDate": "2030-03-17T17:46:40.000Z", "until": None}]}


async def test_a_rotation_lets_the_older_secrets_go_on_for_a_while(
    api: Api, database: Database, clock: StandingClock
) -> None:
    (first,) = (await known(database, api, NOW)).secrets
    answer = await api.post(ROTATE, {"overlapSeconds": 7200})
    clock.moment += HOUR
    third = await rotated(api, overlapSeconds=7200)

    assert list(answer.data) == ["signingSecret", "overlapUntil"]
    assert answer.data["overlapUntil"] == "2030-03-17T19:46:40.000Z"
    second = secret_bytes(answer.data["signingSecret"])
    keys = await known(database, api, clock.moment)
    assert [(one.secret, one.until) for one in keys.secrets] == [
        (third, 0),
        (second, NOW + 3 * HOUR),
        (first.secret, NOW + 2 * HOUR),  # not longer than it had
    ]
    assert (await api.get("/v1/signing-secret")).data == {
        "generation": 3,
        "secrets": [
            {"createdDate": "2030-03-17T18:46:40.000Z", "until": None},
            {"createdDate": "2030-03-17T17:46:40.000Z", "until": "2030-03-17T20:46:40.000Z"},
            {"createdDate": "2030-03-17T17:46:40.000Z", "until": "2030-03-17T19:46:40.000Z"},
        ],
    }

    clock.moment += HOUR  # at its end a secret signs no more
    assert len((await api.get("/v1/signing-secret")).data["secrets"]) == 2
    assert len((await known(database, api, clock.moment)).secrets) == 2


async def test_no_more_than_four_sign_at_once_and_there_is_a_way_out(api: Api, database: Database) -> None:
    for _ in range(3):
        await rotated(api)
    before = await known(database, api, NOW)
    refused = await api.post(ROTATE, {})

    assert len(before.secrets) == 4
    assert refused.status == 409
    assert refused.message == [
        "As many signing secrets as may sign at once do; wait until one ends, or end all with overlapSeconds 0."
    ]
    assert await known(database, api, NOW) == before  # the generation too

    last = await rotated(api, overlapSeconds=0)
    assert [one.secret for one in (await known(database, api, NOW)).secrets] == [last]


async def test_an_application_from_before_gets_its_first_secret_by_a_rotation(api: Api, database: Database) -> None:
    async with database.transaction() as c:
        await c.execute("delete from signing_secret where application_id = $1", await application_of(c, api))
    assert (await api.get("/v1/signing-secret")).data == {"generation": 1, "secrets": []}
    await api.create()
    assert await told(database, api) == []

    secret = await rotated(api)
    await api.create()
    assert [one.secret for one in (await told(database, api))[-1][2].secrets] == [secret]


async def test_what_is_asked_wrongly_is_refused(api: Api) -> None:
    said = "overlapSeconds should be a whole number from 0 to 604800"
    for wrong in (-1, 604_801, 1.5, "1", True):
        refused = await api.post(f"{ROTATE}?a=1", {"overlapSeconds": wrong, "secret": "s3cret"})

        assert refused.status == 400
        assert refused.message[1] == said
        assert "s3cret" not in refused.text
    assert (await api.get("/v1/signing-secret?a=1")).status == 400
    assert (await Api(api.client, api.clock).post(ROTATE, {})).status == 401
    assert read_signing_rotation({}) == 86_400


async def test_every_shard_is_told_of_a_rotation_and_every_change_of_an_event_tells_the_keys(
    api: Api, database: Database
) -> None:
    secret = await rotated(api)
    keys = await known(database, api, NOW)

    assert keys.secrets[0].secret == secret
    assert [(shard, one) for shard, _, one in await told(database, api)] == [(n, keys) for n in range(SHARD_COUNT)]

    event = await api.create()
    await api.patch(f"/v1/events/{event['eventId']}", {"tags": []})
    assert [one for *_, one in await told(database, api)] == [keys] * (SHARD_COUNT + 2)


def neither_order_leaves_older_keys(keys: list[SigningKeys], newest: bytes) -> None:
    for order in permutations(keys):
        assert learned(list(order))[0] == newest


async def test_a_creation_before_a_rotation_leaves_nobody_with_older_keys(api: Api, database: Database) -> None:
    async with asyncio.TaskGroup() as group, database.transaction() as gate:
        await gate.execute("lock table outbox in share mode")
        async with database.connection() as c:
            creating = group.create_task(api.create())  # holds its shard, has read the keys, cannot announce yet
            await waiting_for_locks(c, 1)
            rotating = group.create_task(rotated(api))
            await waiting_for_locks(c, 2)

    shard = await shard_of(database, creating.result())
    (created, of_creation), (turned, of_rotation) = [
        (version, keys) for where, version, keys in await told(database, api) if where == shard
    ]
    assert (created + 1, of_creation.generation, of_rotation.generation) == (turned, 1, 2)
    neither_order_leaves_older_keys([of_creation, of_rotation], rotating.result())


async def test_a_creation_after_a_rotation_has_the_new_keys(api: Api, database: Database) -> None:
    last = SHARD_COUNT - 1
    async with asyncio.TaskGroup() as group, database.transaction() as gate:
        await gate.execute("select from shard where shard = $1 for update", last)
        async with database.connection() as c:
            rotating = group.create_task(rotated(api))  # holds every shard but the last one
            await waiting_for_locks(c, 1)
            creations = [group.create_task(api.create()) for _ in range(4)]
            await waiting_for_locks(c, 2)  # the first one; the others wait for it, and go together

    waited = {await shard_of(database, creation.result()) for creation in creations} - {last}
    said = [(shard, keys) for shard, _, keys in await told(database, api)]
    assert waited  # it would take four of one in eight
    assert {keys.generation for shard, keys in said if shard in waited} == {2}
    for shard in waited:
        neither_order_leaves_older_keys([keys for where, keys in said if where == shard], rotating.result())


async def test_whoever_writes_meanwhile_every_dispatcher_ends_with_the_latest_keys(
    api: Api, database: Database, clock: StandingClock
) -> None:
    async def turn() -> None:
        for _ in range(4):
            await rotated(api, overlapSeconds=0)

    async def write() -> None:
        for _ in range(4):
            event = await api.create()
            await api.patch(f"/v1/events/{event['eventId']}", {"tags": ["other"]})

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(turn())
            group.create_task(write())

    said = [keys for *_, keys in await told(database, api)]
    (latest,) = (await known(database, api, clock.moment)).secrets
    assert len(said) == 8 * SHARD_COUNT + 16
    for seed in range(20):
        assert learned(Random(seed).sample(said, len(said))) == [latest.secret]


async def shard_of(database: Database, event: dict[str, Any]) -> int:
    async with database.connection() as c:
        shard: int = await c.fetchval("select shard from event where event_id = $1", event["eventId"])
    return shard
