"""Turns: what of many results is worth telling, whatever the order and however often they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api_service.store.notifications import Kind, Result, Streak, turns

NOW = 1_000_000
HEALTHY = Streak()


def result(ended: int, delivered: bool, event_id: str = "e") -> Result:
    return Result(event_id=event_id, nominal=ended - 5, ended=ended, delivered=delivered)


def said(told: list[Result], streak: Streak = HEALTHY, now: int = NOW) -> tuple[list[tuple[str, int]], Streak | None]:
    found, after = turns(told, {"e": streak}, now)
    return [(turn.kind, turn.happened) for turn in found], after.get("e")


def test_many_failures_are_one_turn_at_the_first_of_them() -> None:
    told = [result(ended, False) for ended in (30, 10, 20)]

    assert said(told) == ([("failing", 10)], Streak(failing_since=10))


def test_more_failures_of_a_failing_event_are_nothing() -> None:
    assert said([result(30, False)], Streak(failing_since=10)) == ([], None)


def test_a_delivery_ends_a_streak_and_tells_since_when_it_was() -> None:
    found, after = turns([result(30, True), result(40, True)], {"e": Streak(failing_since=10)}, NOW)

    assert [(turn.kind, turn.happened, turn.failing_since) for turn in found] == [(Kind.RECOVERED, 30, 10)]
    assert after == {"e": Streak(recovered_at=30)}


def test_deliveries_of_a_healthy_event_are_nothing() -> None:
    assert said([result(30, True)]) == ([], None)
    assert said([result(30, True)], Streak(recovered_at=10)) == ([], None)


def test_what_fails_recovers_and_fails_within_a_message_is_three_turns_in_the_order_they_ended() -> None:
    told = [result(50, False), result(20, True), result(10, False), result(21, True), result(51, False)]

    assert said(told) == ([("failing", 10), ("recovered", 20), ("failing", 50)], Streak(failing_since=50))


def test_turns_of_several_events_are_told_in_the_order_they_ended() -> None:
    told = [result(20, False, "a"), result(10, False, "b"), result(15, True, "c")]

    found, _ = turns(told, {"a": HEALTHY, "b": HEALTHY, "c": Streak(failing_since=5)}, NOW)

    assert [(turn.result.event_id, turn.kind) for turn in found] == [
        ("b", "failing"),
        ("c", "recovered"),
        ("a", "failing"),
    ]


def test_what_ended_before_the_latest_turn_is_old_news() -> None:
    assert said([result(20, False)], Streak(recovered_at=20)) == ([], None)
    assert said([result(9, True)], Streak(failing_since=10)) == ([], None)


def test_an_event_that_is_unknown_is_passed_over() -> None:
    assert turns([result(20, False)], {}, NOW) == ([], {})


def test_a_clock_that_is_ahead_does_not_keep_later_news_from_being_news() -> None:
    told, streak = said([result(500, False)], now=100)
    assert (told, streak) == ([("failing", 100)], Streak(failing_since=100))
    assert streak
    assert said([result(150, True)], streak, now=200) == ([("recovered", 150)], Streak(recovered_at=150))


@given(st.dictionaries(st.integers(1, 50), st.booleans()), st.integers(0, 50))
def test_turns_alternate_and_a_message_that_comes_again_turns_nothing(told: dict[int, bool], cut: int) -> None:
    every = [result(ended, told[ended]) for ended in sorted(told)]
    streak = HEALTHY
    kinds: list[str] = []
    for number, part in enumerate((every[:cut], every[cut:])):
        found, after = said(part, streak)
        streak = after or streak
        kinds += [kind for kind, _ in found]
        for again in (part, every if number else part, every[:cut]):
            assert said(again, streak) == ([], None)

    assert kinds[::2] == ["failing"] * len(kinds[::2])
    assert kinds[1::2] == ["recovered"] * len(kinds[1::2])
    assert (streak.failing_since is not None) is (bool(every) and not every[-1].delivered)
