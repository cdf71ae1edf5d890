"""What many timers have alike is in memory once: a million have a few thousand rules, and fewer zones and URLs."""

from __future__ import annotations

from typing import Final

from shared.domain.delivery import DEFAULT, Delivery
from shared.domain.timer import Timer
from shared.timing.instants import Instant

_KEPT: Final = 65_536  # of each kind; then it begins anew, so that what nobody has any more is let go of


class Sharing:
    """Remembers values, and hands out the one that it remembers."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._ends: dict[Instant, Instant] = {}
        self._deliveries: dict[Delivery, Delivery] = {}

    def of(self, timer: Timer) -> None:
        """Give the timer, just decoded and so with everything its own, what others have too."""
        texts, ends = self._texts, self._ends
        if len(texts) >= _KEPT:
            texts.clear()
        if len(ends) >= _KEPT:
            ends.clear()
        timer.rule = texts.setdefault(timer.rule, timer.rule)
        timer.zone = texts.setdefault(timer.zone, timer.zone)
        timer.url = texts.setdefault(timer.url, timer.url)
        timer.end = ends.setdefault(timer.end, timer.end)
        timer.delivery = DEFAULT if timer.delivery == DEFAULT else self._delivery(timer.delivery)

    def _delivery(self, delivery: Delivery) -> Delivery:
        if len(self._deliveries) >= _KEPT:
            self._deliveries.clear()
        return self._deliveries.setdefault(delivery, delivery)
