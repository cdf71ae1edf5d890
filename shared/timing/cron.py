"""When does a cron rule ring next? The one door to croniter, and the only reader of cron expressions.

The grammar judges the text and makes it canonical, croniter searches the calendar on the wall clock,
and the clock's changes are ours: a rule for every hour keeps real time, a rule for chosen hours keeps
the wall's. A rule's instants are a set that does not depend on where one asks from, with one exception,
which is cron-parser's: whoever asks from inside an hour that is being repeated is answered from that
hour, although the rule has already rung in its first pass. So ask from the last scheduled instant.

Answers are shared: whatever lies between two instants of a rule has the same answer.
"""

from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from shared.timing import cron_grammar, cron_words
from shared.timing.cron_calendar import count_between_walls, shared_moments
from shared.timing.cron_draws import draws
from shared.timing.cron_fields import (
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    Field,
    Fields,
    InvalidRule,
    members,
    text,
)
from shared.timing.instants import Instant
from shared.timing.stretches import CALENDAR_BEGINS, CALENDAR_ENDS, Stretch, stretches

__all__ = [
    "InvalidRule",
    "Rule",
    "count_between",
    "describe",
    "latest_through",
    "next_after",
    "parse",
    "upcoming",
]

# The longest silence of any rule that rings at all: a given weekday on 29 February, over a year 2100.
_LONGEST_SILENCE = 50
# A wall-clock second that no stretch reaches.
_NEVER = CALENDAR_ENDS * 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that rings: its canonical expression, which is its identity, and what that means."""

    expression: str
    fields: Fields = field(compare=False, repr=False)


def parse(expression: str, *, seed: str = "") -> Rule:
    """The rule of an expression, seconds first, or InvalidRule; H is drawn from the seed.

    Without a seed H is drawn from the expression itself. Expressions with the same moments give equal rules.
    """
    if not isinstance(expression, str):
        raise InvalidRule(f"it is not text but {type(expression).__name__}; write a text such as '0 30 9 * * 1-5'")

    return _parse(expression, (seed or expression) if draws(expression) else "")


def next_after(rule: Rule, zone: ZoneInfo, after: Instant) -> Instant | None:
    """The rule's first instant strictly after this one, or None when the calendar ends before it."""
    memory = _memory(rule, zone)
    begins, ends, answer = memory[0]
    if begins <= after < ends:
        return answer

    second = after // 1000
    found, valid_until = _next(rule, zone, second, second)
    if found is None:
        return None
    memory[0] = (second * 1000, valid_until * 1000, found * 1000)

    return found * 1000


def upcoming(rule: Rule, zone: ZoneInfo, after: Instant, count: int) -> list[Instant]:
    """The rule's next instants, at most so many, in order."""
    instants: list[Instant] = []
    while len(instants) < count:
        following = next_after(rule, zone, instants[-1] if instants else after)
        if following is None:
            break
        instants.append(following)

    return instants


def latest_through(rule: Rule, zone: ZoneInfo, after: Instant, through: Instant) -> Instant | None:
    """The last of the rule's instants after the one and not after the other; None if there is none."""
    since, end = after // 1000, through // 1000
    # Look back from the end in doubling steps; then halve the time in which nothing is known.
    silent_from, step = end, 1
    latest: int | None = None
    while latest is None and silent_from > since:
        start = max(since, end - step)
        found, _ = _next(rule, zone, start, since)
        if found is not None and found <= end:
            latest = found
        else:
            silent_from, step = start, step * 2
    if latest is None:
        return None
    while latest < silent_from:
        middle = (latest + silent_from) // 2
        found, _ = _next(rule, zone, middle, since)
        if found is not None and found <= end:
            latest = found
        else:
            silent_from = middle

    return latest * 1000


