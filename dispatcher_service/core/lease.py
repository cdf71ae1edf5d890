"""No lease, no ring: until when a dispatcher may believe that it still owns its shards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lease:
    """A lease of `seconds`, counted on a clock that never steps.

    It counts from the moment a renewal was *sent*: the broker may have answered at any time since, and may have given
    our shards away from any time after.
    """

    seconds: float
    _until: float = float("-inf")
    _sent: float = float("-inf")

    def renewed(self, sent: float) -> None:
        """A renewal that was sent at this moment has been answered."""
        self._until = max(self._until, sent + self.seconds)
        self._sent = max(self._sent, sent)

    def lost(self) -> None:
        """The session is over: believe nothing from now on."""
        self._until = float("-inf")

    def age(self, steady: float) -> float:
        """Seconds since the last renewal that was answered had been sent; infinite before the first."""
        return steady - self._sent

    def holds(self, steady: float) -> bool:
        """May a request still leave at this moment?"""
        return steady < self._until
