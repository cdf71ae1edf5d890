"""Every ring that failed, was given up or skipped has a line that is found by its firing; nothing private is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from dispatcher_service.core.shard import Shard
from dispatcher_service.ring_log import SKIPS_A_SECOND, RingLog
from shared.domain.firing import Abandoned, Attempted, AttemptError, FailReason, Finished, Skipped, SkipReason
from shared.timing.instants import iso
from tests.fakes.truth import Truth
from tests.integration.api.stage import StandingClock
from tests.unit.dispatcher.rules import timer
from tests.unit.dispatcher.shards import live

NOMINAL = 1_767_225_660_000
URL = "https://u:PASSW0RD@receiver.test:8443/hooks/T0KEN?key=S3CRET"


@pytest.fixture
def shard() -> Shard:
    truth = Truth(shard=5)
    truth.put(timer("t", url=URL))
    return live(truth)[0]


@pytest.fixture
def told() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


def ring_log(*, everything: bool = False) -> RingLog:
    return RingLog(clock=StandingClock(), everything=everything)


def attempted(error: AttemptError, **given: Any) -> Attempted:
    facts: dict[str, Any] = {
        "timer_id": "t",
        "nominal": NOMINAL,
        "manual": False,
        "attempt": 1,
        "started": NOMINAL + 1_030,
        "duration_ms": 17,
        "status_code": 0,
        "error": error,
        "settled_through": NOMINAL,
        "effective": NOMINAL + 1_000,
        "body": b"ANSW3R",
        "headers": (("x-header", "H3ADER"),),
    }
    return Attempted(**facts | given)


def skipped(**given: Any) -> Skipped:
    facts: dict[str, Any] = {
        "timer_id": "t",
        "first": NOMINAL,
        "last": NOMINAL + 9_000,
        "count": 10,
        "manual": False,
        "reason": SkipReason.MISFIRED,
        "settled_through": NOMINAL + 9_000,
    }
    return Skipped(**facts | given)


def test_an_attempt_that_did_not_deliver_has_a_line_with_all_there_is_to_know(shard: Shard, told: list[Any]) -> None:
    outcome = attempted(AttemptError.STATUS, status_code=503, retry_at=NOMINAL + 5_000)

    ring_log().reported(shard, outcome)

    assert told == [
        {
            "event": "ring.failed",
            "log_level": "info",
            "source": "dispatcher_service.ring_log",
            "firing": f"t-{NOMINAL}",
            "event_id": "t",
            "shard": 5,
            "epoch": shard.epoch,
            "attempt": 1,
            "status": 503,
            "error": "status",
            "duration_ms": 17,
            "lateness_ms": 30,
            "retry_at": iso(NOMINAL + 5_000),
            "host": "https://receiver.test:8443",
        }
    ]


def test_the_last_attempt_says_as_well_that_the_firing_is_given_up(shard: Shard, told: list[Any]) -> None:
    outcome = attempted(AttemptError.CONNECT, attempt=5, manual=True, reason=FailReason.EXHAUSTED)

    ring_log().reported(shard, outcome)

    assert [(one["event"], one["log_level"], one["firing"], one["attempt"]) for one in told] == [
        ("ring.failed", "info", f"t-{NOMINAL}-manual", 5),
        ("firing.given_up", "warning", f"t-{NOMINAL}-manual", 5),
    ]
    assert "lateness_ms" not in told[0]
    assert told[1]["reason"] == "exhausted"


def test_what_is_given_up_without_another_attempt_has_a_line(shard: Shard, told: list[Any]) -> None:
    outcome = Abandoned(
        timer_id="t", nominal=NOMINAL, manual=False, attempts=2, reason=FailReason.PAUSED, settled_through=NOMINAL
    )

    ring_log().reported(shard, outcome)

    assert [(one["event"], one["firing"], one["attempt"], one["reason"]) for one in told] == [
        ("firing.given_up", f"t-{NOMINAL}", 2, "paused")
    ]


def test_what_was_delivered_has_a_line_where_all_rings_have_one(shard: Shard, told: list[Any]) -> None:
    outcome = attempted(AttemptError.NONE, status_code=204)

    ring_log().reported(shard, outcome)
    assert told == []
    ring_log(everything=True).reported(shard, outcome)

    assert [(one["event"], one["status"], one["retry_at"]) for one in told] == [("ring.delivered", 204, None)]


def test_a_stretch_that_was_skipped_has_one_line(shard: Shard, told: list[Any]) -> None:
    ring_log().reported(shard, skipped())

    (line,) = told
    assert (line["event"], line["count"], line["reason"]) == ("firing.skipped", 10, "misfired")
    assert (line["firing"], line["last"]) == (f"t-{NOMINAL}", iso(NOMINAL + 9_000))


def test_after_an_outage_not_every_timer_has_its_line_and_it_is_said_how_many_have_not(
    shard: Shard, told: list[Any]
) -> None:
    clock = StandingClock()
    ring_log = RingLog(clock=clock, everything=False)
    for _ in range(SKIPS_A_SECOND + 7):
        ring_log.reported(shard, skipped())
    clock.moment += 1_000
    ring_log.reported(shard, skipped())
    ring_log.reported(shard, skipped())

    assert [one["untold_before"] for one in told] == [0] * SKIPS_A_SECOND + [7, 0]


def test_an_end_is_no_ring_and_a_timer_that_is_gone_has_no_host(shard: Shard, told: list[Any]) -> None:
    ring_log().reported(shard, Finished(timer_id="t", end=NOMINAL))
    assert told == []

    ring_log().reported(shard, attempted(AttemptError.TIMEOUT, timer_id="gone", retry_at=NOMINAL + 1))

    assert [one["host"] for one in told] == [None]


def test_no_line_holds_what_is_between_an_events_owner_and_the_receiver(shard: Shard, told: list[Any]) -> None:
    for outcome in (attempted(AttemptError.STATUS, reason=FailReason.GONE), attempted(AttemptError.NONE), skipped()):
        ring_log(everything=True).reported(shard, outcome)

    assert len(told) == 4
    assert not [word for word in ("PASSW0RD", "T0KEN", "S3CRET", "ANSW3R", "H3ADER") if word in str(told)]
