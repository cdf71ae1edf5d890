"""What is recorded together? What comes while the recorder rests; what comes alone is recorded at once.

After each spell of work the recorder rests, the longer the more outcomes it had: in a burst rings have the processors,
and outcomes gather to few transactions. Only outcomes wait for that: a message of any other kind ends the rest, since
the new owner of a shard waits for it. So does the last of as many messages as we may hold: behind it may be such a one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Self

from shared.bus.port import OUTCOMES_HELD, Delivery
from shared.clock import Clock
from shared.messages.catalogue import Outcomes, Released, SnapshotRequest
from shared.messages.codec import ContractError, decode_to_recorder

TOGETHER: Final = 2_000  # outcomes; more would hold the states of their events for longer
REST_EACH: Final = 0.002  # seconds of rest for each outcome of a spell of work, some fifty times what it took


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A delivery, and what it says or why nobody understands it."""

    delivery: Delivery
    says: Outcomes | Released | SnapshotRequest | ContractError
    outcomes: int  # -1 where it is none of those, and stands alone

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Read it."""
        try:
            says = decode_to_recorder(delivery.body)
        except ContractError as error:
            return cls(delivery=delivery, says=error, outcomes=-1)
        count = sum(len(report.outcomes) for report in says.reports) if isinstance(says, Outcomes) else -1
        return cls(delivery=delivery, says=says, outcomes=count)

    @property
    def is_of_the_stream(self) -> bool:
        """May it wait for others, and be recorded with them?"""
        return self.outcomes >= 0


class Gathering:
    """The deliveries of one connection, in order, as they are to be dealt with: outcomes together, all else alone."""

    def __init__(
        self, deliveries: AsyncIterator[Delivery], *, rest: float, clock: Clock, each: float = REST_EACH
    ) -> None:
        """`rest`: for how many seconds at the most the recorder rests after a spell of work; `each`: for an outcome."""
        self._deliveries = deliveries
        self._rest = rest
        self._each = each
        self._spell = 0  # outcomes since the last rest
        self._clock = clock
        self._waiting: deque[Arrived] = deque()
        self._rested = clock.steady()  # from when on it need not rest

    async def next(self) -> list[Arrived]:
        """Wait for what comes next, and for what is to be dealt with together with it. Raises BusUnavailable."""
        if not self._waiting:
            await self._arrive()
            await self._gather()
            self._spell = 0
        together = [self._waiting.popleft()]
        outcomes = together[0].outcomes
        while together[0].is_of_the_stream and self._waiting and self._waiting[0].is_of_the_stream:
            outcomes += self._waiting[0].outcomes
            if outcomes > TOGETHER:
                break
            together.append(self._waiting.popleft())
        self._spell += sum(max(one.outcomes, 0) for one in together)
        return together

    def dealt_with(self) -> None:
        """What `next` gave is recorded, and the recorder may rest."""
        self._rested = self._clock.steady() + min(self._spell * self._each, self._rest)

    async def _gather(self) -> None:
        """Until it has rested; and in any case what is there already."""
        while self._waiting[-1].is_of_the_stream and len(self._waiting) < OUTCOMES_HELD:
            try:
                async with asyncio.timeout(max(0.0, self._rested - self._clock.steady())):
                    await self._arrive()
            except TimeoutError:
                return

    async def _arrive(self) -> None:
        self._waiting.append(Arrived.of(await anext(self._deliveries)))
