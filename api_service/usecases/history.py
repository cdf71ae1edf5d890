"""Which instants did an event have, and by which rule? Its history's rules, each in the time in which it was in force.

A pause takes no instant away: what falls into it is due as ever, and the ledger says that it was skipped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from api_service.store.rules import RuleVersion
from shared.domain.roster_series import series_of
from shared.domain.series import Series
from shared.timing.instants import Instant

_UNHEARD_MOST = 3  # so many series back somebody may be who has not heard of the latest changes


class Due(NamedTuple):
    """A nominal instant, and the series that it belongs to."""

    nominal: Instant
    series: Series


class Era(NamedTuple):
    """From `since` on an event's instants were of this series, until the next era."""

    since: Instant
    series: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The instants of the series after `after` and not after `through` were due."""

    series: Series
    after: Instant
    through: Instant

    @property
    def most(self) -> int:
        """More instants than this it cannot have: at most one in a second."""
        return max(0, self.through - self.after) // 1000 + 1

    @property
    def count(self) -> int:
        """How many instants it has."""
        return self.series.count_between(self.after, self.through)

    def dues(self) -> Iterator[Due]:
        """Its instants in order."""
        after = self.after
        while (due := self.series.next_after(after)) is not None and due <= self.through:
            yield Due(due, self.series)
            after = due


def segments(rules: Sequence[RuleVersion], after: Instant, through: Instant, *, seed: str) -> list[Segment]:
    """What was due after the one moment and not after the other, in order; `seed` is the event's id."""
    found = []
    turns = _turns(rules)
    for rule, turn, end in zip(rules, turns, [*turns[1:], through], strict=True):
        begin, last = max(rule.anchor, turn, after), min(end, rule.end_date - 1, through)
        if begin < last:
            series = _series(rule, seed)
            found.append(Segment(series=series, after=_asked_from(series, rule.anchor, begin), through=last))
    return found


def _turns(rules: Sequence[RuleVersion]) -> list[Instant]:
    """From when on what is due is each one's: a new roster's from its anchor on, which may be before the change."""
    turns = [rules[0].valid_from]
    for rule, following in pairwise(rules):
        is_drawn_up_anew = following.roster != rule.roster
        turns.append(min(following.valid_from, following.anchor) if is_drawn_up_anew else following.valid_from)
    return [min(turns[place:]) for place in range(len(turns))] if rules[-1].roster else turns


def _asked_from(series: Series, anchor: Instant, moment: Instant) -> Instant:
    """From where to ask for what comes after the moment: a series is asked from instants of its own.

    Inside an hour that is being repeated anything else would be answered otherwise; see shared.timing.cron.
    """
    return anchor if moment == anchor else series.latest_through(anchor, moment) or anchor


def eras(rules: Sequence[RuleVersion], *, seed: str) -> list[Era]:
    """The times of the event's series, in order."""
    found: list[Era] = []
    for rule in rules:
        series = _series(rule, seed)
        if not found or found[-1].series != series:
            found.append(Era(rule.valid_from, series))
    return found


def series_before(known: Sequence[Era], moment: Instant) -> list[Series]:
    """Whose instants may have been rung or skipped at the moment, the likeliest first.

    Whoever had not heard of a change yet went on with the series before it. The first one is all that is known of
    whatever was before it.
    """
    place = max(1, bisect_left(known, moment, key=_since))
    return [era.series for era in reversed(known[max(0, place - _UNHEARD_MOST) : place])]


def holds(found: Sequence[Segment], most: int) -> bool:
    """Have they together at most so many instants?"""
    return sum(segment.most for segment in found) <= most or sum(segment.count for segment in found) <= most


def part_of(found: Sequence[Segment], most: int) -> Instant:
    """The latest moment up to which they have at most so many instants, where they have more."""
    for segment in found:
        many = segment.count
        if many > most:
            return _latest_with(segment, most)
        most -= many
    return found[-1].through


def _latest_with(segment: Segment, most: int) -> Instant:
    low, high = segment.after, segment.through
    while high - low > 1:
        middle = (low + high) // 2
        if segment.series.count_between(segment.after, middle) > most:
            high = middle
        else:
            low = middle
    return low


def _series(rule: RuleVersion, seed: str) -> Series:
    return series_of(rule.interval, rule.timezone, rule.roster, seed=seed)


def _since(era: Era) -> Instant:
    return era.since
