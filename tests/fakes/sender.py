"""The world, as a sender sees it: it notes what leaves, and answers when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from dispatcher_service.core.firing import Heard
from dispatcher_service.sender.exchange import Fence, Fenced
from dispatcher_service.sender.http import TIMEOUT_SECONDS
from shared.clock import Clock
from shared.domain.firing import AttemptError
from shared.timing.instants import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that left."""

    at: Instant
    by: str
    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> str:
        """Its `carillon-event-id`."""
        return self.headers["carillon-event-id"]

    @property
    def nominal(self) -> str:
        """Its `carillon-nominal-time`."""
        return self.headers["carillon-nominal-time"]

    @property
    def attempt(self) -> int:
        """Its `carillon-attempt`."""
        return int(self.headers["carillon-attempt"])

    @property
    def instant(self) -> Instant:
        """The nominal instant in its name."""
        return int(self.name.removesuffix("-manual").rpartition("-")[2])


class FakeSender:
    """A `Sender` without a network: connecting takes a while, then the fence is asked, then answering takes a while.

    `slow` holds URLs that answer only when their event is set; `answers` says what a request is answered.
    """

    def __init__(self, clock: Clock, *, sent: list[Sent] | None = None, by: str = "") -> None:
        self._clock = clock
        self._by = by
        self.sent: list[Sent] = [] if sent is None else sent
        self.connect_seconds = 0.0
        self.answer_seconds = 0.001
        self.answers: Callable[[Sent], tuple[int, AttemptError]] = lambda _sent: (200, AttemptError.NONE)
        self.hangs: set[str] = set()  # URLs that answer only with a timeout
        self.slow: dict[str, asyncio.Event] = {}
        self.under_way = 0
        self.most_under_way = 0
        self.news = asyncio.Event()

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        fence: Fence,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Heard:
        """One request."""
        del timeout_seconds  # nothing takes too long here
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self._tell()
            if self.connect_seconds:
                await self._clock.sleep(self.connect_seconds)
            if not fence():
                raise Fenced
            started = self._clock.now()
            sent = Sent(at=started, by=self._by, url=url, body=body, headers=dict(headers))
            self.sent.append(sent)
            self._tell()
            if url in self.hangs:
                await self._clock.sleep(30)
                return Heard(started=started, duration_ms=30_000, status_code=0, error=AttemptError.TIMEOUT)
            if (answered := self.slow.get(url)) is not None:
                await answered.wait()
            else:
                await self._clock.sleep(self.answer_seconds)
            duration_ms = self._clock.now() - started
            status_code, error = self.answers(sent)
            return Heard(started=started, duration_ms=duration_ms, status_code=status_code, error=error)
        finally:
            self.under_way -= 1

    async def until(self, condition: Callable[[], bool], *, within: float = 10) -> None:
        """Return when it holds; looked at whenever a request begins or leaves."""
        async with asyncio.timeout(within):
            while not condition():
                await self.news.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    async def sweep(self) -> None:
        """Nothing takes too long here unless a test says so."""
        await asyncio.Event().wait()
