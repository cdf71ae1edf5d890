"""Rules that can be checked by hand: which seconds of the day they ring in, without any cron."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from shared.domain.timer import Timer
from shared.timing.instants import Instant
from tests.fakes.clock import EPOCH

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Simple:
    """An expression, and what it means for the seconds since midnight UTC."""

    expression: str
    rings: Callable[[int], bool]

    def between(self, after: Instant, before: Instant) -> Iterator[Instant]:
        """Its instants strictly between the two."""
        for second in range(after // 1000 + 1, -(-before // 1000)):
            if self.rings(second % DAY):
                yield second * 1000


EVERY_SECOND = Simple("* * * * * *", lambda _: True)
EVERY_7 = Simple("*/7 * * * * *", lambda second: second % 60 % 7 == 0)
EVERY_MINUTE = Simple("0 * * * * *", lambda second: second % 60 == 0)
EVERY_HOUR = Simple("0 30 * * * *", lambda second: second % 3600 == 1800)
DAILY = Simple("0 0 9 * * *", lambda second: second == 9 * 3600)


def timer(name: str = "t", **facts: Any) -> Timer:
    """A timer that rings every second for a day."""
    defaults: dict[str, Any] = {
        "id": name,
        "version": 1,
        "rule": EVERY_SECOND.expression,
        "zone": "UTC",
        "anchor": EPOCH,
        "end": EPOCH + DAY * 1000,
        "url": "http://receiver.test/ring",
        "body": b"{}",
    }
    return Timer(**defaults | facts)
