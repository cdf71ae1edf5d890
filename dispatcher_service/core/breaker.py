"""Is a host there at all? After several failures in a row it is left alone for a while, then asked once, carefully.

Only what says that nobody is there counts: no connection, no answer. An answer, whatever its status, closes the
breaker: many events of many owners may share a host, and one that is answered 500 must not hold back the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COOLDOWN_SECONDS: Final = (5.0, 60.0)  # doubled each time that the host was asked once more in vain
HOSTS_KEPT: Final = 10_000  # with failures; of more the oldest are forgotten, and asked again

_NEVER: Final = float("-inf")


@dataclass(slots=True)
class _Silence:
    """A host that has not answered lately."""

    failures: int = 0
    open_until: float = _NEVER
    cooldown: float = COOLDOWN_SECONDS[0]


class Breakers:
    """One breaker a host; it opens after so many failures in a row, with 0 never. Moments are of a steady clock."""

    def __init__(self, failures: int) -> None:
        self._failures = failures
        self._silent: dict[str, _Silence] = {}

    @property
    def left_alone(self) -> int:
        """How many hosts have an open breaker: nobody has answered there since."""
        return sum(silence.open_until != _NEVER for silence in self._silent.values())

    def closed_from(self, host: str, now: float) -> float | None:
        """None where a request may be made now; otherwise when one may be tried. Asked once for each request."""
        silence = self._silent.get(host)
        if silence is None or silence.open_until == _NEVER:
            return None
        if now < silence.open_until:
            return silence.open_until
        # This one is the probe; until it is answered, the others wait for a longer time.
        silence.cooldown = min(silence.cooldown * 2, COOLDOWN_SECONDS[1])
        silence.open_until = now + silence.cooldown
        return None

    def not_asked(self, host: str, now: float) -> None:
        """What might have been asked was not sent after all: where it was the probe, the next one is."""
        silence = self._silent.get(host)
        if silence is not None and silence.open_until != _NEVER:
            silence.open_until = now

    def answered(self, host: str) -> bool:
        """The host is there; was its breaker open?"""
        silence = self._silent.pop(host, None)
        return silence is not None and silence.open_until != _NEVER

    def failed(self, host: str, now: float) -> bool:
        """Nobody was there; does the breaker open by it?"""
        if not self._failures:
            return False
        silence = self._silent.setdefault(host, _Silence())
        silence.failures += 1
        if len(self._silent) > HOSTS_KEPT:
            del self._silent[next(iter(self._silent))]
        if silence.failures < self._failures or silence.open_until != _NEVER:
            return False
        silence.open_until = now + silence.cooldown
        return True
