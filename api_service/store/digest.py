"""What do messages say, each fact once? A statement that meets the same row twice fails.

This runs for every ring there is, so it keeps to tuples and dicts: with dataclasses and datetimes it took, columns
included, 41 us an outcome where it now takes 13. And it asks for an outcome's very type, since `isinstance` of a
msgspec.Struct goes through Python's abc.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from api_service.store.stretches import Stretch
from shared.domain.firing import Abandoned, Attempted, AttemptError, Execution, FailReason, Finished, Outcome, Skipped
from shared.domain.retry import GONE
from shared.messages.catalogue import Outcomes
from shared.timing.instants import Instant

Name: TypeAlias = tuple[str, Instant, bool]  # timer, nominal instant, by hand


class Result(NamedTuple):
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

    def joined(self, other: Result) -> Result:
        """What both say together, in whatever order they came."""
        return max(self, other)._replace(effective=max(self.effective, other.effective))


class Reporter(NamedTuple):
    """Who says so: the owner of a shard in an epoch."""

    shard: int
    incarnation: str
    epoch: int
    dispatcher: str


@dataclass(slots=True)
class Digest:
    """What some messages say."""

    reporters: list[Reporter] = field(default_factory=list)
    # By name, epoch and number; and the place of its reporter among `reporters`.
    attempts: dict[tuple[str, Instant, bool, int, int], tuple[int, Attempted]] = field(default_factory=dict)
    results: dict[Name, Result] = field(default_factory=dict)
    given_up: dict[Name, Result] = field(default_factory=dict)
    skipped: dict[Name, str] = field(default_factory=dict)  # single ones, and why
    stretches: list[Stretch] = field(default_factory=list)
    ends: dict[str, tuple[int, Instant]] = field(default_factory=dict)  # of which version, and when
    settled: dict[tuple[str, int], Instant] = field(default_factory=dict)  # by version of the event
    last_runs: dict[str, Instant | None] = field(default_factory=dict)  # of every timer that something happened to

    @classmethod
    def of(cls, messages: Iterable[Outcomes]) -> Digest:
        """All that these messages say."""
        made = cls()
        for message in messages:
            for report in message.reports:
                epoch, by = report.epoch, len(made.reporters)
                made.reporters.append(Reporter(report.shard, report.incarnation, epoch, message.dispatcher))
                for outcome in report.outcomes:
                    if type(outcome) is Attempted:
                        made.attempted(outcome, by, epoch)
                    else:
                        made.not_attempted(outcome)
        return made

    def attempted(self, outcome: Attempted, by: int, epoch: int) -> None:
        """Count an attempt in."""
        timer_id, number = outcome.timer_id, outcome.attempt
        name = (timer_id, outcome.nominal, outcome.manual)
        self.attempts[*name, epoch, number] = by, outcome
        result = _result(outcome)
        known = self.results.get(name)
        self.results[name] = result if known is None else known.joined(result)
        self._settles(timer_id, outcome.version, outcome.settled_through)
        self.last_runs[timer_id] = max(outcome.started, self.last_runs.get(timer_id) or outcome.started)

    def not_attempted(self, outcome: Outcome) -> None:
        """Count in what is not an attempt."""
        match outcome:
            case Abandoned():
                name = (outcome.timer_id, outcome.nominal, outcome.manual)
                result = Result(False, outcome.attempts, True, outcome.reason, 0, 0)
                known = self.given_up.get(name)
                self.given_up[name] = result if known is None else known.joined(result)
                self._stands(outcome)
            case Skipped():
                self._skip(outcome)
                self._stands(outcome)
            case Attempted():
                pass  # is counted in by `attempted`
            case Finished():
                end = (outcome.version, outcome.end)
                self.ends[outcome.timer_id] = max(end, self.ends.get(outcome.timer_id, end))

    @property
    def unfinished(self) -> set[str]:
        """The timers of firings that somebody means to attempt again."""
        return {
            timer_id
            for (timer_id, _, _), result in self.results.items()
            if not (result.is_delivered or result.is_final)
        }

    @property
    def gone(self) -> set[tuple[str, int]]:
        """The timers whose receivers want no more, and the versions of them that were answered so."""
        return {
            (outcome.timer_id, outcome.version)
            for _, outcome in self.attempts.values()
            if outcome.status_code == GONE and outcome.reason is FailReason.GONE
        }

    def _skip(self, outcome: Skipped) -> None:
        if outcome.count > 1:
            self.stretches.append(Stretch.of(outcome))
        else:  # of two reasons the greater one counts, as it does in `insert_skipped`
            name = (outcome.timer_id, outcome.first, outcome.manual)
            self.skipped[name] = max(outcome.reason, self.skipped.get(name, ""))

    def _stands(self, outcome: Abandoned | Skipped) -> None:
        self._settles(outcome.timer_id, outcome.version, outcome.settled_through)
        self.last_runs.setdefault(outcome.timer_id, None)

    def _settles(self, timer_id: str, version: int, through: Instant) -> None:
        of = (timer_id, version)
        self.settled[of] = max(through, self.settled.get(of, through))


def _result(outcome: Attempted) -> Result:
    effective = outcome.effective or outcome.nominal
    if outcome.error is AttemptError.NONE:
        return Result(True, outcome.attempt, True, "", 0, effective)
    retry_at = outcome.retry_at
    return Result(False, outcome.attempt, not retry_at, "" if retry_at else outcome.reason or "", retry_at, effective)
