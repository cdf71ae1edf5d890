"""What was settled by an old rule settles nothing of the new one, in whatever order the change and the report come."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from api_service.store import ledger, outbox, recording, snapshots
from api_service.store.database import Database
from api_service.store.digest import Digest
from api_service.usecases import changing
from api_service.usecases.means import Means
from shared.domain.event import Changes, Event, Status
from shared.domain.firing import AttemptError, Execution, FailReason
from shared.domain.timer import Timer
from shared.messages.catalogue import Outcomes, Upserted
from shared.messages.codec import decode_what
from tests.integration.loops.scene import HOUR, NOW, SECOND, Scene, attempted, finished, outcomes, skipped

LATER = NOW + 10 * SECOND
NEW_RULE: dict[str, Any] = {"interval": "*/2 * * * * *"}


async def record(database: Database, message: Outcomes) -> None:
    async with database.transaction() as c:
        await recording.record(c, Digest.of([message]), LATER)


async def change(scene: Scene, event: Event, **given: Any) -> Event:
    means = Means(
        database=scene.database,
        application_id=scene.application_id,
        key_id="",
        request_id="",
        now=LATER,
        shards=8,
        quota_events=0,
        ledger_success_days=30,
        entropy=bytes,
        wake_relay=lambda: None,
    )
    if given == {"paused": True}:
        return await changing.pause(means, event.event_id)
    if given == {"paused": False}:
        return await changing.resume(means, event.event_id)
    return await changing.change(means, event.event_id, Changes(given=frozenset(given), **given))


async def timer(database: Database) -> Timer:
    async with aclosing(snapshots.read(database, 3, now=LATER)) as pages:
        (found,) = [timer async for page in pages for timer in page.timers]
    return found


async def told(database: Database) -> Timer:
    """The timer as the last change announces it."""
    async with database.connection() as c:
        what = decode_what((await outbox.take(c, 100))[-1].what)
    assert isinstance(what, Upserted)
    return what.timer


@pytest.mark.parametrize("later", [attempted, skipped], ids=["attempted", "skipped"])
async def test_a_report_of_the_old_rule_that_comes_after_the_change_settles_nothing(
    database: Database, later: Any
) -> None:
    scene = await Scene.open(database)
    event = await scene.create()
    after = await change(scene, event, **NEW_RULE)
    late = [15] if later is attempted else [12, 15]

    await record(database, outcomes(later(event, *late, version=event.version)))

    known = await scene.get(event)
    assert (known.anchor, known.settled_through) == (LATER, None)
    snapshot = await timer(database)
    assert (snapshot.version, snapshot.anchor) == (after.version, LATER)
    assert snapshot.settled[-1] <= NOW + 15 * SECOND, "only what the ledger has is settled, not all before it"


async def test_a_report_of_the_old_rule_that_came_before_the_change_is_forgotten_with_it(database: Database) -> None:
    """An owner whose clock is ahead has settled more than there was."""
    scene = await Scene.open(database)
    event = await scene.create()
    await record(database, outcomes(attempted(event, 15, version=event.version)))

    await change(scene, event, **NEW_RULE)

    assert (await scene.get(event)).settled_through is None
    assert (await told(database)).anchor == LATER


async def test_a_report_of_the_new_rule_counts_also_in_one_message_with_the_old(database: Database) -> None:
    scene = await Scene.open(database)
    event = await scene.create()
    after = await change(scene, event, **NEW_RULE)

    old = attempted(event, 15, version=event.version)
    new = attempted(event, 12, version=after.version)
    await record(database, outcomes(new, old))

    assert (await scene.get(event)).settled_through == NOW + 12 * SECOND


async def test_a_report_of_before_counts_where_the_rule_stayed(database: Database) -> None:
    scene = await Scene.open(database)
    event = await scene.create()
    await change(scene, event, callback_url="http://127.0.0.1:9/other")

    await record(database, outcomes(attempted(event, 15, version=event.version)))

    assert (await scene.get(event)).settled_through == NOW + 15 * SECOND


async def test_who_does_not_say_which_version_counts_as_ever(database: Database) -> None:
    """A dispatcher of an earlier release, while releases run side by side."""
    scene = await Scene.open(database)
    event = await scene.create()
    await change(scene, event, **NEW_RULE)

    await record(database, outcomes(attempted(event, 15)))

    assert (await scene.get(event)).settled_through == NOW + 15 * SECOND


async def test_a_resumed_event_begins_anew(database: Database) -> None:
    scene = await Scene.open(database)
    event = await scene.create()
    paused = await change(scene, event, paused=True)
    await change(scene, event, paused=False)

    await record(database, outcomes(skipped(event, 11, 30, version=paused.version)))

    known = await scene.get(event)
    assert (known.anchor, known.settled_through) == (LATER, None)


async def test_a_long_stretch_of_the_old_rule_takes_from_the_new_one_no_more_than_its_extent(
    database: Database,
) -> None:
    scene = await Scene.open(database)
    event = await scene.create()
    await change(scene, event, interval="*/10 * * * * *")

    await record(database, outcomes(skipped(event, 11, 35, version=event.version)))

    assert (await timer(database)).settled == tuple(NOW + second * SECOND for second in (20, 30))


async def test_what_was_unfinished_at_the_end_has_ended_though_a_new_end_overtakes_the_report(
    database: Database,
) -> None:
    """Its owner has let go of it at the end: with the report that comes too late nobody would go on with it."""
    scene = await Scene.open(database)
    event = await scene.create(end_date=NOW + 5 * SECOND)
    retrying = attempted(event, 4, error=AttemptError.CONNECT, retry_at=NOW + 6 * SECOND, version=event.version)
    await record(database, outcomes(retrying))

    await change(scene, event, end_date=NOW + HOUR)
    await record(database, outcomes(finished(event)))

    async with database.connection() as c:
        row = await ledger.execution(c, event.event_id, (NOW + 4 * SECOND, False))
    assert (row.status, row.reason, row.due) == (Execution.FAILED, FailReason.ENDED, None)


@pytest.mark.parametrize(("version", "status"), [(-1, Status.INACTIVE), (0, Status.FINISHED)])
async def test_the_end_of_the_old_rule_is_not_the_end_of_the_new_one(
    database: Database, version: int, status: Status
) -> None:
    """Whoever has not heard of the new rule knows nothing of the occurrences that it had before the end."""
    scene = await Scene.open(database)
    event = await scene.create()
    after = await change(scene, event, **NEW_RULE)

    await record(database, outcomes(finished(event, version=after.version + version)))

    assert (await scene.get(event)).status is status


async def test_the_end_of_who_does_not_say_which_version_counts_as_ever(database: Database) -> None:
    scene = await Scene.open(database)
    event = await scene.create()
    await change(scene, event, **NEW_RULE)

    await record(database, outcomes(finished(event)))

    assert (await scene.get(event)).status is Status.FINISHED
