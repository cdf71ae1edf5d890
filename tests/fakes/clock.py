"""Virtual time: an event loop that never waits. When nothing can run, its clock jumps to whoever sleeps the shortest.

Everything that counts on the loop's clock follows (`asyncio.sleep`, `asyncio.timeout`), so an hour takes a moment.
Chance is drawn from one seed, so every run is the same; CARILLON_CHANCE names another. Where nobody sleeps and nothing
can run, nothing ever will: that is an error at once.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from shared.clock import SystemClock
from shared.timing.instants import Instant

EPOCH: Instant = 1_767_225_600_000  # 2026-01-01T00:00:00Z, when virtual time begins

P = ParamSpec("P")


class Deadlock(AssertionError):
    """Nobody sleeps and nothing can run."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while something can run."""

    def __init__(self) -> None:
        self.seconds = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self.seconds

    def freeze(self, seconds: float) -> None:
        """As a stopped process sees it: time has passed, and nothing has run meanwhile."""
        self.seconds += seconds


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("nobody sleeps and nothing can run")
        # A hair more, or the sleeper's moment would by rounding still lie ahead.
        self._loop.seconds += timeout + 1e-9 if timeout > 0 else 0.0
        return super().select(0)


class VirtualClock:
    """A `Clock` of virtual time; its wall clock may be stepped."""

    def __init__(self, epoch: Instant = EPOCH) -> None:
        self._epoch = epoch

    def now(self) -> Instant:
        """The wall clock."""
        return self._epoch + int(self.steady() * 1000)

    def steady(self) -> float:
        """The loop's own clock."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Until virtual time has got there."""
        await asyncio.sleep(seconds)

    async def until(self, moment: Instant) -> None:
        """Let time pass until the wall clock shows this moment."""
        await asyncio.sleep(max((moment - self.now()) / 1000, 0))

    def step(self, milliseconds: int) -> None:
        """Somebody sets the wall clock; `steady` does not notice."""
        self._epoch += milliseconds

    def freeze(self, seconds: float) -> None:
        """The process is stopped for so long."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.freeze(seconds)


class WrongClock(SystemClock):
    """The machine's own clock, so many milliseconds ahead."""

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead

    def now(self) -> Instant:
        """The wall clock."""
        return super().now() + self._ahead


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test on a virtual loop, with the same chances each time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        before = random.getstate()
        random.seed(int(os.environ.get("CARILLON_CHANCE", "0")))
        try:
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                runner.run(test(*args, **kwargs))
        finally:
            random.setstate(before)

    # pytest would find the coroutine function through `__wrapped__`, and run it on a loop of its own.
    del run.__wrapped__
    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run
