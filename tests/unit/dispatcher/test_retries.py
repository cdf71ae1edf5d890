"""A firing that is not delivered is attempted again, under the same name, as its policy says; virtual time.

Proved by breaking it. Without `shard.await_attempt` in `Attempts._conclude` nothing is attempted twice; without the
pending firings of a snapshot (`await_pending`) a takeover loses retries; without the look at `_attempts` in
`Shard.await_attempt` a repeated snapshot attempts twice what is waiting once.
"""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.delivery import Delivery, OverlapPolicy, RetryPolicy, spread_offset
from shared.domain.firing import Abandoned, Attempted, AttemptError, FailReason, Skipped, SkipReason
from tests.fakes.clock import in_virtual_time
from tests.fakes.sender import Sent
from tests.unit.dispatcher.rules import EVERY_HOUR, EVERY_MINUTE
from tests.unit.dispatcher.scene import Scene, ringing

DAY = 86_400_000
STEADY = RetryPolicy(max_attempts=4, initial_interval_ms=8_000, max_interval_ms=8_000, backoff_coefficient=1.0)


def delivery(**given: Any) -> Delivery:
    return Delivery(**{"retry": STEADY, **given})


def answers(*statuses: int) -> Any:
    """The attempts of a firing are answered so, in this order; the last one for ever. 0 is no answer at all."""

    def answer(sent: Sent) -> tuple[int, AttemptError]:
        status = statuses[min(sent.attempt, len(statuses)) - 1]
        if status == 0:
            return 0, AttemptError.CONNECT
        return status, AttemptError.NONE if status < 300 else AttemptError.STATUS

    return answer


def attempts(scene: Scene, name: str = "t") -> list[Attempted]:
    return [one for one in scene.town.api.outcomes(name) if isinstance(one, Attempted)]


@in_virtual_time
async def test_a_firing_is_attempted_until_it_is_delivered_under_one_name() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(503, 0, 200)
        await scene.put(rule=EVERY_MINUTE.expression, delivery=delivery())
        await scene.clock.sleep(100)

        assert [one.attempt for one in scene.of("t")] == [1, 2, 3]
        assert len({one.name for one in scene.of("t")}) == 1
        first, second, third = attempts(scene)
        assert (first.retry_at > 0, second.retry_at > 0, third.retry_at, third.error) == (True, True, 0, "")
        assert scene.of("t")[1].at >= first.retry_at
        assert first.settled_through >= first.nominal, "the ledger knows of it: it holds nothing back"


@in_virtual_time
async def test_after_the_last_attempt_it_is_given_up() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(500)
        await scene.put(rule=EVERY_HOUR.expression, delivery=delivery())
        await scene.clock.sleep(3_600)

        assert [one.attempt for one in scene.of("t")] == [1, 2, 3, 4]
        assert [one.reason for one in attempts(scene)] == [None, None, None, FailReason.EXHAUSTED]


@pytest.mark.parametrize("status", [301, 400, 404, 422])
@in_virtual_time
async def test_an_answer_that_would_not_change_is_not_asked_for_again(status: int) -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(status)
        await scene.put(rule=EVERY_HOUR.expression, delivery=delivery())
        await scene.clock.sleep(3_600)

        (only,) = attempts(scene)
        assert (only.retry_at, only.reason) == (0, FailReason.NOT_RETRYABLE)


@in_virtual_time
async def test_gone_is_given_up_at_once_and_says_of_which_version() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(410)
        await scene.put(rule=EVERY_MINUTE.expression, delivery=delivery())
        await scene.clock.sleep(70)

        (only,) = attempts(scene)
        assert (only.reason, only.version, only.retry_at) == (FailReason.GONE, 1, 0)


@in_virtual_time
async def test_after_gone_nothing_rings_until_a_change_says_otherwise() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(410)
        await scene.put()
        await scene.clock.sleep(5)
        assert len(scene.of("t")) == 1, "its occurrences are due each second"

        scene.sender.answers = answers(200)
        full = await scene.second()
        await scene.put(url="http://receiver.test/other")
        await scene.second()

        assert [one.instant for one in scene.of("t")[1:]] == [full + 1_000]


