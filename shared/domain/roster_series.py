"""The instants of a roster's transitions, and what is said at each: a function of the roster and the instant alone.

Their numbers have no holes: how many there were when the roster was drawn up, and how many since. An instant before
that has the number that it would have had. Counting goes on from where somebody counted last, and where rounds are
alike it counts one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import merge

from shared.domain import roster as rosters
from shared.domain.oncall import OnCallEvent
from shared.domain.rhythm import Rhythm
from shared.domain.roster import Roster, TransitionKind
from shared.domain.series import Series, cron_series
from shared.domain.strands import Ends, Gaps, Starts, Strand
from shared.domain.transitions import Transition, transitions
from shared.timing.instants import Instant, iso

_KEPT = 1_024
_FIRST_LOOK_MS = 86_400_000


class RosterSeries:
    """The transitions of a roster."""

    __slots__ = ("_answer", "_counted", "_events", "_gaps", "_names", "_rhythm", "_strands", "roster")

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self._names = dict(roster.people)
        self._events = rosters.subscribed(roster)
        self._gaps = list(_gaps(self._events)) if TransitionKind.GAP_STARTED in roster.on else []
        self._strands = [*_strands(roster, self._events), *self._gaps]
        self._rhythm = Rhythm(self._events, roster.lead_ms)
        self._answer: tuple[Instant, Instant] = (0, 0)  # the first instant after the one moment is the other
        self._counted = (roster.begins, roster.sequence)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RosterSeries) and self.roster == other.roster

    def __hash__(self) -> int:
        return hash((self.roster.schedule_id, self.roster.begins, self.roster.revision))

    def next_after(self, after: Instant) -> Instant | None:
        """The first instant after this moment; None if there is none in sight."""
        asked, answer = self._answer
        if asked <= after < answer:
            return answer
        found = min((each for strand in self._strands if (each := strand.next_after(after)) is not None), default=None)
        seen = self.seen_through(after)
        if found is None or (seen is not None and seen < found):
            return None
        self._answer = after, found
        return found

    def seen_through(self, after: Instant) -> Instant | None:
        """Where there is no instant in sight after this moment: up to where, or None for ever."""
        return min((seen for gaps in self._gaps if (seen := gaps.seen_through(after)) is not None), default=None)

    def latest_through(self, after: Instant, through: Instant) -> Instant | None:
        """The last instant after the one moment and not after the other; None if there is none."""
        found = (strand.latest_through(after, through) for strand in self._strands)
        return max((each for each in found if each is not None), default=None)

    def before_the_latest(self, after: Instant, through: Instant, most: int) -> Instant:
        """The earliest moment from `after` on that has no more than `most` instants after it, up to `through`."""
        begin, span = through, _FIRST_LOOK_MS
        while begin > after:
            begin, span = max(after, through - span), span * 4
            latest = deque(self._between(begin, through), maxlen=most + 1)
            if len(latest) > most:
                return latest[0]
        return after

    def count_between(self, after: Instant, through: Instant) -> int:
        """How many instants come after the one moment and not after the other."""
        total = 0
        for begins, rounds in self._rhythm.rounds(after, through):
            total += self._visited(after, begins) + rounds * self._visited(begins, begins + self._rhythm.period)
            after = begins + rounds * self._rhythm.period
        return total + self._visited(after, through)

    def upcoming(self, after: Instant, count: int) -> list[Instant]:
        """The next instants after this moment, at most so many, in order."""
        instants: list[Instant] = []
        while len(instants) < count and (following := self.next_after(instants[-1] if instants else after)) is not None:
            instants.append(following)
        return instants

    def sequence_at(self, instant: Instant) -> int:
        """The number of the transition at this instant, or of the last one before it."""
        moment, number = self._counted
        number += self.count_between(moment, instant) - self.count_between(instant, moment)
        self._counted = instant, number
        return number

    def body_at(self, instant: Instant, subscription_id: str) -> bytes:
        """What is POSTed for this instant, to the byte."""
        roster = self.roster
        told = transitions(self._events, roster.on, roster.lead_ms, instant)
        body = {
            "scheduleId": roster.schedule_id,
            "subscriptionId": subscription_id,
            "at": iso(instant),
            "sequence": self.sequence_at(instant),
            "revision": roster.revision,
            "transitions": [self._said(transition) for transition in told],
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def _said(self, transition: Transition) -> dict[str, object]:
        shift = transition.shift
        return {
            "kind": transition.kind.value,
            "layer": transition.layer,
            "goes": self._people(transition.goes),
            "comes": self._people(transition.comes),
            "occurrence": None
            if shift is None
            else {"event_id": shift.event_id, "index": shift.index, "start": iso(shift.start), "end": iso(shift.end)},
        }

    def _people(self, account_user_ids: Sequence[str]) -> list[dict[str, str]]:
        return [{"id": each, "name": self._names[each]} for each in account_user_ids]

    def _visited(self, after: Instant, through: Instant) -> int:
        """How many they are, by visiting each."""
        return sum(1 for _ in self._between(after, through))

    def _between(self, after: Instant, through: Instant) -> Iterator[Instant]:
        """Its instants after the one moment and not after the other, in order and once each."""
        last = after
        for instant in merge(*(strand.between(after, through) for strand in self._strands)) if after < through else ():
            if instant > last:
                yield instant
                last = instant


def series_of(expression: str, zone_name: str, roster: bytes, *, seed: str = "") -> Series:
    """The instants of a roster where there is one, otherwise of a rule. Raises a ValueError that says what is wrong."""
    return roster_series(roster) if roster else cron_series(expression, zone_name, seed=seed)


@lru_cache(maxsize=_KEPT)
def roster_series(encoded: bytes) -> RosterSeries:
    """The series of an encoded roster; what was counted of it is remembered. Raises UnintelligibleRoster."""
    return RosterSeries(rosters.decode(encoded))


def _strands(roster: Roster, events: Sequence[OnCallEvent]) -> Iterator[Strand]:
    for event in events:
        if TransitionKind.SHIFT_STARTED in roster.on:
            yield Starts(event)
        if TransitionKind.SHIFT_ENDED in roster.on:
            yield Ends(event)
        if TransitionKind.SHIFT_STARTING in roster.on:
            yield Starts(event, roster.lead_ms)


def _gaps(events: Sequence[OnCallEvent]) -> Iterator[Gaps]:
    for layer in {event.layer for event in events}:
        yield Gaps([event for event in events if event.layer == layer])
