"""How fast may somebody ask? So many times a second, and so many at once after a rest: a bucket of tokens for each.

A bucket is kept as one moment: when it will be full again. Who has rested until then is as good as unknown, and is
forgotten, so there are never more buckets than have been asked from within the time it takes to fill one.
"""

from __future__ import annotations

from collections import OrderedDict


class Buckets:
    """One bucket for everybody who asks, each of `burst` tokens, filled at `rate` tokens a second."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._refill = 1 / rate
        self._capacity = burst / rate
        self._full_at: OrderedDict[int, float] = OrderedDict()  # who has asked longest ago comes first

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, who: int, now: float) -> float:
        """0 where there was a token; otherwise none is taken, and this is in how many seconds there will be one."""
        self._forget_rested(now)
        full_at = max(now, self._full_at.get(who, now)) + self._refill
        wait = full_at - now - self._capacity
        if wait > 1e-9:  # less is an error of rounding
            return wait
        self._full_at[who] = full_at
        self._full_at.move_to_end(who)
        return 0.0

    def _forget_rested(self, now: float) -> None:
        """Two for each who may come anew: what has piled up in a rush is gone soon after."""
        for _ in range(2):
            who, full_at = next(iter(self._full_at.items()), (0, now + 1))
            if full_at > now:
                return
            del self._full_at[who]
