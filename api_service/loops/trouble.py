"""What does a loop do while the world is away? It waits, a little longer each time, and says so once each way."""

from __future__ import annotations

import random
from collections.abc import Callable

from shared.clock import Clock
from shared.observability.logs import Logger
from shared.observability.tracebacks import said_of

DELAY_LEAST = 0.05
DELAY_MOST = 2.0


class Trouble:
    """One thing that one loop depends on, there or away."""

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        log: Logger,
        jitter: Callable[[], float] = random.random,  # noqa: S311 - nothing secret: it keeps replicas out of step
    ) -> None:
        self._name = name
        self._clock = clock
        self._log = log
        self._jitter = jitter
        self._since: float | None = None
        self._tries = 0

    async def wait(self, why: BaseException | str) -> None:
        """Return when it is worth trying again; the first time, say what is lost."""
        if self._since is None:
            self._since = self._clock.steady()
            self._log.warning(f"{self._name}.lost", why=_text(why))

        delay = min(DELAY_MOST, DELAY_LEAST * 2.0**self._tries)
        self._tries = min(self._tries + 1, 16)
        await self._clock.sleep(delay * (0.5 + self._jitter() / 2))

    def over(self) -> None:
        """It works; say so if it did not before."""
        if self._since is not None:
            self._log.info(f"{self._name}.recovered", after_seconds=round(self._clock.steady() - self._since, 3))
        self._since = None
        self._tries = 0


def _text(why: BaseException | str) -> str:
    return why if isinstance(why, str) else said_of(why.__cause__ or why)
