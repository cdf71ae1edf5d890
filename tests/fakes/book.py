"""Events and their ledger as the database has them, in dictionaries, by the domain's own moves; one shard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import msgspec

from api_service.store.stretches import Stretch, behind
from api_service.usecases.skipping import skipped_by_change, skipped_in_pause
from shared.domain.delivery import Delivery
from shared.domain.event import Changes, Event, Status, begins_anew, changed, is_over, paused, resumed, timer_of
from shared.domain.firing import (
    Abandoned,
    Attempted,
    AttemptError,
    Execution,
    Finished,
    Outcome,
    PendingFiring,
    Skipped,
    SkipReason,
)
from shared.domain.series import Series, cron_series
from shared.domain.timer import Timer
from shared.messages.catalogue import Gone, ShardDigest, SnapshotPage, Triggered, Upserted, What
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone

Name = tuple[str, Instant, bool]
_RANK = {Execution.PENDING: 0, Execution.RETRYING: 1, Execution.FAILED: 2, Execution.DELIVERED: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An execution, or a stretch of skipped ones up to `last`."""

    status: Execution
    reason: str = ""
    attempts: int = 0
    attempts_before: int = 0
    due: Instant = 0
    last: Instant = 0
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """From `since` on the event was this."""

    since: Instant
    event: Event


