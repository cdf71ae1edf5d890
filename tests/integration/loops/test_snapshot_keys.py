"""A snapshot says what the applications of its timers sign with: once, as of its horizon, and of nobody else."""

from __future__ import annotations

from contextlib import aclosing

from api_service.store import applications, signing, snapshots
from api_service.store.database import Database
from api_service.store.snapshots import Page
from shared.domain.delivery import SigningKeys, SigningSecret
from tests.integration.loops.scene import HOUR, NOW, Scene


async def another(database: Database, name: str) -> Scene:
    """Another application that writes to the same database."""
    async with database.transaction() as c:
        number = await applications.register(c, app_name=name, key_hash=name.encode(), now=NOW)
    return Scene(database=database, application_id=number, made=100 * number)


async def rotate(scene: Scene, secret: bytes, *, overlap: int = HOUR) -> None:
    async with scene.database.transaction() as c:
        await signing.raise_generation(c, scene.application_id)
        await signing.expire(c, scene.application_id, NOW + overlap)
        await signing.add(c, scene.application_id, secret, now=NOW)


async def test_keys_come_with_the_first_timer_of_their_application(scene: Scene) -> None:
    signs, elsewhere, silent = [await another(scene.database, name) for name in ("signs", "elsewhere", "silent")]
    for one in (scene, signs, elsewhere):
        await rotate(one, b"ended")
        await rotate(one, b"older", overlap=0)
        await rotate(one, b"newest")
    for _ in range(3):
        await scene.create()
        await signs.create()
    await silent.create()
    await elsewhere.create(shard=4)

    async with aclosing(snapshots.read(scene.database, 3, now=NOW, page_timers=2)) as pages:
        read = [page async for page in pages]

    secrets = (SigningSecret(b"newest"), SigningSecret(b"older", NOW + HOUR))
    assert [keys for page in read for keys in page.keys] == [
        SigningKeys(application_id=one.application_id, generation=4, secrets=secrets) for one in (scene, signs)
    ]
    met: set[int] = set()
    for page in read:  # none before its keys
        met |= {keys.application_id for keys in page.keys}
        assert {timer.application_id for timer in page.timers} <= met | {silent.application_id}


async def test_a_rotation_after_the_horizon_is_not_in_the_snapshot(scene: Scene) -> None:
    late = await another(scene.database, "late")
    await rotate(late, b"first")
    for _ in range(3):
        await scene.create()
    await late.create()

    read: list[Page] = []
    async with aclosing(snapshots.read(scene.database, 3, now=NOW, page_timers=2)) as pages:
        async for page in pages:
            if not read:
                await rotate(late, b"second")
            read.append(page)

    assert [keys.generation for page in read for keys in page.keys] == [2]
