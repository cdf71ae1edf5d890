"""Make one thing in an application that is held; with an Idempotency-Key once, however often that is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api_service.store import idempotency
from api_service.store.database import Connection
from api_service.store.idempotency import Remembered
from api_service.store.oncall import application
from api_service.usecases.creating import Once, repeated
from api_service.usecases.means import Means
from shared.domain.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made: its id, and the words that answer whoever wanted it."""

    made_id: str
    answer: str


async def made_once(means: Means, once: Once | None, make: Callable[[Connection], Awaitable[Made]]) -> str:
    """The words that answer whoever wants it: it is made, unless `once` was kept before. Raises KeyReused.

    `make` is given the transaction, which holds the application.
    """
    async with means.database.transaction() as c:
        await application.held(c, means.application_id)
        earlier = None if once is None else await idempotency.find(c, means.application_id, once.key)
        if once is not None and earlier is not None:
            return repeated(earlier, once)
        made = await make(c)
        if once is not None:
            kept = Remembered(request_hash=once.request_hash, event_id=made.made_id, answer=made.answer)
            if not await idempotency.remember(c, means.application_id, once.key, kept, now=means.now):
                raise Unavailable  # only a callback event's creation can have been faster; the next try is told so
    return made.answer
