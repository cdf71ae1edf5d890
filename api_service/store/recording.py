"""How does a report enter the ledger? Some messages in one transaction, and once, however often they come.

Locks are taken in this order: the rows of events that end, the states of all events, both by id; then the ledger's.
No row of a shard is locked beside them: writers lock it last, and a recorder must not hold them up.
Facts are kept whoever reports them; what a dispatcher says that no longer owns the shard is flagged as stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg
import msgspec

from api_service.store import notifications, stretches
from api_service.store.database import Connection
from api_service.store.digest import Digest, Name, Result
from api_service.store.queries import load
from shared.domain.delivery import Headers
from shared.messages.catalogue import Outcomes, Released, Report
from shared.observability.tracebacks import said_of
from shared.timing.instants import FIRST, LAST, Instant, to_datetime

SQL = load(__file__)


class Unrecordable(Exception):
    """The message says something that Postgres will never take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """An event whose receiver has answered 410 to this version of it."""

    application_id: int
    event_id: str
    version: int


async def record(c: Connection, told: Digest, now: Instant, *, notify: bool = False) -> None:
    """Write it down, in the caller's transaction, and where owners are notified, what they are to be told.

    Raises Unrecordable where it never can be.
    """
    with _refusals():
        over = await _lock_the_ended(c, told.ends)
        await _move_states(c, told, {timer_id: told.ends[timer_id][0] for timer_id in over})
        await _insert_attempts(c, told)
        await _insert_executions(c, told, now)
        if ended := over | told.unfinished:  # a report may come when its event is over, or no more
            await c.execute(SQL["end_unfinished"], list(ended), to_datetime(now))
        if notify:
            await notifications.note_results(c, notifications.results(told), now)


async def release(c: Connection, released: Released) -> None:
    """Write down that the owner of a shard said goodbye, unless it is the owner no longer. Raises like `record`."""
    with _refusals():
        await c.execute(SQL["release"], released.shard, released.incarnation, released.epoch)


async def gone(c: Connection, told: Digest) -> list[Gone]:
    """The events that run although their receivers want no more of them, as of the version that they answered to."""
    return [Gone(**row) for row in await c.fetch(SQL["running_gone"], *_columns(told.gone))] if told.gone else []


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
    rows = await c.fetch(SQL["lock_ended"], list(ends), _moments([end for _, end in ends.values()]))
    return {row["event_id"] for row in rows}


async def _move_states(c: Connection, told: Digest, over: dict[str, int]) -> None:
    ids = list(told.last_runs.keys() | over.keys())
    if ids:
        await c.execute(
            SQL["move_states"],
            ids,
            _moments([told.last_runs.get(timer_id) for timer_id in ids]),
            [over.get(timer_id) for timer_id in ids],
            [timer_id for timer_id, _ in told.settled],
            [version for _, version in told.settled],
            _moments(list(told.settled.values())),
        )


async def _insert_attempts(c: Connection, told: Digest) -> None:
    if not told.attempts:
        return
    attempts = [attempted for _, attempted in told.attempts.values()]
    await c.execute(
        SQL["insert_attempts"],
        *zip(*told.reporters, strict=True),
        [by for by, _ in told.attempts.values()],
        [one.timer_id for one in attempts],
        _moments([one.nominal for one in attempts]),
        [one.manual for one in attempts],
        [one.attempt for one in attempts],
        _moments([one.started for one in attempts]),
        [one.duration_ms for one in attempts],
        [one.status_code for one in attempts],
        [one.error for one in attempts],
        [one.body if one.status_code else None for one in attempts],
        [one.truncated for one in attempts],
        [_headers(one.headers) if one.status_code else None for one in attempts],
    )


async def _insert_executions(c: Connection, told: Digest, now: Instant) -> None:
    moment = to_datetime(now)
    for results, since_before in ((told.results, 0), (told.given_up, 1)):
        if results:
            arguments = *_result_columns(results), since_before, moment
            # At the others stretches begin.
            if _written(await c.execute(SQL["insert_attempted"], *arguments)) < len(results):
                await stretches.give_way(c, results, now)
                await c.execute(SQL["insert_attempted"], *arguments)
    if told.skipped:
        singles = [(timer_id, to_datetime(at), manual, why) for (timer_id, at, manual), why in told.skipped.items()]
        await c.execute(SQL["insert_skipped"], *_columns(singles), moment)
    await stretches.put(c, told.stretches, now)


def _result_columns(results: dict[Name, Result]) -> list[Sequence[Any]]:
    timer_ids, nominals, manuals = zip(*results, strict=True)
    return [
        timer_ids,
        _moments(nominals),
        manuals,
        [one.status for one in results.values()],
        [one.reason for one in results.values()],
        [one.attempts for one in results.values()],
        _moments([one.due or None for one in results.values()]),
        _moments([one.effective or None for one in results.values()]),
    ]


def _written(status: str) -> int:
    """How many rows an INSERT has written, by what Postgres says of it."""
    return int(status.rpartition(" ")[2])


def _columns(rows: Any) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True))


def _moments(instants: Sequence[Instant | None]) -> Sequence[Instant | None]:
    """A column of milliseconds, of which the statement makes moments: sending a datetime costs 2 us more.

    Raises OverflowError where there is one among them that no datetime could tell again.
    """
    known = [one for one in instants if one is not None]
    if known and (min(known) < FIRST or max(known) > LAST):
        raise OverflowError("a moment that no calendar has")
    return instants


@lru_cache(maxsize=256)
def _headers(told: Headers) -> str:
    """As JSON. What receivers answer differs little."""
    return msgspec.json.encode(dict(told)).decode()


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell what will never be taken from what only did not work this time."""
    try:
        yield
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, OverflowError) as error:
        raise Unrecordable(said_of(error)) from error  # what Postgres says quotes the row
