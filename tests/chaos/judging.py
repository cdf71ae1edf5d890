"""Is every instant accounted for, and did nothing ring that should not? A journal, a ledger and arrivals in; pure.

The ledger, of every event that was not deleted:
* Every instant that the event surely had is in it, once, settled, with a reason where it was not delivered.
* DELIVERED arrived where the receiver says 2xx; what arrived is not SKIPPED; FAILED is only what the receiver refused.
* Every ring by hand that was answered is in it too. It knows of nothing that was not due; a stretch counts right.

Arrivals, of every event:
* Nothing arrives that no rule has or nobody asked for, and nothing under another name than its own.
* Nothing arrives from endDate on, while paused, once deleted, of a rule that was changed, after a 410.
* No attempt arrives twice.

What a fault excuses of this is in `excuses`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tests.acceptance.client import iso
from tests.chaos import excuses
from tests.chaos.excuses import HEARD_MS, TRAVEL_MS
from tests.chaos.journal import FOR_EVER, Journal, Move, Story, Turn
from tests.chaos.truth import counted, expected, has, may_ring, was_triggered
from tests.servers.receiver import Arrival

RUNNING: Final = frozenset({"PENDING", "RETRYING"})
BY_HAND: Final = "-manual"
NEAR_MS: Final = 30_000
ANSWERED_WELL: Final = frozenset({"ok", "slow", "flaky"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the ledger: one instant, or a stretch of skipped ones up to `last`."""

    nominal: int
    last: int
    status: str
    reason: str = ""
    count: int = 1
    name: str = ""

    @property
    def is_manual(self) -> bool:
        """Was it asked for by hand?"""
        return self.name.endswith(BY_HAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing may arrive from `since` to `until`, once it is heard what was `told`, and `why`."""

    why: str
    told: int
    since: int
    until: int = FOR_EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """What is wrong with an instant of an event."""

    story: Story
    instant: int
    what: str


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What became of everything."""

    expected: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    running: int = 0
    latest: int = 0  # milliseconds from an instant until it arrived
    unheard: int = 0  # milliseconds from an answer until the last ring that did not know of it
    accusations: list[Accusation] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)  # the accusations, and what was seen


def judge(journal: Journal, ledgers: Mapping[str, Collection[Entry]], arrivals: Iterable[Arrival]) -> Verdict:
    """The verdict; `ledgers` by event."""
    verdict = Verdict()
    rings: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in sorted(arrivals, key=lambda one: one.arrived):
        rings[arrival.event_id].append(arrival)
    for story in journal.stories:
        _judge_rings(verdict, journal, story, rings[story.event])
        if not story.is_deleted:
            entries = ledgers.get(story.event, ())
            account(verdict, story, entries)
            for said in _contradictions(journal, story, entries, rings[story.event]):
                _accuse(verdict, story, *said)
    for one in verdict.accusations:
        verdict.violations.append(_told(one, ledgers.get(one.story.event, ()), rings[one.story.event]))
    return verdict


def account(verdict: Verdict, story: Story, entries: Collection[Entry]) -> None:
    """Is every instant in the ledger, and settled?"""
    single = {entry.name: entry for entry in entries if entry.count == 1}
    stretches = [entry for entry in entries if entry.count > 1]
    wanted = [(instant, f"{story.event}-{instant}") for instant in expected(story)]
    wanted += [(turn.ended, turn.name) for turn in story.turns if turn.name]
    for instant, name in wanted:
        verdict.expected += 1
        within = [] if name.endswith(BY_HAND) else [one for one in stretches if one.nominal <= instant <= one.last]
        entry = single.get(name) or next(iter(within), None)
        if entry is None:
            verdict.missing += 1
            _accuse(verdict, story, instant, f"is missing from the ledger{' by hand' * name.endswith(BY_HAND)}")
            continue
        verdict.statuses[entry.status] += 1
        if entry.status == "SKIPPED":
            verdict.skipped[entry.reason] += 1
        elif entry.status == "FAILED":
            verdict.failed[entry.reason] += 1
    for entry in entries:
        if entry.status in RUNNING:
            verdict.running += 1
            _accuse(verdict, story, entry.nominal, f"is still {entry.status}")


