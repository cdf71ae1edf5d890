"""One lane a host: a host that hangs fills its own lane and delays nobody else.

A firing waits in its host's lane until the host has room, and has had its rest where its rate is bounded; lanes that
may be served are served in turn.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Lanes(Generic[T]):
    """What is due and waits for its host; at most `per_host` of one host are under way at once.

    `rate`: at most so many of one host begin in a second, evenly spread; 0 is no bound. Moments are of a steady clock.
    """

    def __init__(self, per_host: int, rate: float = 0.0) -> None:
        self._per_host = per_host
        self._rest_seconds = 1 / rate if rate else 0.0
        self._waiting: dict[str, deque[T]] = {}
        self._under_way: dict[str, int] = {}
        self._ready: dict[str, None] = {}  # hosts that may be served and have somebody waiting, in turn
        self._resting: dict[str, float] = {}
        self._rests: list[tuple[float, str]] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def has_ready(self) -> bool:
        """Could `take` hand out something now?"""
        return bool(self._ready)

    @property
    def next_rested(self) -> float | None:
        """When the first host has had its rest; None where none rests."""
        return self._rests[0][0] if self._rests else None

    def put(self, host: str, item: T) -> None:
        """Wait for this host."""
        lane = self._waiting.get(host)
        if lane is None:
            lane = self._waiting[host] = deque()
        lane.append(item)
        self._size += 1
        self._consider(host)

    def take(self, now: float = 0.0) -> tuple[str, T] | None:
        """The next item whose host may be served, which is under way from now on; None where there is none."""
        if not self._ready:
            return None
        host = next(iter(self._ready))
        del self._ready[host]
        lane = self._waiting[host]
        item = lane.popleft()
        self._size -= 1
        self._under_way[host] = self._under_way.get(host, 0) + 1
        if not lane:
            del self._waiting[host]
        if self._rest_seconds:
            until = self._resting[host] = now + self._rest_seconds
            heapq.heappush(self._rests, (until, host))
        self._consider(host)
        return host, item

    def done(self, host: str) -> None:
        """One item of this host is no longer under way."""
        left = self._under_way[host] - 1
        if left:
            self._under_way[host] = left
        else:
            del self._under_way[host]
        self._consider(host)

    def rest(self, now: float) -> None:
        """Let the hosts that have had their rest be served again."""
        while self._rests and self._rests[0][0] <= now:
            _, host = heapq.heappop(self._rests)
            self._resting.pop(host, None)
            self._consider(host)

    def _consider(self, host: str) -> None:
        if host in self._waiting and host not in self._resting and self._under_way.get(host, 0) < self._per_host:
            self._ready.setdefault(host)