@dataclass
class Book:
    """What Postgres knows."""

    version: int = 0
    epoch: int = 0
    incarnation: str = ""
    events: dict[str, Event] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    rows: dict[Name, Row] = field(default_factory=dict)
    changes: list[What] = field(default_factory=list)
    series: dict[str, int] = field(default_factory=dict)  # the version at which each event's series began
    segments: dict[str, list[Segment]] = field(default_factory=dict)
    states: dict[tuple[str, int], Event] = field(default_factory=dict)  # the event at each of its versions
    _names: Iterator[int] = field(default_factory=count)

    def create(self, now: Instant, *, interval: str, life: int, delivery: Delivery) -> None:
        name = f"e{next(self._names)}"
        self._write(
            Event(
                event_id=name,
                application_id=1,
                shard=0,
                version=0,
                status=Status.INACTIVE,
                event_owner="o@example.com",
                interval=interval,
                timezone="UTC",
                start_date=None,
                end_date=now + life,
                callback_url="http://x.test/",
                context={},
                tags=(),
                created_date=now,
                updated_date=now,
                anchor=now,
                delivery=delivery,
            ),
            now,
        )

    def change(self, name: str, now: Instant, **given: Any) -> None:
        before = self.events[name]
        if not is_over(before, now) or given.get("end_date", 0) > now:
            self._move(before, changed(before, Changes(given=frozenset(given), **given), now), now)

    def pause(self, name: str, now: Instant) -> None:
        if not is_over(self.events[name], now):
            self._move(self.events[name], paused(self.events[name], now), now)

    def resume(self, name: str, now: Instant) -> None:
        if not is_over(self.events[name], now):
            self._move(self.events[name], resumed(self.events[name], now), now)

    def delete(self, name: str) -> None:
        del self.events[name]
        self.deleted.add(name)
        self._say(Gone(name))

    def trigger(self, name: str, now: Instant) -> None:
        event = self.events[name]
        if is_over(event, now) or event.status is Status.PAUSED or (name, now, True) in self.rows:
            return
        self.rows[name, now, True] = Row(status=Execution.PENDING, due=now, last=now)
        self._say(Triggered(PendingFiring(timer_id=name, nominal=now, manual=True, due=now)))

    def replay(self, key: Name, now: Instant) -> None:
        row, event = self.rows[key], self.events.get(key[0])
        if event is None or is_over(event, now) or event.status is Status.PAUSED or row.status is not Execution.FAILED:
            return
        self.rows[key] = replace(
            row, status=Execution.PENDING, reason="", due=now, attempts_before=row.attempts, last=key[1]
        )
        self._say(Triggered(self._pending(key)))

    def record(self, outcome: Outcome) -> None:
        event = self.events.get(outcome.timer_id)
        match outcome:
            case Attempted():
                status = Execution.RETRYING if outcome.retry_at else Execution.FAILED
                status = Execution.DELIVERED if outcome.error is AttemptError.NONE else status
                self._ends(outcome, status, outcome.attempt, due=outcome.retry_at)
            case Abandoned():
                self._ends(outcome, Execution.FAILED, outcome.attempts)
            case Skipped():
                self._skip(outcome)
            case Finished():
                if (
                    event is not None
                    and event.end_date <= outcome.end
                    and outcome.version >= self.series[event.event_id]
                ):
                    self.events[event.event_id] = replace(event, status=Status.FINISHED)
                    self._end_unfinished(event.event_id)
                return
        if event is not None and outcome.version >= self.series[event.event_id]:
            settled = max(event.settled_through or 0, outcome.settled_through)
            self.events[event.event_id] = replace(self.events[event.event_id], settled_through=settled)

    def snapshot(self, incarnation: str, answer: str) -> SnapshotPage:
        handed_over = self.incarnation in {"", incarnation}
        self.epoch += self.incarnation != incarnation
        self.incarnation = incarnation
        live = {name: event for name, event in self.events.items() if event.status is not Status.FINISHED}
        return SnapshotPage(
            shard=0,
            incarnation=incarnation,
            request=answer,
            answer=answer,
            page=0,
            last=True,
            epoch=self.epoch,
            horizon=self.version,
            handed_over=handed_over,
            timers=[self._timer(event) for event in live.values()],
            pending=[
                self._pending(key)
                for key, row in self.rows.items()
                if row.status in {Execution.PENDING, Execution.RETRYING} and key[0] in live
            ],
        )

    def digest(self) -> ShardDigest:
        versions = [event.version for event in self.events.values() if event.status is not Status.FINISHED]
        mixed = 0
        for version in versions:
            mixed ^= version
        return ShardDigest(0, self.version, 0, len(versions), sum(versions), mixed)

    def change_of(self, version: int) -> What:
        what = self.changes[version - 1]
        return Upserted(_copy(what.timer)) if isinstance(what, Upserted) else what

    def expected(self, name: str, until: Instant) -> Iterator[Instant]:
        """Every nominal instant that the event's history has."""
        segments = self.segments[name]
        ends = [*(segment.since for segment in segments[1:]), until]
        for segment, through in zip(segments, ends, strict=True):
            event = segment.event
            after, last = max(event.anchor, segment.since), min(through, event.end_date - 1)
            rule = cron.parse(event.interval)
            while (due := cron.next_after(rule, zone("UTC"), after)) is not None and due <= last:
                yield due
                after = due

    def unaccounted(self, name: str, until: Instant) -> list[Instant]:
        """Those of which the ledger knows nothing."""
        mine = [(nominal, row) for (event, nominal, manual), row in self.rows.items() if event == name and not manual]
        single = {nominal for nominal, _ in mine}
        stretches = [(nominal, row.last) for nominal, row in mine if row.last > nominal]
        return [
            instant
            for instant in self.expected(name, until)
            if instant not in single and not any(first <= instant <= last for first, last in stretches)
        ]

    def _ends(self, outcome: Attempted | Abandoned, status: Execution, attempts: int, due: Instant = 0) -> None:
        key = (outcome.timer_id, outcome.nominal, outcome.manual)
        row, rest = self.rows.get(key), None
        if row is not None and row.count > 1:  # it gives way
            stretch = Stretch(
                event_id=key[0], first=key[1], last=row.last, count=row.count, reason=SkipReason(row.reason)
            )
            row, rest = None, behind(stretch, self._known(key[0]), {key[1]})
        if row is not None and not _beats(status, attempts, row):
            return
        before = row.attempts_before if row is not None else 0
        self.rows[key] = Row(
            status=status,
            reason=outcome.reason or "",
            attempts=attempts,
            attempts_before=before,
            due=due,
            last=outcome.nominal,
        )
        if rest is not None:
            self._put(rest)

    def _skip(self, outcome: Skipped) -> None:
        key = (outcome.timer_id, outcome.first, outcome.manual)
        row = self.rows.get(key)
        if outcome.count > 1:
            self._put(Stretch.of(outcome))
        elif row is None:
            self.rows[key] = Row(status=Execution.SKIPPED, **_extent(outcome))
        elif row.status is Execution.PENDING:
            self.rows[key] = replace(row, status=Execution.SKIPPED, reason=outcome.reason, due=0)

    def _put(self, stretch: Stretch) -> None:
        """It begins where nothing was attempted or is asked for; of two that begin together the longer counts."""
        taken = {
            nominal
            for (event, nominal, manual), row in self.rows.items()
            if event == stretch.event_id and not manual and (row.status is not Execution.SKIPPED or row.attempts)
        }
        rest = behind(stretch, self._known(stretch.event_id), taken)
        if rest is not None:
            key = (rest.event_id, rest.first, False)
            if key not in self.rows or self.rows[key].last < rest.last:
                self.rows[key] = Row(status=Execution.SKIPPED, **_extent(rest))

    def _known(self, name: str) -> list[Series]:
        return [cron_series(segment.event.interval, "UTC") for segment in reversed(self.segments[name])]

    def _end_unfinished(self, name: str) -> None:
        for key, row in self.rows.items():
            if key[0] == name and row.status in {Execution.PENDING, Execution.RETRYING}:
                status = Execution.SKIPPED if row.status is Execution.PENDING else Execution.FAILED
                self.rows[key] = replace(row, status=status, reason="ended")

    def _move(self, before: Event, after: Event, now: Instant) -> None:
        if after == before:
            return
        if after.anchor != before.anchor and before.status is not Status.FINISHED:
            was_paused = before.status is Status.PAUSED
            reason = SkipReason.PAUSED if was_paused else SkipReason.CHANGED
            for one in skipped_in_pause(before, now) if was_paused else skipped_by_change(before, now, now):
                self._put(
                    Stretch(event_id=before.event_id, first=one.first, last=one.last, count=one.count, reason=reason)
                )
        self._write(after, now, anew=begins_anew(after, before))

    def _write(self, event: Event, now: Instant, *, anew: bool = True) -> None:
        written = replace(event, version=self.version + 1)
        if anew:
            self.series[event.event_id] = written.version
        self.events[event.event_id] = written
        self.states[event.event_id, written.version] = written
        self.segments.setdefault(event.event_id, []).append(Segment(since=now, event=written))
        self._say(Upserted(timer_of(written)))

    def _timer(self, event: Event) -> Timer:
        timer = _copy(timer_of(event))
        settled: set[Instant] = set()
        rule = cron.parse(event.interval)
        for (name, nominal, manual), row in self.rows.items():
            if name == event.event_id and not manual and nominal > timer.anchor:
                many = cron.count_between(rule, zone("UTC"), nominal, row.last)
                settled.update([nominal, *cron.upcoming(rule, zone("UTC"), nominal, many)])
        timer.settled = tuple(sorted(settled))
        return timer

    def _pending(self, key: Name) -> PendingFiring:
        name, nominal, manual = key
        row = self.rows[key]
        return PendingFiring(
            timer_id=name,
            nominal=nominal,
            manual=manual,
            attempts=row.attempts,
            due=row.due,
            attempts_before=row.attempts_before,
        )

    def _say(self, what: What) -> None:
        self.version += 1
        self.changes.append(what)


def _beats(status: Execution, attempts: int, row: Row) -> bool:
    if row.status is Execution.SKIPPED:
        return True
    if row.status is Execution.DELIVERED or status is Execution.DELIVERED:
        return row.status is not Execution.DELIVERED
    return (attempts, _RANK[status]) > (row.attempts, _RANK[row.status])


def _extent(of: Skipped | Stretch) -> dict[str, Any]:
    return {"reason": of.reason, "last": of.last, "count": of.count}


def _copy(timer: Timer) -> Timer:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(timer), type=Timer)