def _contradictions(
    journal: Journal, story: Story, entries: Collection[Entry], rings: Collection[Arrival]
) -> Iterator[tuple[int, str]]:
    """What the ledger says and the receiver does not."""
    arrived: dict[str, list[Arrival]] = defaultdict(list)
    for ring in rings:
        arrived[ring.name].append(ring)
    answered_well = story.path.strip("/").partition("/")[0] in ANSWERED_WELL
    for entry in entries:
        rung = arrived[entry.name]
        if not _fits(story, entry):
            yield entry.nominal, f"is {_said(entry)}, and no rule of the event has it"
        if entry.status == "DELIVERED" and not (rung and answered_well):
            yield entry.nominal, f"is DELIVERED, and {'was refused' if rung else 'never arrived'}"
        if not entry.reason and entry.status in {"SKIPPED", "FAILED"}:
            yield entry.nominal, f"is {entry.status} for no reason"
        if entry.count > 1:
            yield from _told_twice(journal, story, entry, entries)
        if entry.status == "SKIPPED":
            yield from _skipped(journal, story, entry, rings)
        if entry.status == "FAILED" and not _may_fail(journal, story, entry, rung):
            yield entry.nominal, f"is {_said(entry)}, and the receiver is well"


def _skipped(journal: Journal, story: Story, entry: Entry, rings: Collection[Arrival]) -> Iterator[tuple[int, str]]:
    """What arrived is not skipped, unless whoever skips it cannot know that it arrived for the first time."""
    first: dict[int, Arrival] = {}
    for ring in rings:
        if ring.name.endswith(BY_HAND) is entry.is_manual:
            first.setdefault(ring.nominal, ring)
    for nominal, ring in first.items():
        if entry.nominal <= nominal <= entry.last and not excuses.unreported(journal, story.path, ring.arrived):
            yield nominal, f"is {_said(entry)}, and arrived {_late(ring)}"


def _told_twice(
    journal: Journal, story: Story, stretch: Entry, entries: Collection[Entry]
) -> Iterator[tuple[int, str]]:
    """Nobody skips what somebody else has skipped, unless that was not told in time; of rings another is asked."""
    spread = story.wish.get("spreadSeconds", 0) * 1_000
    for entry in entries:
        if (
            entry is stretch
            or entry.is_manual
            or entry.status != "SKIPPED"
            or not stretch.nominal <= entry.nominal <= stretch.last
        ):
            continue
        moments = (entry.nominal, entry.nominal + spread)
        if entry.count > 1 or not any(excuses.unreported(journal, story.path, one) for one in moments):
            yield entry.nominal, f"is told of twice: {_said(stretch)}, {_said(entry)}"


def _may_fail(journal: Journal, story: Story, entry: Entry, rung: Collection[Arrival]) -> bool:
    kind = story.path.strip("/").partition("/")[0]
    if kind not in ANSWERED_WELL:
        return True
    if kind == "flaky" and (entry.reason in {"paused", "ended"} or story.wish["retryPolicy"]["maxAttempts"] == 1):
        return True
    moments = [entry.nominal, *(ring.arrived for ring in rung)]
    return any(excuses.is_frozen_about(journal, one, excuses.PATIENCE_MS) for one in moments)


def _fits(story: Story, entry: Entry) -> bool:
    if entry.is_manual:
        return was_triggered(story, entry.nominal)
    if entry.count == 1:
        return any(has(interval, entry.nominal) for interval in story.intervals)
    return any(counted(interval, entry.nominal, entry.last) == entry.count for interval in story.intervals)


def _judge_rings(verdict: Verdict, journal: Journal, story: Story, rings: Collection[Arrival]) -> None:
    attempts: dict[tuple[str, int], list[Arrival]] = defaultdict(list)
    silences = [*_silences(story), *_ends(journal, story), *_after_gone(journal, story, rings)]
    for ring in rings:
        attempts[ring.name, ring.attempt].append(ring)
        if ring.name.removesuffix(BY_HAND) != f"{story.event}-{ring.nominal}":
            _accuse(verdict, story, ring.nominal, f"arrived as {ring.name}")
        for one in silences:
            if one.since <= ring.arrived < one.until:
                verdict.unheard = max(verdict.unheard, ring.arrived - one.since)
                if not excuses.is_unheard(journal, one.told, ring.arrived):
                    _accuse(verdict, story, ring.nominal, f"arrived {ring.arrived - one.since} ms after {one.why}")
        if not _is_due(journal, story, ring):
            _accuse(verdict, story, ring.nominal, f"arrived {_late(ring)}, and no rule of the event has it")
    for (_, attempt), again in attempts.items():
        if attempt == 1 and not story.wish.get("spreadSeconds"):
            verdict.latest = max(verdict.latest, again[0].late)
        _judge_repetitions(verdict, journal, story, again)


