"""How does a report enter the ledger? One message in one transaction, and once, however often it comes.

Locks are taken in this order: the rows of events that end, the states of all events, both by id; then the ledger's.
No row of a shard is locked beside them: writers lock it last, and a recorder must not hold them up.
Facts are kept whoever reports them; what a dispatcher says that no longer owns the shard is flagged as stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import asyncpg
import msgspec

from api_service.store import notifications, stretches
from api_service.store.database import Connection
from api_service.store.queries import load
from api_service.store.stretches import Stretch
from shared.domain.firing import Abandoned, Attempted, AttemptError, Execution, FailReason, Finished, Outcome, Skipped
from shared.domain.retry import GONE
from shared.messages.catalogue import Outcomes, Released, Report
from shared.observability.tracebacks import said_of
from shared.timing.instants import Instant, to_datetime

SQL = load(__file__)

Name: TypeAlias = tuple[str, Instant, bool]  # timer, nominal instant, by hand


class Unrecordable(Exception):
    """The message says something that Postgres will never take."""


@dataclass(slots=True)
class _Standing:
    """Where one event stands after a message, as far as the message says. `settled` is by versions of the event."""

    settled: dict[int, Instant] = field(default_factory=dict)
    last_run: Instant | None = None


@dataclass(frozen=True, slots=True, order=True)
class _Result:
    """Where a firing stands after an attempt, or without another.

    The greatest counts, as it does in `insert_attempted`: delivered, then the latest, then what is final.
    """

    is_delivered: bool
    attempts: int
    is_final: bool
    reason: str
    due: Instant
    effective: Instant  # 0 where the report does not say

    @property
    def status(self) -> Execution:
        """As the ledger says it."""
        if self.is_delivered:
            return Execution.DELIVERED
        return Execution.FAILED if self.is_final else Execution.RETRYING

    def joined(self, other: _Result) -> _Result:
        """What both say together, in whatever order they came."""
        return replace(max(self, other), effective=max(self.effective, other.effective))


@dataclass(slots=True)
class _Digested:
    """A message, each fact once: a statement that meets the same row twice fails."""

    attempts: dict[tuple[str, Instant, bool, int, int], tuple[Report, Attempted]] = field(default_factory=dict)
    results: dict[Name, _Result] = field(default_factory=dict)
    given_up: dict[Name, _Result] = field(default_factory=dict)
    skipped: dict[Name, str] = field(default_factory=dict)  # single ones, and why
    stretches: list[Stretch] = field(default_factory=list)
    ends: dict[str, tuple[int, Instant]] = field(default_factory=dict)  # of which version, and when
    standings: dict[str, _Standing] = field(default_factory=dict)

    def take(self, report: Report, outcome: Outcome) -> None:
        """Count this outcome in."""
        match outcome:
            case Attempted():
                name = (outcome.timer_id, outcome.nominal, outcome.manual)
                self.attempts[*name, report.epoch, outcome.attempt] = report, outcome
                _join(self.results, name, _result(outcome))
                self._stands(outcome, outcome.started)
            case Abandoned():
                name = (outcome.timer_id, outcome.nominal, outcome.manual)
                _join(self.given_up, name, _Result(False, outcome.attempts, True, outcome.reason, 0, 0))
                self._stands(outcome, None)
            case Skipped():
                self._skip(outcome)
                self._stands(outcome, None)
            case Finished():
                end = (outcome.version, outcome.end)
                self.ends[outcome.timer_id] = max(end, self.ends.get(outcome.timer_id, end))

    def _skip(self, outcome: Skipped) -> None:
        if outcome.count > 1:
            self.stretches.append(Stretch.of(outcome))
        else:  # of two reasons the greater one counts, as it does in `insert_skipped`
            name = (outcome.timer_id, outcome.first, outcome.manual)
            self.skipped[name] = max(outcome.reason, self.skipped.get(name, ""))

    def _stands(self, outcome: Attempted | Abandoned | Skipped, run: Instant | None) -> None:
        standing = self.standings.setdefault(outcome.timer_id, _Standing())
        version, through = outcome.version, outcome.settled_through
        standing.settled[version] = max(through, standing.settled.get(version, through))
        if run is not None:
            standing.last_run = max(run, standing.last_run or run)

    @property
    def unfinished(self) -> set[str]:
        """The timers of firings that somebody means to attempt again."""
        return {timer_id for (timer_id, _, _), result in self.results.items() if result.status is Execution.RETRYING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """An event whose receiver has answered 410 to this version of it."""

    application_id: int
    event_id: str
    version: int


async def record(c: Connection, message: Outcomes, now: Instant, *, notify: bool = False) -> None:
    """Write the message down, in the caller's transaction, and where owners are notified, what they are to be told.

    Raises Unrecordable where it never can be.
    """
    digested = _Digested()
    for report in message.reports:
        for outcome in report.outcomes:
            digested.take(report, outcome)

    with _refusals():
        over = await _lock_the_ended(c, digested.ends)
        await _move_states(c, digested.standings, {timer_id: digested.ends[timer_id][0] for timer_id in over})
        await _insert_attempts(c, digested, message.dispatcher)
        await _insert_executions(c, digested, now)
        if ended := over | digested.unfinished:  # a report may come when its event is over, or no more
            await c.execute(SQL["end_unfinished"], sorted(ended), to_datetime(now))
        if notify:
            await notifications.note_results(c, notifications.results(message), now)


async def release(c: Connection, released: Released) -> None:
    """Write down that the owner of a shard said goodbye, unless it is the owner no longer. Raises like `record`."""
    with _refusals():
        await c.execute(SQL["release"], released.shard, released.incarnation, released.epoch)


async def gone(c: Connection, message: Outcomes) -> list[Gone]:
    """The events that run although their receivers want no more of them, as of the version that they answered to."""
    told = sorted(set(_told_gone(message)))
    return [Gone(**row) for row in await c.fetch(SQL["running_gone"], *_columns(told))] if told else []


def tells_of_gone(message: Outcomes) -> bool:
    """Is there a receiver in it that wants no more?"""
    return any(_told_gone(message))


def _told_gone(message: Outcomes) -> Iterator[tuple[str, int]]:
    for report in message.reports:
        for outcome in report.outcomes:
            if isinstance(outcome, Attempted) and outcome.status_code == GONE and outcome.reason is FailReason.GONE:
                yield outcome.timer_id, outcome.version


def one_by_one(message: Outcomes) -> Iterator[Outcomes]:
    """The message as many, each with one outcome, so that a bad one does not spoil the others."""
    for report in message.reports:
        for outcome in report.outcomes:
            alone = Report(report.shard, report.incarnation, report.epoch, [outcome])
            yield Outcomes(message.dispatcher, [alone])


async def _lock_the_ended(c: Connection, ends: dict[str, tuple[int, Instant]]) -> set[str]:
    """The events among these that are really over: a client may have given one a new end meanwhile."""
    if not ends:
        return set()
    ids = sorted(ends)
    rows = await c.fetch(SQL["lock_ended"], ids, [to_datetime(ends[timer_id][1]) for timer_id in ids])
    return {row["event_id"] for row in rows}


async def _move_states(c: Connection, standings: dict[str, _Standing], over: dict[str, int]) -> None:
    nothing = _Standing()
    ids = sorted(standings.keys() | over.keys())
    last_runs = [_moment(standings.get(timer_id, nothing).last_run) for timer_id in ids]
    settled = [
        (timer_id, version, to_datetime(through))
        for timer_id, standing in standings.items()
        for version, through in standing.settled.items()
    ]
    if ids:
        told: list[Sequence[Any]] = _columns(settled) or [[], [], []]
        await c.execute(SQL["move_states"], ids, last_runs, [over.get(timer_id) for timer_id in ids], *told)


async def _insert_attempts(c: Connection, digested: _Digested, dispatcher: str) -> None:
    if digested.attempts:
        rows = [_attempt_row(*digested.attempts[key]) for key in sorted(digested.attempts)]
        await c.execute(SQL["insert_attempts"], *_columns(rows), dispatcher)


def _attempt_row(report: Report, attempted: Attempted) -> tuple[Any, ...]:
    answered = attempted.status_code != 0
    return (
        attempted.timer_id,
        to_datetime(attempted.nominal),
        attempted.manual,
        report.epoch,
        attempted.attempt,
        to_datetime(attempted.started),
        attempted.duration_ms,
        attempted.status_code,
        attempted.error,
        report.shard,
        report.incarnation,
        attempted.body if answered else None,
        attempted.truncated,
        msgspec.json.encode(dict(attempted.headers)).decode() if answered else None,
    )


async def _insert_executions(c: Connection, digested: _Digested, now: Instant) -> None:
    moment = to_datetime(now)
    for results, since_before in ((digested.results, 0), (digested.given_up, 1)):
        if results:
            rows = [_result_row(name, results[name]) for name in sorted(results)]
            told = *_columns(rows), since_before, moment
            if _written(await c.execute(SQL["insert_attempted"], *told)) < len(rows):  # at the others stretches begin
                await stretches.give_way(c, results, now)
                await c.execute(SQL["insert_attempted"], *told)
    if digested.skipped:
        singles = [(timer_id, to_datetime(at), manual, why) for (timer_id, at, manual), why in digested.skipped.items()]
        await c.execute(SQL["insert_skipped"], *_columns(sorted(singles)), moment)
    await stretches.put(c, digested.stretches, now)


def _result_row(name: Name, result: _Result) -> tuple[Any, ...]:
    timer_id, nominal, manual = name
    return (
        timer_id,
        to_datetime(nominal),
        manual,
        result.status,
        result.reason,
        result.attempts,
        to_datetime(result.due) if result.due else None,
        to_datetime(result.effective) if result.effective else None,
    )


def _result(outcome: Attempted) -> _Result:
    delivered = outcome.error is AttemptError.NONE
    retry_at = 0 if delivered else outcome.retry_at
    return _Result(
        is_delivered=delivered,
        attempts=outcome.attempt,
        is_final=not retry_at,
        reason="" if delivered or retry_at else outcome.reason or "",
        due=retry_at,
        effective=outcome.effective or outcome.nominal,
    )


def _join(results: dict[Name, _Result], name: Name, result: _Result) -> None:
    results[name] = result.joined(results.get(name, result))


def _written(status: str) -> int:
    """How many rows an INSERT has written, by what Postgres says of it."""
    return int(status.rpartition(" ")[2])


def _columns(rows: Any) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True))


def _moment(instant: Instant | None) -> Any:
    return None if instant is None else to_datetime(instant)


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell what will never be taken from what only did not work this time."""
    try:
        yield
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, OverflowError) as error:
        raise Unrecordable(said_of(error)) from error  # what Postgres says quotes the row
