"""What is said of a recurring shift, in the words of whoever said it, and what may be said at all.

Nothing is computed here but whether the words make sense by themselves; whether a rule ever occurs is known to
those who compute occurrences.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from shared.timing.instants import Instant
from shared.timing.zones import UnknownZone, canonical_name

FIRST_YEAR, LAST_YEAR = 1970, 2999
MOST_FREQUENCY: Final = 100_000
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class Unit(StrEnum):
    """What a repeating shift is repeated by."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True)
class Rule:
    """A shift on the wall clock of a zone, once or, with a unit, again and again.

    `start` and `end` are naive; their `fold` counts where time is elapsed time: without a unit, and hourly.
    `turns` is how many people take turns, 0 if nobody does.
    """

    start: datetime
    end: datetime
    zone: str
    unit: Unit | None = None
    frequency: int = 1
    days_of_week: frozenset[int] = frozenset()
    repeat_end: date | None = None
    terminated_on: Instant | None = None
    turns: int = 0
    # Datetimes that differ only in their fold are equal, and rules that differ in it are not.
    folds: tuple[int, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folds", (self.start.fold, self.end.fold))


class Occurrence(NamedTuple):
    """One shift: its index in the rule, when it is, and whose turn it is, counted from 1 (0: nobody takes turns)."""

    index: int  # type: ignore[assignment]  # a tuple's own `index` searches, and nobody searches a shift
    start: Instant
    end: Instant
    position: int


class InvalidRecurrence(ValueError):
    """A rule that makes no sense, with all that is the matter with it."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name} {fault}" for name, fault in problems))
        self.problems = problems


def weekday(day: date) -> int:
    """The day of the week, Sunday being 0."""
    return day.isoweekday() % 7


def faults(rule: Rule) -> list[tuple[str, str]]:
    """What is the matter with each field of a rule taken by itself, as pairs of its name and what is said of it."""
    found = [
        (name, f"must be in a year from {FIRST_YEAR} to {LAST_YEAR}")
        for name, moment in (("start", rule.start), ("end", rule.end), ("repeat_end", rule.repeat_end))
        if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR
    ]
    found += [
        (name, "must be the time on the wall, without an offset")
        for name, moment in (("start", rule.start), ("end", rule.end))
        if moment.tzinfo is not None
    ]
    try:
        canonical_name(rule.zone)
    except UnknownZone as unknown:
        found.append(("zone", f"is not known: {unknown}"))
    if rule.turns < 0:
        found.append(("turns", "must be 0 or more"))

    return found + (_repeating_faults(rule) if rule.unit is not None else [])


def _repeating_faults(rule: Rule) -> list[tuple[str, str]]:
    found = []
    if not 1 <= rule.frequency <= MOST_FREQUENCY:
        found.append(("frequency", f"must be from 1 to {MOST_FREQUENCY}, and is {rule.frequency}"))
    if strangers := sorted(rule.days_of_week - set(range(7))):
        found.append((
            "days_of_week",
            f"must be numbers from 0 (Sunday) to 6 (Saturday), and has {', '.join(map(str, strangers))}",
        ))
    if rule.repeat_end is not None and rule.repeat_end < rule.start.date():
        found.append(("repeat_end", "must not be before the day of the start; leave it out for no end"))

    return found