def _judge_repetitions(verdict: Verdict, journal: Journal, story: Story, rings: list[Arrival]) -> None:
    for first, again in pairwise(rings):
        cause = excuses.repeated(journal, story.path, first, again)
        verdict.duplicates[cause] += 1
        if not cause:
            who = f"by epochs {first.epoch} and {again.epoch}, {_late(first)} and {_late(again)}"
            _accuse(verdict, story, first.nominal, f"attempt {first.attempt} arrived twice for no reason, {who}")


def _is_due(journal: Journal, story: Story, ring: Arrival) -> bool:
    """Has a rule this instant, or had one that the change of rule had not reached?"""
    if ring.name.endswith(BY_HAND):
        return was_triggered(story, ring.nominal)
    if may_ring(story, ring.nominal):
        return True
    changes = [turn for turn in story.turns if turn.move is Move.CHANGE and turn.ended < ring.nominal]
    if not changes or not any(has(interval, ring.nominal) for interval in story.intervals):
        return False
    return excuses.is_unheard(journal, changes[-1].ended, ring.arrived)


def _silences(story: Story) -> Iterator[Silence]:
    for place, turn in enumerate(story.turns):
        following = story.turns[place + 1 :]
        if turn.doubtful:
            return
        if turn.move is Move.DELETE:
            yield Silence(why="deletion", told=turn.ended, since=turn.ended)
        elif turn.move is Move.PAUSE:
            resumed = next((one.begun for one in following if one.move is Move.RESUME), FOR_EVER)
            yield Silence(why="pause", told=turn.ended, since=turn.ended, until=resumed)


def _ends(journal: Journal, story: Story) -> Iterator[Silence]:
    """Each endDate, while it was the one; that of the creation is known to whoever knows the event."""
    ends = [turn for turn in story.turns if turn.end]
    for turn, following in zip(ends, [*ends[1:], None], strict=True):
        yield Silence(
            why="endDate",
            told=-FOR_EVER if turn.move is Move.CREATE else turn.ended,
            since=turn.end + TRAVEL_MS + journal.stall,
            until=FOR_EVER if following is None else following.begun,
        )


def _after_gone(journal: Journal, story: Story, rings: Collection[Arrival]) -> Iterator[Silence]:
    """A 410 pauses the event, unless it was being changed at that moment; a fault may lose the news."""
    if not story.path.startswith("/status/410"):
        return
    for ring in rings:
        about = (ring.arrived - HEARD_MS, ring.arrived + HEARD_MS)
        is_moving = any(turn.begun <= about[1] and turn.ended >= about[0] for turn in story.turns)
        if not is_moving and excuses.is_well(journal, *about):
            until = next((turn.begun for turn in story.turns if turn.begun > ring.arrived), FOR_EVER)
            yield Silence(why="410", told=ring.arrived, since=ring.arrived + 1, until=until)


def _accuse(verdict: Verdict, story: Story, instant: int, what: str) -> None:
    verdict.accusations.append(Accusation(story=story, instant=instant, what=what))


def _told(one: Accusation, entries: Collection[Entry], rings: Collection[Arrival]) -> str:
    """The accusation, and all that was seen of the instant: arrivals, lines of the ledger, and moves."""
    seen = [
        f"attempt {ring.attempt} {_late(ring)}, epoch {ring.epoch}" for ring in rings if ring.nominal == one.instant
    ]
    seen += [_said(entry) for entry in entries if entry.nominal <= one.instant <= entry.last]
    seen += [_moved(turn, one.instant) for turn in one.story.turns if abs(turn.ended - one.instant) < NEAR_MS]
    about = f"{one.story.event} at {one.story.path}: {iso(one.instant)} {one.what}"
    return f"{about}\n      seen: {'; '.join(seen) or 'nothing'}"


def _said(entry: Entry) -> str:
    said = f"{entry.status} ({entry.reason})" if entry.reason else entry.status
    return said if entry.count == 1 else f"{said}, one of {entry.count}"


def _late(ring: Arrival) -> str:
    return f"{ring.late} ms late"


def _moved(turn: Turn, instant: int) -> str:
    return f"{turn.move} {turn.begun - instant:+}..{turn.ended - instant:+} ms"