@in_virtual_time
async def test_gone_of_a_timer_that_was_changed_meanwhile_pauses_nothing() -> None:
    async with ringing() as scene:
        gone, fine = answers(410), answers(200)
        scene.sender.answers = lambda sent: (fine if sent.url.endswith("/other") else gone)(sent)
        scene.sender.answer_seconds = 0.3
        await scene.put()
        full = await scene.second(milliseconds=100)
        await scene.put(url="http://receiver.test/other", anchor=full)
        await scene.second()

        assert [one.instant for one in scene.of("t")] == [full, full + 1_000]


@in_virtual_time
async def test_no_attempt_is_planned_past_the_end() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(503)
        end = scene.clock.now() + 3_000
        await scene.put(end=end, delivery=delivery(retry=RetryPolicy(max_attempts=9, initial_interval_ms=4_000)))
        await scene.clock.sleep(30)

        assert max(one.at for one in scene.of("t")) < end
        last = {one.nominal: one for one in attempts(scene)}
        assert {one.reason for one in last.values()} <= {FailReason.ENDED, None}
        assert all(one.retry_at < end for one in last.values())


@in_virtual_time
async def test_a_retry_that_is_due_in_a_pause_is_given_up() -> None:
    async with ringing() as scene:
        scene.one.dispatcher._attempts._draw = lambda: 0.5  # it is not due before the pause
        scene.sender.answers = answers(503)
        await scene.put(rule=EVERY_MINUTE.expression, delivery=delivery())
        await scene.sender.until(lambda: len(scene.of("t")) == 1, within=120)
        await scene.clock.sleep(0.1)
        await scene.put(rule=EVERY_MINUTE.expression, delivery=delivery(), paused=True)
        await scene.clock.sleep(30)

        assert len(scene.of("t")) == 1
        (given_up,) = [one for one in scene.town.api.outcomes("t") if isinstance(one, Abandoned)]
        assert (given_up.reason, given_up.attempts) == (FailReason.PAUSED, 1)


@in_virtual_time
async def test_a_change_leaves_what_waits_alone_and_a_deletion_ends_it() -> None:
    async with ringing() as scene:
        scene.one.dispatcher._attempts._draw = lambda: 0.5  # by chance the next attempt might come before them
        scene.sender.answers = answers(503)
        for name in ("changed", "deleted"):
            await scene.put(name, rule=EVERY_MINUTE.expression, delivery=delivery())
        await scene.sender.until(lambda: len(scene.sent) == 2, within=120)
        await scene.clock.sleep(0.1)
        await scene.put("changed", rule=EVERY_MINUTE.expression, delivery=delivery(), url="http://elsewhere.test/")
        await scene.town.api.delete("deleted")
        await scene.clock.sleep(9)

        assert [(one.attempt, one.url) for one in scene.of("changed")][1:2] == [(2, "http://elsewhere.test/")]
        assert len(scene.of("deleted")) == 1


@pytest.mark.parametrize("gracefully", [True, False])
@in_virtual_time
async def test_retries_survive_their_dispatcher(gracefully: bool) -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(503)
        slow = delivery(retry=RetryPolicy(max_attempts=3, initial_interval_ms=60_000, max_interval_ms=60_000))
        names = [f"t{number}" for number in range(20)]
        for name in names:
            await scene.put(name, rule=EVERY_HOUR.expression, delivery=slow)
        await scene.sender.until(lambda: len({one.event for one in scene.sent}) == 20, within=3_700)
        await scene.clock.sleep(0.5)

        other = scene.town.start("other")
        other.sender.answers = answers(200)
        if gracefully:
            await scene.town.stop("d")
        else:
            scene.town.kill("d")
        await scene.town.fair(within=20)
        await scene.clock.sleep(150)

        for name in names:
            delivered = [one for one in attempts(scene, name) if not one.error]
            assert len(delivered) == 1, "each is delivered once, by whoever owned it then"
            assert sorted(one.attempt for one in scene.of(name)) == list(range(1, len(scene.of(name)) + 1))
        assert scene.town.unreported() == []


