"""What many timers have alike is in memory once: a million have a few thousand rules, and fewer zones and URLs."""

from __future__ import annotations

from typing import Final

from shared.domain.delivery import DEFAULT, Delivery
from shared.domain.roster_series import roster_series
from shared.domain.series import Series, cron_series
from shared.domain.timer import Timer
from shared.timing.instants import Instant

_KEPT: Final = 65_536  # of each kind; then it begins anew, so that what nobody has any more is let go of


class Sharing:
    """Remembers values, and hands out the one that it remembers."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._rules: dict[tuple[str, str], tuple[str, str, Series]] = {}  # what a rule in a zone is, by their texts
        self._ends: dict[Instant, Instant] = {}
        self._deliveries: dict[Delivery, Delivery] = {}

    def of(self, timer: Timer) -> Series:
        """Give the timer, just decoded and so with everything its own, what others have too, its series for one.

        Raises ValueError where nothing can be made of its rule or roster.
        """
        if timer.roster:
            series: Series = roster_series(timer.roster)
            timer.rule, timer.zone = self._text(timer.rule), self._text(timer.zone)
        else:
            wanted = (timer.rule, timer.zone)
            timer.rule, timer.zone, series = self._rules.get(wanted) or self._rule(*wanted)
        ends = self._ends
        if len(ends) >= _KEPT:
            ends.clear()
        timer.url = self._text(timer.url)
        timer.end = ends.setdefault(timer.end, timer.end)
        timer.delivery = DEFAULT if timer.delivery == DEFAULT else self._delivery(timer.delivery)
        return series

    def _rule(self, rule: str, zone: str) -> tuple[str, str, Series]:
        if len(self._rules) >= _KEPT:
            self._rules.clear()
        rule, zone = self._text(rule), self._text(zone)
        known = self._rules[rule, zone] = (rule, zone, cron_series(rule, zone))
        return known

    def _text(self, text: str) -> str:
        if len(self._texts) >= _KEPT:
            self._texts.clear()
        return self._texts.setdefault(text, text)

    def _delivery(self, delivery: Delivery) -> Delivery:
        if len(self._deliveries) >= _KEPT:
            self._deliveries.clear()
        return self._deliveries.setdefault(delivery, delivery)
