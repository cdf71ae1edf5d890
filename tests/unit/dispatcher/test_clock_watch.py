"""Whether our clock is right is said once each way, with figures; what comes late by a slow way accuses nobody."""

from __future__ import annotations

import math

from structlog.testing import capture_logs
from structlog.typing import EventDict

from dispatcher_service.loops.clock_watch import PROMPT_SECONDS, ClockWatch
from shared.messages.catalogue import TimeSignal
from shared.messages.codec import encode
from tests.fakes.clock import VirtualClock, in_virtual_time


class Scene:
    """A watch whose clock may be set, and an API that is right."""

    def __init__(self, *, limit_ms: int = 1_000) -> None:
        self.clock = VirtualClock()
        self.right = VirtualClock()
        self.watch = ClockWatch(clock=self.clock, limit_ms=limit_ms)

    async def hear_for(self, seconds: int, *, late: int = 0) -> list[EventDict]:
        """What is logged meanwhile; every signal is so many milliseconds late."""
        with capture_logs() as logs:
            for _ in range(seconds // 5):
                await self.clock.sleep(5)
                self.watch.heard(encode(TimeSignal(now=self.right.now() - late, by="api")))
        return logs


@in_virtual_time
async def test_it_is_said_once_when_it_begins_and_once_when_it_ends_with_figures() -> None:
    scene = Scene()
    assert await scene.hear_for(60) == []

    scene.clock.step(-1_500)
    (begun,) = await scene.hear_for(60)
    assert begun == {
        "event": "clock.skewed",
        "log_level": "warning",
        "source": "dispatcher_service.loops.clock_watch",
        "skew_ms": -1_500,
        "limit_ms": 1_000,
    }
    assert scene.watch.reason() == (
        "the clock differs from the API's by -1500 ms, and CLOCK_SKEW_MAX is 1000 ms: others ring until it is below "
        "500 ms; mend the time synchronisation of this machine, or the API's"
    )

    scene.clock.step(700)
    assert await scene.hear_for(60) == [], "below the limit, and not below half of it"
    scene.clock.step(700)
    (ended,) = await scene.hear_for(60)
    assert (ended["event"], ended["log_level"], ended["skew_ms"]) == ("clock.recovered", "info", -100)
    assert ended["after_seconds"] >= 60
    assert scene.watch.reason() is None


@in_virtual_time
async def test_while_the_broker_is_slow_a_late_signal_accuses_nobody() -> None:
    """Without it a dispatcher that has too much to do thinks that it is ahead, and leaves its work to the others."""
    scene = Scene()
    scene.watch.answered(PROMPT_SECONDS * 2)
    assert await scene.hear_for(120, late=2_000) == []
    assert math.isnan(scene.watch.skew_seconds)

    scene.watch.answered(PROMPT_SECONDS / 2)
    assert await scene.hear_for(60) == []
    assert scene.watch.skew_seconds == 0


@in_virtual_time
async def test_what_cannot_be_understood_is_said_once_and_does_no_harm() -> None:
    scene = Scene()
    with capture_logs() as logs:
        for _ in range(5):
            scene.watch.heard(b"five to twelve")
    assert [log["event"] for log in logs] == ["clock.misunderstood"]

    await scene.hear_for(15)
    assert scene.watch.skew_seconds == 0
