"""What takes long is computed one at a time, in a thread, and all else goes on; what takes no time, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from api_service import limits
from shared.domain.errors import Unavailable
from shared.domain.oncall import OnCallEvent
from shared.timing.instants import Instant
from shared.timing.recurrence import Unit

Answer = TypeVar("Answer")

_DAY: Final = 86_400_000


async def computed(
    turn: asyncio.Lock, burden: float, compute: Callable[[], Answer], *, little: float = limits.WINDOW_SHIFTS_AT_ONCE
) -> Answer:
    """The answer, in a thread where the burden is more than a little. Raises Unavailable, and what `compute` raises."""
    if burden <= little:
        return compute()
    try:
        async with asyncio.timeout(limits.WINDOW_SECONDS):
            await turn.acquire()
    except TimeoutError:
        raise Unavailable("More long windows are asked for than can be computed; ask for shorter ones.") from None
    try:
        return await asyncio.to_thread(compute)
    finally:
        turn.release()


def burden_of(events: Iterable[OnCallEvent], start: Instant, end: Instant) -> float:
    """At most about how many occurrences the events have between them in [start, end)."""
    days = (end - start) / _DAY
    return sum(1 + _times_a_day(event) * days for event in events)


def _times_a_day(event: OnCallEvent) -> float:
    rule = event.rule
    if rule.unit is None:
        return 0
    return (24 if rule.unit is Unit.HOURLY else 1) / (rule.frequency if rule.unit in {Unit.HOURLY, Unit.DAILY} else 1)
