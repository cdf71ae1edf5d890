"""The one place that asks the world for the time; everybody else is handed a clock."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from shared.timing.instants import Instant


class Clock(Protocol):
    """What time it is, and waiting for it."""

    def now(self) -> Instant:
        """The wall clock: milliseconds since the epoch, UTC. May be stepped."""
        ...

    def steady(self) -> float:
        """Seconds that only move forward and go on while the machine is suspended; for leases and timeouts."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> Instant:
        """The wall clock in milliseconds."""
        return time.time_ns() // 1_000_000

    def steady(self) -> float:
        """CLOCK_BOOTTIME where there is one: CLOCK_MONOTONIC stands still while a machine is suspended."""
        return time.clock_gettime(_STEADY)

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(seconds)  # noqa: TID251 - the one place


async def arrives(event: asyncio.Event, *, within: float) -> bool:
    """Return when the event is set, or after so many seconds; did it come?"""
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
