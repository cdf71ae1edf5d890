"""A receiver that answers 410 is rung no more: its event is paused and announced before the report is acknowledged."""

from __future__ import annotations

from typing import Any

import pytest

from api_service.loops.recorder import Recorder
from api_service.store import notifications, outbox
from api_service.store.database import Database
from shared.clock import Clock
from shared.domain.event import Event, PauseReason, Status, timer_of
from shared.domain.firing import Attempted, AttemptError, FailReason
from shared.messages.catalogue import Outcomes, Upserted
from shared.messages.codec import decode_what, encode
from shared.timing.instants import from_datetime
from tests.integration.loops.scene import NOW, SECOND, Scene, attempted, outcomes
from tests.integration.loops.wires import Letter, Wire


class _Standing:
    """A clock that stands."""

    def now(self) -> int:
        return NOW

    def steady(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing waits here, and for {seconds} s at that")


class Desk:
    """A recorder, and how often it woke the relay."""

    def __init__(self, database: Database, wire: Wire, *, notify: bool = False) -> None:
        self.woken = 0
        clock: Clock = _Standing()
        self._recorder = Recorder(
            bus=wire.bus, publisher=wire.publisher, database=database, clock=clock, wake_relay=self._wake, notify=notify
        )

    def _wake(self) -> None:
        self.woken += 1

    async def tell(self, message: Outcomes) -> list[str]:
        letter = Letter(encode(message))
        await self._recorder.deal_with(letter)
        return letter.answers


@pytest.fixture
def desk(database: Database, wire: Wire) -> Desk:
    return Desk(database, wire)


def gone(of: Event, **given: Any) -> Attempted:
    facts: dict[str, Any] = {"status_code": 410, "reason": FailReason.GONE, "version": of.version}
    return attempted(of, 1, error=AttemptError.STATUS, **facts | given)


async def announced(database: Database) -> list[tuple[int, Any]]:
    async with database.transaction() as c:
        rows = await outbox.take(c, 100)
    return [(row.version, decode_what(row.what)) for row in rows]


async def noted(scene: Scene) -> list[tuple[Any, ...]]:
    """The change log: what, to which event, asked with which key, by which request, when."""
    async with scene.database.connection() as c:
        rows = await c.fetch("select action, event_id, key_id, request_id, happened from change_log")
    return [(*row[:4], from_datetime(row["happened"])) for row in rows]


async def test_an_event_whose_receiver_is_gone_is_paused_and_its_owner_is_told(scene: Scene, desk: Desk) -> None:
    """Shown to fail where a recorded 410 is not followed by the pause."""
    rung, other = await scene.create(), await scene.create()

    assert await desk.tell(outcomes(gone(rung), attempted(other, 1))) == ["ack"]

    after = await scene.get(rung)
    assert (after.status, after.paused_reason) == (Status.PAUSED, PauseReason.GONE)
    assert (after.updated_date, after.last_run_date) == (NOW, NOW + SECOND + 3)
    assert (await announced(scene.database))[-1] == (after.version, Upserted(timer_of(after)))
    assert after.version > rung.version
    assert desk.woken == 1
    assert (await scene.get(other)).status is Status.ACTIVE
    assert await noted(scene) == [("paused", rung.event_id, None, None, NOW)]


@pytest.mark.parametrize(
    "given",
    [{"version": 0}, {"reason": FailReason.NOT_RETRYABLE}, {"status_code": 404}],
    ids=["another version", "another reason", "another answer"],
)
async def test_an_event_is_not_paused_by(scene: Scene, desk: Desk, given: dict[str, Any]) -> None:
    """Shown to fail where `running_gone` does not ask for the version, and where any last answer counts as gone."""
    rung = await scene.create()

    assert await desk.tell(outcomes(gone(rung, **given))) == ["ack"]

    assert (await scene.get(rung)).status is Status.ACTIVE
    assert desk.woken == 0


async def test_a_report_that_comes_again_pauses_once_and_not_what_was_resumed(scene: Scene, desk: Desk) -> None:
    """Shown to fail where `running_gone` does not ask for the version."""
    rung = await scene.create()
    await desk.tell(outcomes(gone(rung)))
    paused = await scene.get(rung)

    await desk.tell(outcomes(gone(rung)))
    assert await scene.get(rung) == paused
    assert len(await noted(scene)) == 1

    await scene.change(rung, status=Status.ACTIVE, paused_reason=None)
    await desk.tell(outcomes(gone(rung)))
    after = await scene.get(rung)
    assert (after.status, after.paused_reason) == (Status.ACTIVE, None)


async def test_a_pause_of_the_client_keeps_its_reason(scene: Scene, desk: Desk) -> None:
    """Shown to fail where paused events are found and paused again; either alone is enough."""
    rung = await scene.create()
    paused = await scene.change(rung, status=Status.PAUSED, paused_reason=PauseReason.CLIENT)

    await desk.tell(outcomes(gone(paused)))

    assert (await scene.get(rung)).paused_reason is PauseReason.CLIENT


async def test_events_that_are_over_or_deleted_are_left_alone(scene: Scene, desk: Desk) -> None:
    """Shown to fail where EventIsFinished passes: the recorder would end."""
    over, deleted = await scene.create(end_date=NOW), await scene.create()
    await scene.delete(deleted)

    assert await desk.tell(outcomes(gone(over), gone(deleted))) == ["ack"]

    assert (await scene.get(over)).status is Status.ACTIVE


async def test_several_firings_of_one_event_pause_it_once(scene: Scene, desk: Desk) -> None:
    """Shown to fail where each is told, and the version is not looked at again."""
    rung = await scene.create()

    await desk.tell(outcomes(gone(rung), gone(rung, nominal=NOW + 2 * SECOND)))

    assert len(await announced(scene.database)) == 2  # its creation and its pause


async def test_a_bad_outcome_beside_it_does_not_keep_the_event_running(scene: Scene, desk: Desk) -> None:
    """Shown to fail where a refused message is not tried again one by one."""
    rung = await scene.create()

    assert await desk.tell(outcomes(gone(rung, timer_id="nul\0"), gone(rung))) == ["bury"]

    assert (await scene.get(rung)).status is Status.PAUSED


async def test_where_owners_are_notified_a_pause_is_told(scene: Scene, wire: Wire) -> None:
    """Shown to fail where the pause is not noted."""
    rung = await scene.create()

    await Desk(scene.database, wire, notify=True).tell(outcomes(gone(rung)))

    async with scene.database.transaction() as c:
        told = await notifications.take(c, NOW + notifications.SMTP_LINGER_MS, 10)
    assert [(one.event_id, one.kind, one.facts.reason) for one in told if one.kind is notifications.Kind.PAUSED] == [
        (rung.event_id, notifications.Kind.PAUSED, "gone")
    ]
