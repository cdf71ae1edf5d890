"""Which instants has an event? By an engine that is not ours, from nothing but what was asked and answered. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim

from tests.chaos.journal import FOR_EVER, GIVEN_UP_MS, Move, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """The event surely had this rule for every instant after `since` and before `until`."""

    since: int
    until: int
    interval: str


def eras(story: Story) -> Iterator[Era]:
    """In order. Between two eras a change was being made: then either is right, and nothing is asked."""
    since, interval, end = 0, "", 0
    for turn in story.turns:
        if turn.move is Move.TRIGGER or (turn.move in {Move.PAUSE, Move.RESUME} and not turn.doubtful):
            continue  # what a pause swallows must be accounted for like everything else
        if interval:
            yield Era(since=since, until=min(turn.begun, end), interval=interval)
        if turn.doubtful or turn.move is Move.DELETE:
            return
        since, interval, end = turn.ended, turn.interval or interval, turn.end or end
    yield Era(since=since, until=end, interval=interval)


def expected(story: Story) -> list[int]:
    """The instants that must be in the ledger, in order; what a pause swallows is, once it is resumed."""
    return [instant for era in eras(story) for instant in instants(era.interval, era.since, era.until)]


def instants(interval: str, after: int, before: int) -> Iterator[int]:
    """Every instant of the rule between these moments, both excluded."""
    due = CronSim(interval, datetime.fromtimestamp(after // 1000, UTC))
    while (instant := round(next(due).timestamp()) * 1000) < before:
        if instant > after:
            yield instant


def has(interval: str, instant: int) -> bool:
    """Is this an instant of the rule?"""
    return instant in instants(interval, instant - 1, instant + 1)


def counted(interval: str, first: int, last: int) -> int:
    """How many instants of the rule there are from the first to the last."""
    return sum(1 for _ in instants(interval, first - 1, last + 1))


def may_ring(story: Story, instant: int) -> bool:
    """Did the event have, or perhaps have, a rule and an end with which this is an instant?"""
    interval = ""
    following = [turn.ended for turn in story.turns[1:]] + [FOR_EVER]
    for turn, until in zip(story.turns, following, strict=True):
        interval = turn.interval or interval
        if turn.begun <= instant <= until and has(interval, instant):
            return True
    return False


def was_triggered(story: Story, moment: int) -> bool:
    """Was a ring by hand asked for at this moment? What was given up may come true later: it changes no version."""
    asked = [one for one in story.turns if one.move is Move.TRIGGER and one.begun <= moment]
    return any(moment <= one.ended or one.ended - one.begun >= GIVEN_UP_MS for one in asked)
