"""A host that nobody answers at is left alone, tried once in a while, and rung again as soon as it is there."""

from __future__ import annotations

from itertools import pairwise

from dispatcher_service.core.breaker import COOLDOWN_SECONDS, HOSTS_KEPT, Breakers
from dispatcher_service.core.hosts import host_of
from shared.domain.delivery import Delivery, RetryPolicy
from shared.domain.firing import Attempted, AttemptError
from tests.fakes.clock import in_virtual_time
from tests.unit.dispatcher.rules import EVERY_MINUTE
from tests.unit.dispatcher.scene import ringing

FIRST, MOST = COOLDOWN_SECONDS


def opened(failures: int = 3) -> Breakers:
    breakers = Breakers(failures)
    assert [breakers.failed("a", 0.0) for _ in range(failures)] == [False] * (failures - 1) + [True]
    return breakers


def test_it_opens_after_so_many_failures_in_a_row_and_for_that_host_alone() -> None:
    """Shown to fail where it never opens, and where all hosts share one breaker."""
    breakers = opened()

    assert breakers.closed_from("a", 0.0) == FIRST
    assert breakers.closed_from("b", 0.0) is None


def test_an_answer_in_between_begins_the_count_anew() -> None:
    """Shown to fail where `answered` does not forget the failures."""
    breakers = Breakers(3)
    for _ in range(10):
        assert not breakers.failed("a", 0.0)
        assert not breakers.failed("a", 0.0)
        assert not breakers.answered("a")

    assert breakers.closed_from("a", 0.0) is None


def test_when_it_has_cooled_down_one_probe_is_made_and_the_others_wait_longer() -> None:
    """Shown to fail where a probe does not extend the wait of the others."""
    breakers = opened()

    assert breakers.closed_from("a", FIRST) is None
    assert breakers.closed_from("a", FIRST) == FIRST + 2 * FIRST
    assert not breakers.failed("a", FIRST + 1)
    assert breakers.closed_from("a", FIRST + 1) == FIRST + 2 * FIRST


def test_the_wait_grows_to_a_bound_and_an_answer_ends_it() -> None:
    """Shown to fail where the cooldown is doubled without a bound."""
    breakers, now = opened(), FIRST
    for _ in range(20):
        assert breakers.closed_from("a", now) is None
        after = breakers.closed_from("a", now)
        assert after is not None
        assert after - now <= MOST
        now = after

    assert breakers.answered("a")
    assert breakers.closed_from("a", now) is None


def test_zero_is_never() -> None:
    """Shown to fail where `failed` counts to zero."""
    breakers = Breakers(0)

    assert not any(breakers.failed("a", 0.0) for _ in range(100))
    assert breakers.closed_from("a", 0.0) is None


def test_hosts_without_end_do_not_fill_the_memory() -> None:
    """Shown to fail where the oldest host is not forgotten."""
    breakers = Breakers(5)
    for number in range(HOSTS_KEPT + 100):
        breakers.failed(f"host-{number}", 0.0)

    assert len(breakers._silent) == HOSTS_KEPT


@in_virtual_time
async def test_an_attempt_that_an_open_breaker_holds_back_waits_until_the_host_is_tried() -> None:
    """Shown to fail where attempts do not ask the breaker, and where the backoff begins before the host is tried."""
    async with ringing() as scene:
        scene.sender.answers = lambda _sent: (0, AttemptError.CONNECT)
        patient = Delivery(retry=RetryPolicy(max_attempts=20, initial_interval_ms=1_000))
        for number in range(30):
            await scene.put(f"t{number}", rule=EVERY_MINUTE.expression, delivery=patient)
        await scene.sender.until(lambda: len(scene.sent) >= 10, within=120)
        await scene.clock.sleep(40)
        before = len(scene.sent)
        assert before <= 30 + 10, "while it is open, hardly anybody asks"

        scene.sender.answers = lambda _sent: (200, AttemptError.NONE)
        await scene.clock.sleep(100)
        outcomes = [one.outcome for one in scene.town.api.recorded if isinstance(one.outcome, Attempted)]
        held_back = [one for one in outcomes if one.error is AttemptError.BREAKER]
        assert held_back
        assert all(one.retry_at > one.started and one.status_code == 0 for one in held_back)
        first = min(one.nominal for one in outcomes)
        assert {one.timer_id for one in outcomes if one.nominal == first and not one.error} == {
            f"t{number}" for number in range(30)
        }


@in_virtual_time
async def test_one_of_fifty_hosts_hangs_and_the_other_forty_nine_are_not_late() -> None:
    """Shown to fail with one lane for all hosts: were `host_of` a constant, all would wait for the one."""
    async with ringing() as scene:
        hanging = "http://host0.test/ring"
        scene.sender.hangs.add(hanging)
        for number in range(300):
            await scene.put(f"t{number}", url=f"http://host{number % 50}.test/ring")
        await scene.clock.sleep(60)

        late = [one.at - one.instant for one in scene.sent if one.url != hanging]
        assert len(late) >= 294 * 58
        assert max(late) == 0
        assert scene.sender.most_under_way <= 50 + 294


@in_virtual_time
async def test_a_host_with_a_bounded_rate_is_rung_no_faster_and_the_others_as_ever() -> None:
    """Shown to fail where lanes never rest."""
    async with ringing(rate_per_host=5.0) as scene:
        for number in range(20):
            await scene.put(f"t{number}", rule=EVERY_MINUTE.expression)
        await scene.put("other", rule=EVERY_MINUTE.expression, url="http://other.test/")
        await scene.clock.sleep(70)

        minute = min(one.instant for one in scene.sent)
        ours = sorted(one.at for one in scene.sent if one.event != "other" and one.instant == minute)
        assert len(ours) == 20
        assert all(later - earlier >= 199 for earlier, later in pairwise(ours))
        assert ours[-1] - ours[0] < 20 * 200 + 1_000
        assert [one.at - one.instant for one in scene.of("other")][:1] == [0]


@in_virtual_time
async def test_a_probe_that_was_not_sent_is_no_attempt() -> None:
    """The event is changed while the probe of its host is connecting: it is looked at again, and is the probe still."""
    async with ringing() as scene:
        breakers, once = scene.one.dispatcher._attempts._breakers, Delivery(retry=RetryPolicy(max_attempts=1))
        scene.sender.connect_seconds = 1.0
        timer = await scene.put(rule=EVERY_MINUTE.expression, delivery=once)
        for _ in range(10):
            breakers.failed(host_of(timer.url), scene.clock.steady())
        await scene.sender.until(lambda: scene.sender.under_way > 0, within=70)
        await scene.put(rule=EVERY_MINUTE.expression, delivery=once, anchor=timer.anchor, body=b"{}")
        await scene.clock.sleep(5)

        assert [one.error for one in scene.town.api.outcomes("t") if isinstance(one, Attempted)] == [AttemptError.NONE]