@in_virtual_time
async def test_a_repeated_snapshot_attempts_nothing_twice() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(503)
        await scene.put(rule=EVERY_HOUR.expression, delivery=delivery())
        await scene.sender.until(lambda: len(scene.sent) == 1, within=3_700)
        shard = scene.one.dispatcher._shards[scene.town.api.truth_of("t").shard]
        for _ in range(60):
            await scene.clock.sleep(0.5)
            pages = scene.town.api.truth_of("t").snapshot(
                shard.incarnation, f"again-{scene.clock.now()}", page_timers=5
            )
            for page in pages:
                list(shard.page(page))
            shard.await_pending()

        assert [one.attempt for one in scene.of("t")] == [1, 2, 3, 4]


@in_virtual_time
async def test_a_replay_has_attempts_of_its_own_under_the_same_name() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(404, 503, 503, 200)
        await scene.put(rule=EVERY_HOUR.expression, delivery=delivery())
        await scene.sender.until(lambda: len(scene.sent) == 1, within=3_700)
        nominal = scene.sent[0].instant
        await scene.town.api.replay("t", nominal, attempts=1)
        await scene.clock.sleep(30)

        assert [one.attempt for one in scene.of("t")] == [1, 2, 3, 4]
        assert len({one.name for one in scene.of("t")}) == 1


@in_virtual_time
async def test_what_a_pause_gave_up_is_replayed_as_often_as_it_is_asked_for() -> None:
    async with ringing() as scene:
        scene.one.dispatcher._attempts._draw = lambda: 0.5  # its retry is not due before it is paused
        scene.sender.answers = answers(503, 200)
        await scene.put(rule=EVERY_HOUR.expression, delivery=delivery())
        await scene.sender.until(lambda: len(scene.sent) == 1, within=3_700)
        await scene.clock.sleep(0.1)
        for _ in range(3):  # its retry is given up first, and then what was replayed, without an attempt
            await scene.put(rule=EVERY_HOUR.expression, delivery=delivery(), paused=True)
            await scene.clock.sleep(30)
            await scene.town.api.replay("t", scene.sent[0].instant, attempts=1, due=scene.clock.now())
            await scene.clock.sleep(1)
        given_up = [one for one in scene.town.api.outcomes("t") if isinstance(one, Abandoned)]
        assert [(one.reason, one.attempts) for one in given_up] == [(FailReason.PAUSED, 1)] * 4

        await scene.put(rule=EVERY_HOUR.expression, delivery=delivery())
        await scene.town.api.replay("t", scene.sent[0].instant, attempts=1, due=scene.clock.now())
        await scene.clock.sleep(1)

        assert [one.attempt for one in scene.of("t")] == [1, 2]


@in_virtual_time
async def test_an_occurrence_is_skipped_while_an_earlier_one_is_unfinished() -> None:
    async with ringing() as scene:
        scene.sender.answers = answers(503, 200)
        await scene.put(delivery=delivery(overlap_policy=OverlapPolicy.SKIP))
        await scene.clock.sleep(60)

        skipped = [one for one in scene.town.api.outcomes("t") if isinstance(one, Skipped)]
        assert {one.reason for one in skipped} == {SkipReason.OVERLAPPED}
        rung = {one.nominal for one in attempts(scene)}
        assert rung.isdisjoint(one.first for one in skipped)
        taken = sorted(rung | {one.first for one in skipped})
        assert taken == list(range(taken[0], taken[-1] + 1, 1_000)), "each instant is accounted for"
        for nominal in rung:  # nothing else was begun between its first attempt and its last
            mine = [one.at for one in scene.of("t") if one.instant == nominal]
            others = [one.at for one in scene.of("t") if one.instant != nominal]
            assert not [moment for moment in others if mine[0] < moment < mine[-1]]


@in_virtual_time
async def test_a_spread_moves_the_ring_and_not_its_name() -> None:
    async with ringing() as scene:
        for number in range(20):
            await scene.put(f"t{number}", rule=EVERY_MINUTE.expression, delivery=delivery(spread_ms=30_000))
        await scene.clock.sleep(119)

        for number in range(20):
            offset = spread_offset(f"t{number}", 30_000)
            for one in scene.of(f"t{number}"):
                assert one.at == one.instant + offset
                assert one.instant % 60_000 == 0
        assert len({one.at for one in scene.sent}) >= 15, "they do not ring together"
        assert {one.effective - one.nominal for one in attempts(scene, "t3")} == {spread_offset("t3", 30_000)}
