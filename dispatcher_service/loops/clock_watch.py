"""Is our clock right? Hears what time the API has, says so when ours is wrong, and when to stand aside.

It outlives sessions: a clock does not become right by connecting anew.
"""

from __future__ import annotations

import asyncio
import random

from dispatcher_service.core.skew import Offsets, Standing, is_skewed, standing
from shared.bus.port import Session
from shared.clock import Clock, arrives
from shared.messages.codec import ContractError, decode_time_signal
from shared.observability.logs import get_logger

LOOK_SECONDS = 0.5
# Where all clocks are wrong, or the one they are compared with, all want to leave: one after the other, the last stays.
SPREAD_SECONDS = 1.0
# While a round trip to the broker takes longer, a late signal speaks of the way and not of a clock.
PROMPT_SECONDS = 0.25

log = get_logger(__name__)


class ClockWatch:
    """This dispatcher's clock against the clocks of the API."""

    def __init__(self, *, clock: Clock, limit_ms: int) -> None:
        self._clock = clock
        self._limit = limit_ms
        self._offsets = Offsets()
        self._since: float | None = None  # when it became wrong, on the steady clock
        self._standing = Standing.WITHIN
        self._prompt = True
        self._understood = True

    @property
    def skewed(self) -> bool:
        """Is the clock wrong by more than is allowed?"""
        return self._since is not None

    @property
    def skew_seconds(self) -> float:
        """By how much the clock is ahead; not a number while nobody tells the time."""
        skew = self._offsets.skew(self._clock.steady())
        return float("nan") if skew is None else skew / 1_000

    def reason(self) -> str | None:
        """What is the matter, and the way out; None where nothing is."""
        if not self.skewed:
            return None
        skew = self._offsets.skew(self._clock.steady())
        ahead = "by an amount that is being measured" if skew is None else f"by {skew:+} ms"
        rings = "nobody else can ring, so this one does" if self._standing is Standing.ALONE else "others ring"
        return (
            f"the clock differs from the API's {ahead}, and CLOCK_SKEW_MAX is {self._limit} ms: {rings} until it is "
            f"below {self._limit / 2:g} ms; mend the time synchronisation of this machine, or the API's"
        )

    def answered(self, round_trip: float) -> None:
        """The broker has answered us, after so many seconds."""
        self._prompt = round_trip <= PROMPT_SECONDS

    def heard(self, body: bytes) -> None:
        """Somebody tells the time."""
        now, steady = self._clock.now(), self._clock.steady()
        try:
            signal = decode_time_signal(body)
        except ContractError as error:
            if self._understood:  # once: it comes again every few seconds
                log.warning("clock.misunderstood", error=str(error))
            self._understood = False
            return
        if self._prompt:
            self._offsets.heard(signal.by, signal.now, now=now, steady=steady)
            self._judge(self._offsets.skew(steady), steady)

    async def is_needed(self, session: Session) -> bool:
        """Should this dispatcher, which is no member now, be one? Where its clock is right, or nobody else is one."""
        return self._look(others=await self._members(session)) is not Standing.LEAVING

    async def until_needed(self, session: Session, stop: asyncio.Event, *, company_within: float = 0.0) -> None:
        """Return when this dispatcher, which is no member now, should be one; or at `stop`.

        Where its clock is wrong and nobody else is there, somebody may be on the way for so many seconds.
        """
        alone_from = self._clock.steady() + company_within
        while not stop.is_set():
            needed = await self.is_needed(session)
            if needed and (self._standing is Standing.WITHIN or self._clock.steady() >= alone_from):
                return
            await arrives(stop, within=random.uniform(0, LOOK_SECONDS))  # noqa: S311 - spread, not secrecy

    async def until_unfit(self, session: Session, stop: asyncio.Event) -> None:
        """Return when this dispatcher, which is a member now, should hand over to the others; or at `stop`."""
        while not stop.is_set():
            if self._look(others=await self._members(session) - 1) is Standing.LEAVING:
                await arrives(stop, within=random.uniform(0, SPREAD_SECONDS))  # noqa: S311 - spread, not secrecy
                if self._look(others=await self._members(session) - 1) is Standing.LEAVING:
                    return
            await arrives(stop, within=LOOK_SECONDS)

    async def _members(self, session: Session) -> int:
        """How many there are; the broker is only asked where it matters."""
        return await session.members() if self.skewed else 0

    def _look(self, *, others: int) -> Standing:
        self._standing = standing(skewed=self.skewed, others=others)
        return self._standing

    def _judge(self, skew: int | None, steady: float) -> None:
        skewed = is_skewed(skew, self._limit, already=self.skewed)
        if skewed and self._since is None:
            self._since = steady
            log.warning("clock.skewed", skew_ms=skew, limit_ms=self._limit)
        elif not skewed and self._since is not None:
            log.info(
                "clock.recovered", skew_ms=skew, limit_ms=self._limit, after_seconds=round(steady - self._since, 3)
            )
            self._since = None
