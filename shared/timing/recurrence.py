"""Who is on call when, as far as a rule says: the one door to the occurrences of recurring shifts.

Day, week, month and year step on the wall clock, so that back-to-back shifts meet on the days it changes; hours
elapse. An occurrence that the clock jumps over does not happen and keeps its index, and so its turn. Whatever is
asked costs the same however far it is from the first start: indexes are computed, and nothing is walked.
Exceptions are not known here: they take occurrences away and never move an index.
"""

from collections.abc import Iterator
from dataclasses import replace

from shared.timing.instants import Instant
from shared.timing.recurrence_plan import Plan, first_span, plan
from shared.timing.recurrence_rule import WEEKDAYS, InvalidRecurrence, Occurrence, Rule, Unit, faults, weekday
from shared.timing.recurrence_walls import OPENS

__all__ = [
    "InvalidRecurrence",
    "Occurrence",
    "Rule",
    "Unit",
    "count",
    "covering",
    "first_from",
    "impossible",
    "last_before",
    "last_end",
    "nth",
    "occurrence_at",
    "occurrences",
    "validated",
]

# More occurrences at one moment than this is no shift but a mistake, and every answer would list them all.
MOST_AT_ONCE = 1_000
# No rule is jumped over as often in a row; the worst is every so many years into the same hour of the same Sunday.
_LONGEST_SILENCE = 300


def validated(rule: Rule) -> Rule:
    """The rule itself, if it makes sense and ever occurs; InvalidRecurrence with all its problems if not."""
    problems = faults(rule)
    fields = {name for name, _ in problems}
    if not fields & {"start", "end", "zone"}:
        problems += _wrong_length(rule, frequency_known="frequency" not in fields)
    if not problems and (never := _impossibility(rule)):
        problems.append(never)
    if problems:
        raise InvalidRecurrence(problems)

    return rule


def impossible(rule: Rule) -> str | None:
    """Why a rule, which makes sense otherwise, never occurs; None if it does."""
    never = _impossibility(rule)

    return never and never[1]


def occurrences(rule: Rule, start: Instant, end: Instant) -> Iterator[Occurrence]:
    """The occurrences that overlap the time from start up to, not including, end, in the order of their starts."""
    if start >= end:
        return
    planned = plan(rule)
    for index in range(planned.ended_by(start), planned.begun_before(end)):
        span = planned.span(index)
        if span is not None and span[1] > start:
            yield _occurrence(rule, index, span)


def covering(rule: Rule, instant: Instant) -> tuple[Occurrence, ...]:
    """The occurrences that are going on at this instant."""
    planned = plan(rule)
    first, begun = planned.ended_by(instant), planned.begun_before(instant + 1)
    if first >= begun:
        return ()
    spans = ((index, planned.span(index)) for index in range(first, begun))

    return tuple([_occurrence(rule, index, span) for index, span in spans if span is not None and span[1] > instant])


def nth(rule: Rule, index: int) -> Occurrence | None:
    """The occurrence of this index; None if the rule ends before it or the clock jumps over it."""
    return _at(rule, plan(rule), index)


def first_from(rule: Rule, instant: Instant) -> Occurrence | None:
    """The first occurrence that starts at this instant or later."""
    planned = plan(rule)
    first = planned.begun_before(instant)
    for index in range(first, first + _LONGEST_SILENCE):
        if not planned.has(index):
            return None
        if found := _at(rule, planned, index):
            return found

    return None


def last_before(rule: Rule, instant: Instant) -> Occurrence | None:
    """The last occurrence that starts before this instant."""
    planned = plan(rule)

    return _last(rule, planned, planned.begun_before(instant))


def occurrence_at(rule: Rule, instant: Instant) -> Occurrence | None:
    """The occurrence that starts at exactly this instant."""
    found = first_from(rule, instant)

    return found if found is not None and found.start == instant else None


def last_end(rule: Rule) -> Instant | None:
    """When the rule's last occurrence ends; None if the rule has no end, or no occurrence."""
    if _unending(rule):
        return None
    planned = plan(rule)
    last = _last(rule, planned, planned.count())

    return last and last.end


def count(rule: Rule) -> int | None:
    """How many indexes the rule has, those that the clock jumps over included; None if it has no end."""
    return None if _unending(rule) else plan(rule).count()


def _unending(rule: Rule) -> bool:
    return rule.unit is not None and rule.repeat_end is None and rule.terminated_on is None


def _occurrence(rule: Rule, index: int, span: tuple[Instant, Instant]) -> Occurrence:
    return Occurrence(index, span[0], span[1], index % rule.turns + 1 if rule.turns else 0)


def _at(rule: Rule, planned: Plan, index: int) -> Occurrence | None:
    span = planned.span(index) if planned.has(index) else None

    return None if span is None else _occurrence(rule, index, span)


def _last(rule: Rule, planned: Plan, before: int) -> Occurrence | None:
    """The last occurrence whose index is less than this."""
    for index in range(before - 1, max(-1, before - 1 - _LONGEST_SILENCE), -1):
        if found := _at(rule, planned, index):
            return found

    return None


def _wrong_length(rule: Rule, *, frequency_known: bool) -> list[tuple[str, str]]:
    start, end = first_span(rule)
    # What steps on the wall clock is measured there: its first occurrence may be one that is jumped over.
    ends_later = end > start if rule.unit in {None, Unit.HOURLY} else rule.end > rule.start
    if not ends_later:
        return [("end", "must be later than the start")]
    if (
        rule.unit is not None
        and frequency_known
        and (end - start) > MOST_AT_ONCE * _SHORTEST[rule.unit] * rule.frequency
    ):
        return [("end", f"must be sooner, for more than {MOST_AT_ONCE} occurrences would go on at once")]

    return []


def _impossibility(rule: Rule) -> tuple[str, str] | None:
    """The field that keeps a rule from ever occurring, and how."""
    unending = replace(rule, repeat_end=None, terminated_on=None)
    if not plan(unending).has(0):
        return _JUMPED_OVER if rule.unit is None else ("days_of_week", _unlisted(rule))
    if not plan(replace(unending, repeat_end=rule.repeat_end)).has(0):
        return ("repeat_end", "comes before the first day that days_of_week lists; make it later, or list more days")
    if not plan(rule).has(0):
        return _TERMINATED

    return None if first_from(rule, OPENS) else _JUMPED_OVER


_JUMPED_OVER = ("start", "never comes: the clock jumps over all of this time whenever it would; choose another time")
_TERMINATED = ("terminated_on", "is not after the first occurrence, so that none is left")
_SHORTEST = {
    Unit.HOURLY: 3_600_000,
    Unit.DAILY: 86_400_000,
    Unit.WEEKLY: 7 * 86_400_000,
    Unit.MONTHLY: 28 * 86_400_000,
    Unit.YEARLY: 365 * 86_400_000,
}


def _unlisted(rule: Rule) -> str:
    noun = {"hourly": "hours", "daily": "days", "weekly": "weeks", "monthly": "months", "yearly": "years"}
    first = WEEKDAYS[weekday(rule.start.date())]
    listed = " or ".join(WEEKDAYS[day] for day in sorted(rule.days_of_week))

    return (
        f"is never met: every {rule.frequency} {noun[str(rule.unit)]} from a {first} never comes to a {listed};"
        f" list {first} too, or let it start on a listed day"
    )
