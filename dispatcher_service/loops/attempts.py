"""One firing at a time: look, ring, look again as the bytes are to leave, and report what came of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from dispatcher_service.core.breaker import Breakers
from dispatcher_service.core.firing import Firing, Heard, Verdict, attempted, given_up, next_attempt, verdict
from dispatcher_service.core.held import Held, body_at, report
from dispatcher_service.core.hosts import host_of
from dispatcher_service.core.keyring import Keyring
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import Shard
from dispatcher_service.core.under_way import UnderWay
from dispatcher_service.sender.exchange import Fence, Fenced
from dispatcher_service.sender.http import TIMEOUT_SECONDS
from dispatcher_service.sender.signing import signature
from shared.clock import Clock
from shared.domain.firing import AttemptError, FailReason, Outcome
from shared.observability.logs import get_logger
from shared.timing.instants import Instant, iso

LOOKS_MAX = 5  # how often one attempt is begun anew because its timer changed under it


log = get_logger(__name__)


class Sender(Protocol):
    """What attempts need of a sender."""

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        fence: Fence,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Heard:
        """One request; raises Fenced."""
        ...


class Reports(Protocol):
    """What attempts need of the reporter."""

    @property
    def has_room(self) -> bool:
        """May something happen that will have to be reported?"""
        ...

    def add(self, shard: Shard, outcome: Outcome) -> None:
        """Report this."""
        ...


class Attempts:
    """Firings on their way to the world."""

    def __init__(
        self,
        *,
        shards: Mapping[int, Shard],
        lease: Lease,
        sender: Sender,
        reports: Reports,
        clock: Clock,
        on_attempt: Callable[[Firing, Heard], None],
        on_due: Callable[[], None],
        keyring: Keyring,
        breakers: Breakers | None = None,
        draw: Callable[[], float] = random.random,  # noqa: S311 - keeps retries apart, hides nothing
    ) -> None:
        self._shards = shards
        self._lease = lease
        self._sender = sender
        self._reports = reports
        self._clock = clock
        self._on_attempt = on_attempt
        self._on_due = on_due
        self._keyring = keyring
        self._breakers = breakers or Breakers(0)
        self._draw = draw
        self._under_way = UnderWay()
        self._parked: list[Firing] = []
        self._ended = asyncio.Event()  # since somebody began to wait for it

    @property
    def in_flight(self) -> int:
        """Firings under way."""
        return len(self._under_way)

    @property
    def parked(self) -> int:
        """Firings that were begun, could not be attempted, and wait for another try."""
        return len(self._parked)

    @property
    def may_begin(self) -> bool:
        """Do we own what we think we own, and is there room for what we would have to report?"""
        return self.may_begin_at(self._clock.steady())

    def may_begin_at(self, steady: float) -> bool:
        """The same, at a moment that the caller knows already."""
        return self._reports.has_room and self._lease.holds(steady)

    def is_new(self, firing: Firing) -> bool:
        """Is it to be attempted at all? Not what this process is attempting, or has attempted, since before."""
        if self._under_way.stand_behind(firing):
            return False
        if not self._under_way.was_orphaned(firing):
            return True
        following = self._under_way.following(firing)
        if not firing.manual:
            report(firing.held, firing.nominal, finished=following is None)
        if following is not None:  # it ended before this session could ring, and nobody else knows of it here
            firing.shard.await_attempt(following)
            self._on_due()
        return False

    def take_parked(self) -> list[Firing]:
        """What was begun and could not be attempted, for another try."""
        parked, self._parked = self._parked, []
        return parked

    async def attempt(self, firing: Firing) -> None:
        """Attempt it if that is right, report what came of it; or park it."""
        self._under_way.begin(firing)
        try:
            for _ in range(LOOKS_MAX):
                now, steady = self._clock.now(), self._clock.steady()
                if not self._cleared(firing, now, steady):
                    return
                if (held := firing.current) is not None and await self._request(firing, held, now, steady):
                    return
            self._parked.append(firing)
        finally:
            if (behind := self._under_way.end(firing)) is not None:
                self._parked.append(behind)
                self._on_due()
            self._ended.set()

    async def settled(self, shard: Shard) -> None:
        """Return when nothing of this shard is under way; bound the wait yourself."""
        while self._under_way.of(shard):
            await self._next_end()

    async def idle(self) -> None:
        """Return when nothing is under way at all; bound the wait yourself."""
        while self._under_way:
            await self._next_end()

    async def _next_end(self) -> None:
        self._ended.clear()
        await self._ended.wait()

    def _cleared(self, firing: Firing, now: Instant, steady: float) -> bool:
        """Is it to be attempted? Otherwise it has been dealt with."""
        decision = verdict(firing, leased=self._lease.holds(steady), now=now, begun=False)
        if decision is Verdict.GO:
            return True
        if decision is Verdict.WAIT:
            self._parked.append(firing)
        elif decision in {Verdict.ENDED, Verdict.PAUSED, Verdict.MISFIRED}:
            self._reports.add(firing.shard, given_up(firing, decision))
        return False

    async def _request(self, firing: Firing, held: Held, now: Instant, steady: float) -> bool:
        """Was a request made? Its outcome is reported then."""

        def fence() -> bool:
            leased = self._lease.holds(self._clock.steady())
            go = verdict(firing, leased=leased, now=self._clock.now(), begun=True)
            return go is Verdict.GO and firing.current is held

        timer, host = held.timer, host_of(held.timer.url)
        closed_from = self._breakers.closed_from(host, steady)
        if closed_from is not None:
            self._conclude(firing, timer.version, self._not_asked(closed_from))
            return True
        body = body_at(held, firing.nominal)
        headers = callback_headers(firing, held, body, self._keyring.secrets(timer.application_id, now), now)
        timeout = timer.delivery.timeout_ms / 1000
        try:
            heard = await self._sender.post(timer.url, body, headers, fence, timeout_seconds=timeout)
        except Fenced:
            self._breakers.not_asked(host, self._clock.steady())
            return False
        self._judge_host(host, heard)
        self._conclude(firing, timer.version, heard)
        self._on_attempt(firing, heard)
        return True

    def _not_asked(self, closed_from: float) -> Heard:
        """What an open breaker makes of an attempt: it has failed, and the next one waits until the host is tried."""
        now = self._clock.now()
        not_before = now + round((closed_from - self._clock.steady()) * 1000)
        return Heard(started=now, duration_ms=0, status_code=0, error=AttemptError.BREAKER, not_before=not_before)

    def _judge_host(self, host: str, heard: Heard) -> None:
        if heard.status_code:
            if self._breakers.answered(host):
                log.info("host.recovered", host=host)
        elif heard.error is not AttemptError.REFUSED and self._breakers.failed(host, self._clock.steady()):
            log.warning("host.left_alone", host=host, error=heard.error.value)

    def _conclude(self, firing: Firing, version: int, heard: Heard) -> None:
        """Report the outcome, and do what follows from it. The shard may have been lost, and won back, meanwhile."""
        outcome = attempted(firing, heard, version=version, now=self._clock.now(), draw=self._draw())
        self._reports.add(firing.shard, outcome)
        following = next_attempt(outcome, firing) if outcome.retry_at else None
        shard = self._shards.get(firing.shard.number)
        if shard is not firing.shard:
            self._under_way.orphaned(firing, following)
        held = shard.timers.get(firing.held.timer.id) if shard is not None else None
        if shard is None or held is None:
            return
        if shard is not firing.shard and not firing.manual:  # what came back must not wait for this firing
            report(held, firing.nominal, finished=following is None)
        if following is not None:
            shard.await_attempt(following)
            self._on_due()
        elif outcome.reason is FailReason.GONE and held.timer.version == version:
            shard.pause(held)  # as the event will be, once this is recorded


def callback_headers(firing: Firing, held: Held, body: bytes, secrets: Sequence[bytes], now: Instant) -> dict[str, str]:
    """What a receiver is told beside the body: what the event's owner wants, and then what we have to say."""
    headers = dict(held.timer.delivery.headers)
    seconds = now // 1000
    headers["Content-Type"] = "application/json"
    headers["webhook-id"] = firing.name
    headers["webhook-timestamp"] = str(seconds)
    headers["carillon-event-id"] = firing.held.timer.id
    headers["carillon-nominal-time"] = iso(firing.nominal)
    headers["carillon-attempt"] = str(firing.attempt)
    headers["carillon-epoch"] = str(firing.shard.epoch)
    if secrets:
        headers["webhook-signature"] = signature(secrets, firing.name, seconds, body)
    return headers
