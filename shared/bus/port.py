"""The bus as both services see it; two adapters (rabbit, local) pass one contract suite.

The broker decides who owns a shard: owning it is holding its exclusive inbox, and an inbox is gone with its session.
Messages may be lost, repeated or reordered; whoever reads them must cope.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

# So many messages of outcomes are delivered before the first is answered. Each has at the most 500 outcomes of 4 KiB.
OUTCOMES_HELD: Final = 32


class BusUnavailable(Exception):
    """The bus cannot be reached, or did not answer in time."""


class Work(StrEnum):
    """The durable queues that api_service works off."""

    SNAPSHOTS = "carillon.snapshots"  # competing consumers
    OUTCOMES = "carillon.outcomes"  # a single active consumer, in order


class Queue(StrEnum):
    """The queues whose lengths tell how the installation is."""

    OUTCOMES = "outcomes"
    SNAPSHOTS = "snapshots"
    DEAD = "dead"
    MEMBERS = "members"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """Messages that wait, without those that a consumer holds, and consumers; of OUTCOMES, only the active one."""

    messages: int
    consumers: int


class Delivery(Protocol):
    """A message on its way in; exactly one of the two answers is due."""

    @property
    def body(self) -> bytes:
        """The message's bytes."""
        ...

    @property
    def shard(self) -> int | None:
        """The shard whose inbox it came from, None for a work queue."""
        ...

    async def ack(self) -> None:
        """It is dealt with. Raises BusUnavailable, and then it will come again."""
        ...

    async def bury(self) -> None:
        """It cannot be understood: put it with the dead letters, and never deliver it again."""
        ...


class Publisher(Protocol):
    """A way out. Every publish is confirmed by the broker or raises BusUnavailable; it connects by itself."""

    async def to_shard(self, shard: int, body: bytes) -> bool:
        """To the inbox of the shard's owner. False where nobody owns the shard: the message went nowhere."""
        ...

    async def to_shards(self, messages: Sequence[tuple[int, bytes]]) -> Sequence[bool | BusUnavailable]:
        """As `to_shard` for each, in order and together, which is cheaper; each has its answer, or its failure.

        All of them are under way at once: the caller bounds how many that are.
        """
        ...

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        """To a work queue; after `expires_after` seconds unread it is dropped."""
        ...

    async def ring_bell(self) -> None:
        """Tell every session that somebody hungers for shards."""
        ...

    async def tell_time(self, body: bytes) -> None:
        """To every session that there is; who cannot hear it within seconds has missed it."""
        ...

    async def check(self) -> None:
        """A round trip to the broker, for readiness. Raises BusUnavailable."""
        ...

    async def queues(self) -> Mapping[Queue, QueueState]:
        """How every queue of interest is now. Raises BusUnavailable."""
        ...

    async def close(self) -> None:
        """Let go of the connection; harmless when there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvents:
    """What a session tells its owner, each at once and from the event loop; they must not block or raise."""

    on_lost: Callable[[str], None]  # the session is over, with the reason; called exactly once, also by close()
    on_shard_lost: Callable[[int], None]  # the broker took this inbox away (deleted, cancelled)
    on_bell: Callable[[], None]  # somebody rang the bell
    on_time: Callable[[bytes], None]  # somebody told the time, with its bytes; the moment of the call is when it came


class Session(Protocol):
    """One connection that can own shards. It never publishes, so an alarm of the broker cannot block it.

    Any exception from any method means that the session cannot be relied upon any more: close it, own nothing.
    """

    @property
    def incarnation(self) -> str:
        """A name for this session that no other session ever had."""
        ...

    async def renew(self) -> None:
        """A round trip that only a majority of the broker can answer: `basic.get` on the empty lease queue."""
        ...

    async def join(self) -> None:
        """Be counted among the members."""
        ...

    async def leave(self) -> None:
        """Be counted no longer, while still owning shards."""
        ...

    async def members(self) -> int:
        """How many sessions are members now; a hint."""
        ...

    async def claim(self, shard: int) -> bool:
        """Own this shard if nobody does: its inbox is declared, bound and consumed. False where another owns it."""
        ...

    async def verify(self, shard: int) -> bool:
        """Does the broker agree that this session owns the shard?"""
        ...

    async def release(self, shard: int) -> None:
        """Own this shard no longer: its inbox is deleted, and somebody else may claim it at once."""
        ...

    def deliveries(self) -> AsyncIterator[Delivery]:
        """What arrives in the inboxes of the owned shards, in order per shard; ends when the session is over."""
        ...

    async def close(self) -> None:
        """End the session and everything it owns, within about a second, whatever state it is in."""
        ...


class Bus(Protocol):
    """The doors to one broker."""

    async def prepare(self) -> None:
        """Declare exchanges and durable queues; harmless when repeated. Raises BusUnavailable."""
        ...

    def publisher(self) -> Publisher:
        """A publisher with a connection of its own, made at first use."""
        ...

    def consume(self, queue: Work) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Work off a queue; iteration raises BusUnavailable on loss, and a wait that is cancelled misses nothing.

        OUTCOMES come in order, to one consumer at a time; what it leaves unanswered comes again, before the rest.
        """
        ...

    async def open_session(self, events: SessionEvents) -> Session:
        """A new session, connected and owning nothing. Raises BusUnavailable."""
        ...
