"""Create many events in one transaction: all or none, and each as if it had been created alone.

Within the transaction are locks that others wait for; so whatever can be done before it, or after it, is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from math import inf
from typing import Final, TypeAlias

from api_service.schemas.batch import problem_of
from api_service.schemas.events import NewEvent
from api_service.store import idempotency, quotas
from api_service.store.database import Connection
from api_service.store.idempotency import Remembered
from api_service.usecases.creating import Begun, Once, begin, fault_of_owner, repeated, unknown_owners, write_all
from api_service.usecases.means import Means
from api_service.usecases.slices import Pace, in_slices
from shared.domain.errors import InvalidInput, QuotaTooSmall, TookTooLong, Unavailable
from shared.domain.event import Event
from shared.domain.ids import ulid

Answer: TypeAlias = Callable[[Sequence[Event]], Generator[None, None, str]]

_ULID_ENTROPY: Final = 10
_TWINS_MOST: Final = 3


async def create_all(means: Means, wanted: Sequence[NewEvent], *, once: Once | None, answer: Answer, pace: Pace) -> str:
    """The answer to whoever wants these events: all of them are created, unless `once` was kept before.

    `answer` puts events into words; under one key the words never change. Raises KeyReused, QuotaTooSmall,
    InvalidInput and TookTooLong.
    """
    begun = await in_slices(_begun(means, wanted), pace)
    if once is not None:
        said = await _create_once(means, begun, once, answer, pace)
        means.wake_relay()
        return said

    async with _turn(means, pace), means.database.transaction() as c:
        _check_room(begun, await _room(c, means, begun))
        events = await _write(c, begun)
    means.wake_relay()
    # They are there by now, and whoever wanted them is told so however long that takes.
    return await in_slices(answer(events), replace(pace, until=inf))


def _begun(means: Means, wanted: Sequence[NewEvent]) -> Generator[None, None, list[Begun]]:
    """The events as they will be written; their ids ascend in the order that was given, so that lists have it too."""
    entropy = means.entropy(_ULID_ENTROPY * len(wanted))  # each call goes to the kernel
    event_ids = sorted(
        ulid(means.now, entropy[first : first + _ULID_ENTROPY]) for first in range(0, len(entropy), _ULID_ENTROPY)
    )
    begun = []
    for one, event_id in zip(wanted, event_ids, strict=True):
        begun.append(begin(means, one, event_id))
        yield
    return begun


@asynccontextmanager
async def _turn(means: Means, pace: Pace) -> AsyncIterator[None]:
    """What is written in bulk leaves connections to single requests."""
    async with means.database.turn_in_bulk(pace.left) as mine:
        if not mine:
            raise TookTooLong
        yield


async def _create_once(means: Means, begun: Sequence[Begun], once: Once, answer: Answer, pace: Pace) -> str:
    for _ in range(_TWINS_MOST):
        try:
            async with _turn(means, pace), means.database.transaction() as c:
                return await _created_or_told(c, means, begun, once, answer, pace)
        except _TwinWasFasterError:  # and has committed: the next round finds its answer
            continue
    raise Unavailable


class _TwinWasFasterError(Exception):
    """A simultaneous request with the same key has created its events; ours must not be."""


async def _created_or_told(
    c: Connection, means: Means, begun: Sequence[Begun], once: Once, answer: Answer, pace: Pace
) -> str:
    room = await _room(c, means, begun)
    earlier = await idempotency.find(c, means.application_id, once.key)
    if earlier is not None:  # be it that it took the last places itself
        return repeated(earlier, once)
    _check_room(begun, room)
    events = await _write(c, begun)
    said = await in_slices(answer(events), pace)
    kept = Remembered(request_hash=once.request_hash, event_id=events[0].event_id, answer=said)
    if not await idempotency.remember(c, means.application_id, once.key, kept, now=means.now):
        raise _TwinWasFasterError
    return said


async def _room(c: Connection, means: Means, begun: Sequence[Begun]) -> int:
    room = await quotas.room(c, {means.application_id: len(begun)}, means.quota_events)
    return room[means.application_id]


def _check_room(begun: Sequence[Begun], room: int) -> None:
    if room < len(begun):
        raise QuotaTooSmall(len(begun), room)


async def _write(c: Connection, begun: Sequence[Begun]) -> list[Event]:
    """The events as they are written. Raises InvalidInput."""
    if unknown := await unknown_owners(c, begun):
        raise InvalidInput([problem_of(place, fault_of_owner(begun[place].event)) for place in unknown])
    return await write_all(c, begun)
