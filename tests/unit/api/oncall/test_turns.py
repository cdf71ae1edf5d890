"""What takes long waits for its turn and leaves the loop alone; what takes no time does neither."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import datetime

import pytest

from api_service.usecases.oncall.turns import burden_of, computed
from shared.domain.oncall import OnCallEvent
from shared.timing import recurrence
from shared.timing.recurrence import Rule, Unit

DAY = 86_400_000
BEGINS = 1_667_260_800_000  # 2022-11-01 in UTC


def on(text: str) -> datetime:
    """A time on some wall."""
    return datetime.fromisoformat(text)


async def test_a_little_is_computed_at_once_whoever_has_the_turn() -> None:
    turn = asyncio.Lock()
    async with turn:
        assert await computed(turn, 1, threading.get_ident, little=1) == threading.get_ident()


async def test_much_waits_for_its_turn_and_is_computed_in_a_thread() -> None:
    turn = asyncio.Lock()
    async with turn:
        much = asyncio.ensure_future(computed(turn, 2, threading.get_ident, little=1))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not much.done()
    assert await much != threading.get_ident()
    assert not turn.locked()


async def test_a_turn_ends_with_what_fails() -> None:
    turn = asyncio.Lock()
    with pytest.raises(ZeroDivisionError):
        await computed(turn, 2, lambda: 1 // 0, little=1)
    assert not turn.locked()


@pytest.mark.parametrize("unit", [None, *Unit])
@pytest.mark.parametrize("frequency", [1, 3])
def test_the_burden_is_about_how_many_there_are_and_never_much_less(unit: Unit | None, frequency: int) -> None:
    rule = Rule(
        start=on("2022-11-01 00:00"), end=on("2022-11-01 01:00"), zone="Etc/UTC", unit=unit, frequency=frequency
    )
    event = OnCallEvent(event_id="one", layer=1, rule=rule, attendees=("ada",))
    every_day = replace(event, rule=replace(rule, days_of_week=frozenset(range(7))))
    window = BEGINS, BEGINS + 30 * DAY

    for each in (event, every_day):
        there_are = len(list(recurrence.occurrences(each.rule, *window)))
        assert there_are <= burden_of([each], *window)
    assert burden_of([event] * 3, *window) == pytest.approx(3 * burden_of([event], *window))
