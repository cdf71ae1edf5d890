"""Creations that wait share a transaction; what fails together is tried alone, so nobody fails by his neighbours.

Under load a transaction costs more than the rows in it: statements on their way to Postgres and back, and a commit that
waits for the disk. None of what one creation does is left out for being one of several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from api_service.store import idempotency, quotas
from api_service.store.database import Connection, Database
from api_service.store.idempotency import Remembered
from api_service.usecases.creating import (
    Begun,
    Once,
    create_alone,
    fault_of_owner,
    unknown_owners,
    write_all,
)
from api_service.usecases.sharing import Shared, SharedFailedError
from shared.domain.errors import DomainError, InvalidInput, QuotaExceeded
from shared.domain.event import Event

# What a transaction holds at the most, by its rows: it keeps the shards of its events from everybody else. The rows of
# an event without terms are so many that there are no more events in it than others leave room for in their quotas.
_ROWS_MOST: Final = 1_000
_ROWS_EACH: Final = _ROWS_MOST // quotas.BESIDE_OTHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """An event that somebody waits for, and what it is answered with."""

    begun: Begun
    once: Once | None
    answer: Callable[[Event], str]

    @property
    def key(self) -> tuple[int, str] | None:
        """What it is done once under, of which application."""
        return None if self.once is None else (self.begun.means.application_id, self.once.key)


class _Alone:
    """Nothing is written of it, and it is to be tried by itself."""


_ALONE: Final = _Alone()
_Outcome: TypeAlias = str | DomainError | _Alone


class Creations:
    """Creates events for whoever waits, together; `run` must be running."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shared: Shared[Creation, _Outcome] = Shared(self._write, most=_ROWS_MOST, weight=_rows)
        self._keys: set[tuple[int, str]] = set()

    async def run(self) -> None:
        """Write what waits, for ever."""
        await self._shared.run()

    async def create(self, creation: Creation) -> str:
        """The words that answer whoever wants it. Raises what `create_alone` raises."""
        outcome = await self._shared_outcome(creation)
        if isinstance(outcome, _Alone):
            return await create_alone(creation.begun, creation.once, creation.answer)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    async def _shared_outcome(self, creation: Creation) -> _Outcome:
        key = creation.key
        if key is not None and key in self._keys:  # its twin is under way: what became of that is seen when it is done
            return _ALONE
        if key is not None:
            self._keys.add(key)
        try:
            return await self._shared.ask(creation)
        except SharedFailedError:
            return _ALONE
        finally:
            if key is not None:
                self._keys.discard(key)

    async def _write(self, creations: Sequence[Creation]) -> list[_Outcome]:
        """What became of each. Where somebody elsewhere had a key first, nobody's is written, and then all others'."""
        taken: set[tuple[int, str]] = set()  # for good, so that every round has fewer keys than the one before
        while True:
            outcomes: dict[int, _Outcome] = {place: _ALONE for place, one in enumerate(creations) if one.key in taken}
            places = [place for place in range(len(creations)) if place not in outcomes]
            try:
                async with self._database.transaction() as c:
                    await _write(c, creations, places, outcomes)
            except _KeysTakenError as found:
                taken |= found.keys
                continue
            creations[0].begun.means.wake_relay()
            return [outcomes[place] for place in range(len(creations))]


async def _write(
    c: Connection, creations: Sequence[Creation], places: Sequence[int], outcomes: dict[int, _Outcome]
) -> None:
    """Write those at these places, as far as they may be, and put down what becomes of each."""
    written = await _allowed(c, creations, places, outcomes)
    if not written:
        return
    events = await write_all(c, [creations[place].begun for place in written])
    answers = {place: creations[place].answer(event) for place, event in zip(written, events, strict=True)}
    outcomes |= answers
    await _remember(c, [creations[place] for place in written], list(answers.values()))


async def _allowed(
    c: Connection, creations: Sequence[Creation], places: Sequence[int], outcomes: dict[int, _Outcome]
) -> list[int]:
    """Those that have a place, and an owner; what becomes of the others is put down."""
    unknown = await unknown_owners(c, [creations[place].begun for place in places])
    for at in unknown:
        outcomes[places[at]] = InvalidInput([fault_of_owner(creations[places[at]].begun.event)])
    left = [place for place in places if place not in outcomes]
    means = creations[0].begun.means
    wanted = Counter(creations[place].begun.means.application_id for place in left)
    room = dict(await quotas.room(c, wanted, means.quota_events)) if wanted else {}
    written = []
    for place in left:
        creation = creations[place]
        application_id = creation.begun.means.application_id
        if room[application_id] > 0:
            room[application_id] -= 1
            written.append(place)
        else:  # who repeats a creation that took a place has its answer coming
            outcomes[place] = QuotaExceeded() if creation.once is None else _ALONE
    return written


class _KeysTakenError(Exception):
    """Simultaneous requests with these keys have created their events; ours must not be."""

    def __init__(self, keys: set[tuple[int, str]]) -> None:
        super().__init__()
        self.keys = keys


async def _remember(c: Connection, creations: Sequence[Creation], answers: Sequence[str]) -> None:
    """Waits for twins that are not yet committed, and leaves the transaction where there was one."""
    kept = [
        (
            creation.begun.means.application_id,
            creation.once.key,
            Remembered(request_hash=creation.once.request_hash, event_id=creation.begun.event.event_id, answer=answer),
            creation.begun.means.now,
        )
        for creation, answer in zip(creations, answers, strict=True)
        if creation.once is not None
    ]
    if kept and (taken := {row[:2] for row in kept} - await idempotency.remember_all(c, kept)):
        raise _KeysTakenError(taken)


def _rows(creation: Creation) -> int:
    return _ROWS_EACH + creation.begun.rows
