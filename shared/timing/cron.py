"""When does a cron rule ring next? The only reader of cron expressions.

The grammar judges the text and makes it canonical, a search finds the next moment on the wall clock,
and the clock's changes are ours: a rule for every hour keeps real time, a rule for chosen hours keeps
the wall's. A rule's instants are a set that does not depend on where one asks from, with one exception,
which is cron-parser's: whoever asks from inside an hour that is being repeated is answered from that
hour, although the rule has already rung in its first pass. So ask from the last scheduled instant.

Answers are shared: whatever lies between two instants of a rule has the same answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from shared.timing import cron_grammar, cron_words
from shared.timing.cron_calendar import count_between_walls, shared_moments
from shared.timing.cron_draws import draws
from shared.timing.cron_fields import Fields, InvalidRule, text
from shared.timing.cron_search import Search
from shared.timing.instants import Instant
from shared.timing.stretches import CALENDAR_BEGINS, CALENDAR_ENDS, Stretch, quiet_stretch, stretches

__all__ = [
    "Clockwork",
    "InvalidRule",
    "Rule",
    "count_between",
    "describe",
    "latest_through",
    "next_after",
    "parse",
    "upcoming",
]

# The questions from, up to, and their answer. In one piece, for previews are computed in a thread.
Answer: TypeAlias = tuple[Instant, Instant, Instant]

_ZONES_KEPT: Final = 32  # of a rule; then it begins anew


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that rings: its canonical expression, which is its identity, and what that means.

    `answers`: the last one on each clock that somebody asked about.
    """

    expression: str
    fields: Fields = field(compare=False, repr=False)
    search: Search = field(compare=False, repr=False)
    answers: dict[ZoneInfo, Answer] = field(compare=False, repr=False, default_factory=dict)


def parse(expression: str, *, seed: str = "") -> Rule:
    """The rule of an expression, seconds first, or InvalidRule; H is drawn from the seed.

    Without a seed H is drawn from the expression itself. Expressions with the same moments give equal rules.
    """
    if not isinstance(expression, str):
        raise InvalidRule(f"it is not text but {type(expression).__name__}; write a text such as '0 30 9 * * 1-5'")

    return _parse(expression, (seed or expression) if draws(expression) else "")


class Clockwork:
    """A rule on a clock, which remembers its last answer: until when it is one, all who ask have it.

    For whoever asks often, and holds it.
    """

    __slots__ = ("_known", "_rule", "_zone")

    def __init__(self, rule: Rule, zone: ZoneInfo) -> None:
        self._rule, self._zone = rule, zone
        self._known: Answer = (0, 0, 0)

    def next_after(self, after: Instant) -> Instant | None:
        """The rule's first instant strictly after this one, or None when the calendar ends before it."""
        begins, ends, instant = self._known
        if begins <= after < ends:
            return instant
        answer = _answer(self._rule, self._zone, after)
        if answer is None:
            return None
        self._known = answer
        return answer[2]


def next_after(rule: Rule, zone: ZoneInfo, after: Instant) -> Instant | None:
    """The rule's first instant strictly after this one, or None when the calendar ends before it."""
    known = rule.answers.get(zone)
    if known is not None:
        begins, ends, instant = known
        if begins <= after < ends:
            return instant
    answer = _answer(rule, zone, after)
    if answer is None:
        return None
    if known is None and len(rule.answers) >= _ZONES_KEPT:
        rule.answers.clear()
    rule.answers[zone] = answer
    return answer[2]


def upcoming(rule: Rule, zone: ZoneInfo, after: Instant, count: int) -> list[Instant]:
    """The rule's next instants, at most so many, in order."""
    works = Clockwork(rule, zone)
    instants: list[Instant] = []
    while len(instants) < count and (following := works.next_after(after)) is not None:
        instants.append(following)
        after = following

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
    return Rule(text(fields), fields, Search(fields))


def _answer(rule: Rule, zone: ZoneInfo, after: Instant) -> Answer | None:
    """What comes next, for all who ask from here up to where that is another; None when the calendar ends before it."""
    second = after // 1000
    found, valid_until = _next(rule, zone, second, second)
    if found is None:
        return None
    instant = found * 1000
    # One number for both nearly always: of a hundred thousand answers each is as quick as memory is.
    return after, instant if valid_until == found else valid_until * 1000, instant


def _next(rule: Rule, zone: ZoneInfo, after: int, since: int) -> tuple[int | None, int]:
    """The first ringing second after one, for somebody who began to ask at another, and how long that is so.

    The same question has the same answer from `after` up to the second that comes second in the pair.
    """
    after = max(after, CALENDAR_BEGINS)
    # Nearly always no clock changes between the question and the answer.
    if (stretch := quiet_stretch(zone, after)) is not None:
        found = rule.search.next_after(after + stretch.offset) - stretch.offset
        if found < stretch.ends:
            return found, found

    return _next_among(stretches(zone, after), rule, after, since)


def _next_among(choice: Iterable[Stretch], rule: Rule, after: int, since: int) -> tuple[int | None, int]:
    """The same, whatever the clock does meanwhile."""
    found: int | None = None
    search = rule.search.next_after
    searched, wall = 1, 0
    valid_until = CALENDAR_ENDS
    for stretch in choice:
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
            searched, wall = start, search(start)
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
