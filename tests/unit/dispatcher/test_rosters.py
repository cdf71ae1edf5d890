"""A schedule's transitions ring as occurrences do, and what is POSTed is theirs, whoever sends it and however often."""

from __future__ import annotations

import json

from msgspec.structs import replace

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.held import body_at
from shared.domain import roster as rosters
from shared.domain.delivery import Delivery, RetryPolicy
from shared.domain.firing import AttemptError
from shared.domain.strands import SIGHT_MS
from shared.domain.timer import BESIDE_ROSTER, Timer
from shared.timing.instants import Instant, iso
from shared.timing.recurrence import Unit
from tests.fakes.clock import EPOCH, in_virtual_time
from tests.fakes.truth import Truth
from tests.unit.dispatcher.rules import timer
from tests.unit.dispatcher.scene import ringing
from tests.unit.dispatcher.shards import give, held, live
from tests.unit.roster.drawn import DAY, event, roster

HOUR = 3_600_000
TURNS = event("turns", "2026-01-01T00:00", "2026-01-01T01:00", "u1", "u2", unit=Unit.HOURLY, rotation=True)
NIGHTS = (
    event("day", "2026-01-01T08:00", "2026-01-01T20:00", "u1", unit=Unit.DAILY),
    event("night", "2026-01-01T20:00", "2026-01-02T08:00", "u2", unit=Unit.DAILY),
)


def encoded(*on: str, begins: Instant = EPOCH) -> bytes:
    return rosters.encode(roster([TURNS], *on, begins=begins))


@in_virtual_time
async def test_every_handover_rings_once_and_says_who_comes_and_goes() -> None:
    async with ringing() as scene:
        await scene.put(rule="", roster=encoded("shift.started"), end=EPOCH + DAY)
        await scene.clock.until(EPOCH + 3 * HOUR + 1_000)

    bodies = [json.loads(one.body) for one in scene.sent]
    assert [body["at"] for body in bodies] == [iso(EPOCH + hour * HOUR) for hour in (1, 2, 3)]
    assert [body["sequence"] for body in bodies] == [1, 2, 3]
    told = [(one["goes"][0]["id"], one["comes"][0]["id"]) for body in bodies for one in body["transitions"]]
    assert told == [("u1", "u2"), ("u2", "u1"), ("u1", "u2")]
    assert {body["subscriptionId"] for body in bodies} == {"t"}


@in_virtual_time
async def test_a_retry_and_a_takeover_say_the_same_to_the_byte() -> None:
    delivery = Delivery(retry=RetryPolicy(initial_interval_ms=60_000, max_interval_ms=60_000))
    async with ringing() as scene:
        scene.sender.answers = lambda sent: (503, AttemptError.STATUS) if sent.attempt < 3 else (200, AttemptError.NONE)
        await scene.put(rule="", roster=encoded("shift.started", "shift.ended"), end=EPOCH + DAY, delivery=delivery)
        await scene.clock.until(EPOCH + HOUR + 500)
        await scene.town.stop("d")
        heir = scene.town.start("heir")
        heir.sender.answers = scene.sender.answers
        await scene.clock.until(EPOCH + HOUR + 600_000)

    assert [(one.by, one.attempt) for one in scene.sent] == [("d", 1), ("heir", 2), ("heir", 3)]
    assert len({one.body for one in scene.sent}) == 1


@in_virtual_time
async def test_a_ring_by_hand_tells_how_far_the_schedule_has_come() -> None:
    async with ringing() as scene:
        await scene.put(rule="", roster=encoded("shift.started"), end=EPOCH + DAY)
        await scene.clock.until(EPOCH + HOUR + 1_000)
        await scene.town.api.trigger("t", scene.clock.now())
        await scene.clock.until(EPOCH + HOUR + 2_000)

    assert [json.loads(one.body)["sequence"] for one in scene.sent] == [1, 1]
    assert json.loads(scene.sent[1].body)["transitions"] == []


def test_to_look_for_a_gap_once_more_is_not_to_ring() -> None:
    agenda = Agenda()
    gaps = rosters.encode(roster(NIGHTS, "gap.started"))
    one = agenda.hold(timer(rule="", roster=gaps, anchor=EPOCH, end=EPOCH + 900 * DAY), 0)
    agenda.arm(one)

    looks = 0
    while (due := agenda.next_due()) is not None and due < one.timer.end:
        assert agenda.take(due) == []
        looks += 1

    assert 0 < looks <= 900 * DAY // SIGHT_MS
    assert one.timer.anchor == EPOCH


def test_a_roster_of_a_later_release_stops_the_timer_and_is_not_a_difference() -> None:
    truth = Truth()
    truth.put(timer("a", rule="", roster=encoded("shift.started")))
    shard, agenda = live(truth)
    version = truth.put(
        timer("a", rule="", roster=encoded("shift.started").replace(b"shift.started", b"shift.unheard"))
    )

    shard.change(version, truth.change(version))

    assert list(shard.unintelligible) == ["a"]
    assert agenda.next_due() is None
    assert not shard.differs(truth.digest())


def test_a_timer_whose_roster_an_old_release_dropped_never_rings() -> None:
    truth = Truth()
    truth.put(timer("a", rule=""))
    shard, agenda = live(truth)

    assert (list(shard.unintelligible), agenda.next_due()) == (["a"], None)
    assert not shard.differs(truth.digest())


def test_a_roster_that_an_api_of_an_old_release_dropped_is_asked_for_again() -> None:
    truth = Truth()
    version = truth.put(timer("a", rule=BESIDE_ROSTER, roster=encoded("shift.started")))
    dropping = Truth()
    dropping.put(timer("a", rule=BESIDE_ROSTER))
    shard, agenda = live(dropping)
    assert (agenda.next_due() or 0) >= shard.timers["a"].timer.end
    assert not shard.differs(replace(truth.digest(), rosters=-1))  # from an API that knows of none

    assert shard.differs(truth.digest())
    give(shard, *truth.snapshot("i", "again", page_timers=3))

    assert held(shard) == {"a": version}
    assert agenda.next_due() == EPOCH + HOUR
    assert not shard.differs(truth.digest())
    give(shard, *dropping.snapshot("i", "late", page_timers=3))
    assert agenda.next_due() == EPOCH + HOUR


def test_what_was_taken_of_a_roster_is_not_rung_again_after_a_change_of_it() -> None:
    def told(name: str, begins: Instant, anchor: Instant) -> Timer:
        return timer(
            "a", rule="", roster=encoded("shift.started", begins=begins), anchor=anchor, end=EPOCH + DAY, url=name
        )

    truth = Truth()
    truth.put(told("old", EPOCH, EPOCH))
    shard, agenda = live(truth)
    agenda.take(EPOCH + HOUR)

    version = truth.put(told("new", EPOCH + HOUR, EPOCH + HOUR - 1))
    shard.change(version, truth.change(version))

    assert held(shard) == {"a": version}
    assert shard.timers["a"].timer.settled == (EPOCH + HOUR,)
    assert json.loads(body_at(shard.timers["a"], EPOCH + 2 * HOUR))["sequence"] == 1
