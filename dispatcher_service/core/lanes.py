"""One lane a host: a host that hangs fills its own lane and delays nobody else.

A firing waits in its host's lane until the host has room; lanes with room are served in turn.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Lanes(Generic[T]):
    """What is due and waits for its host; at most `per_host` of one host are under way at once."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._waiting: dict[str, deque[T]] = {}
        self._under_way: dict[str, int] = {}
        self._ready: deque[str] = deque()  # hosts with room and somebody waiting, each once
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def has_ready(self) -> bool:
        """Could `take` hand out something now?"""
        return bool(self._ready)

    def put(self, host: str, item: T) -> None:
        """Wait for this host."""
        lane = self._waiting.get(host)
        if lane is None:
            lane = self._waiting[host] = deque()
        lane.append(item)
        self._size += 1
        if len(lane) == 1 and self._has_room(host):
            self._ready.append(host)

    def take(self) -> tuple[str, T] | None:
        """The next item whose host has room, which is under way from now on; None where there is none."""
        if not self._ready:
            return None
        host = self._ready.popleft()
        lane = self._waiting[host]
        item = lane.popleft()
        self._size -= 1
        self._under_way[host] = self._under_way.get(host, 0) + 1
        if not lane:
            del self._waiting[host]
        elif self._has_room(host):
            self._ready.append(host)
        return host, item

    def done(self, host: str) -> None:
        """One item of this host is no longer under way."""
        had_room = self._has_room(host)
        left = self._under_way[host] - 1
        if left:
            self._under_way[host] = left
        else:
            del self._under_way[host]
        if not had_room and host in self._waiting:
            self._ready.append(host)

    def _has_room(self, host: str) -> bool:
        return self._under_way.get(host, 0) < self._per_host