def count_between(rule: Rule, zone: ZoneInfo, after: Instant, through: Instant) -> int:
    """How many of the rule's instants come after the one and not after the other."""
    since, end = max(after // 1000, CALENDAR_BEGINS), min(through // 1000, CALENDAR_ENDS - 1)
    fields, total = rule.fields, 0
    for stretch in stretches(zone, since):
        if stretch.begins > end:
            break
        opens, closes = _window(rule, stretch, since)
        first, last = since + 1 + stretch.offset, end + stretch.offset
        total += count_between_walls(fields, max(opens, first), min(closes, last + 1))
        if stretch.skipped and not fields.every_hour:
            # A time moved on out of the gap may meet one that stands there anyway: they ring once.
            gap = stretch.ends + stretch.offset
            moved_first, moved_end = max(gap, first), min(closes, last + 1)
            total -= shared_moments(fields, moved_first, moved_end, apart=stretch.skipped)

    return total


def before_the_latest(rule: Rule, zone: ZoneInfo, after: Instant, through: Instant, most: int) -> Instant:
    """The earliest moment from `after` on that has no more than `most` occurrences after it, up to `through`."""
    low, high = after, through
    if count_between(rule, zone, low, through) <= most:
        return low
    while high - low > 1:
        middle = (low + high) // 2
        if count_between(rule, zone, middle, through) > most:
            low = middle
        else:
            high = middle
    return high


def describe(rule: Rule) -> str:
    """The rule in plain English."""
    return cron_words.describe(rule.fields)


@lru_cache(maxsize=16_384)
def _parse(expression: str, seed: str) -> Rule:
    fields = cron_grammar.read(expression, seed)
    return Rule(text(fields), fields)


@lru_cache(maxsize=8_192)
def _memory(_rule: Rule, _zone: ZoneInfo) -> list[tuple[Instant, Instant, Instant]]:
    """What was answered last for this rule and zone: the questions from, up to, and their answer."""
    return [(0, 0, 0)]


def _next(rule: Rule, zone: ZoneInfo, after: int, since: int) -> tuple[int | None, int]:
    """The first ringing second after one, for somebody who began to ask at another, and how long that is so.

    The same question has the same answer from `after` up to the second that comes second in the pair.
    """
    after = max(after, CALENDAR_BEGINS)
    found: int | None = None
    searched, wall = 1, 0
    valid_until = CALENDAR_ENDS
    for stretch in stretches(zone, after):
        if found is not None and stretch.begins > found:
            break
        if stretch.repeated and stretch.begins > after and not rule.fields.every_hour:
            valid_until = min(valid_until, stretch.begins)
        opens, closes = _window(rule, stretch, since)
        start = max(after + stretch.offset, opens - 1)
        if start + 1 >= closes:
            continue
        # A search that found nothing in this stretch has often searched the next one already.
        if not searched <= start < wall:
            searched, wall = start, _next_on_the_wall(rule, start)
        if wall < closes:
            found = min(wall - stretch.offset, found or CALENDAR_ENDS)
            if found < stretch.ends:
                break

    return found, min(valid_until, found or after)


def _window(rule: Rule, stretch: Stretch, since: int) -> tuple[int, int]:
    opens, closes = stretch.window(every_hour=rule.fields.every_hour)
    # Asked from within the repeated time, a rule for chosen hours rings in it after all.
    asked_within = stretch.begins <= since < stretch.begins + stretch.repeated
    return (stretch.begins + stretch.offset if asked_within else opens), closes


def _next_on_the_wall(rule: Rule, after: int) -> int:
    """The first matching wall-clock second after this one, or one beyond the calendar's end."""
    earliest = _NEVER
    for engine in _engines(rule):
        # A croniter remembers where it is; a copy keeps the shared one out of everybody's way.
        with suppress(CroniterBadDateError, OverflowError, ValueError):
            earliest = min(earliest, int(copy(engine).get_next(float, start_time=float(after))))

    return earliest


@lru_cache(maxsize=4_096)
def _engines(rule: Rule) -> tuple[croniter, ...]:
    """The croniters whose earliest answer is the rule's; one for each kind of day it names.

    croniter would combine the kinds by rules of its own, and reads ranges, steps and sevens differently;
    so it is given nothing but lists of plain numbers and at most one field of days.
    """
    fields = rule.fields
    minute, hour, month, second = (
        _list(place, mask)
        for place, mask in (
            (MINUTE, fields.minutes),
            (HOUR, fields.hours),
            (MONTH, fields.months),
            (SECOND, fields.seconds),
        )
    )
    numbered = [*map(str, members(fields.days)), *(["l"] if fields.last_day else [])]
    weekdays = [f"{day}#{fields.nth}" if fields.nth else str(day) for day in members(fields.weekdays)]
    days = [
        ("*" if fields.every_day else ",".join(numbered), "*"),
        ("*", ",".join(weekdays)),
        ("*", ",".join(f"l{day}" for day in members(fields.last_weekdays))),
    ]

    return tuple(
        croniter(
            f"{minute} {hour} {day} {month} {weekday} {second}",
            0.0,
            max_years_between_matches=_LONGEST_SILENCE,
        )
        for day, weekday in days
        if day and weekday
    )


def _list(place: Field, mask: int) -> str:
    return "*" if mask == place.whole else ",".join(map(str, members(mask)))
