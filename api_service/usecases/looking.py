"""Look without touching: one event, a list of them, what became of their firings, when an interval would ring."""

from __future__ import annotations

import asyncio

from api_service import limits
from api_service.schemas.executions_wanted import ExecutionsWanted
from api_service.schemas.listing import EventsWanted
from api_service.schemas.previews import PreviewWanted
from api_service.store import events, ledger, partitions
from api_service.store.events import ContextFilter, Filters
from api_service.store.ledger import ExecutionRow, Matching, Place
from api_service.usecases.means import Means
from shared.domain.errors import Unavailable
from shared.domain.event import Event
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone


async def get_event(means: Means, event_id: str) -> Event:
    """The event. Raises EventNotFound."""
    async with means.database.connection() as c:
        return await events.get(c, means.application_id, event_id)


async def find_events(means: Means, wanted: EventsWanted) -> tuple[list[Event], int]:
    """A page of the events that match, newest first, and how many match in all."""
    async with means.database.connection() as c:
        return await events.page(c, means.application_id, filters_of(wanted), wanted.limit, wanted.offset)


def filters_of(wanted: EventsWanted) -> Filters:
    """Which events, as the store is asked for them."""
    return Filters(
        owners=wanted.owners,
        tags=wanted.tags,
        contexts=tuple(
            ContextFilter(path=wish.path, type=wish.type, value=wish.value, is_array=wish.is_array)
            for wish in wanted.contexts
        ),
        status=wanted.statuses,
    )


async def find_executions(
    means: Means, event_id: str, wanted: ExecutionsWanted
) -> tuple[list[ExecutionRow], int, bool]:
    """A page of the event's firings that match, newest first, how many match in all, and whether this is the last page.

    Raises EventNotFound.
    """
    matching = Matching(since=wanted.since, until=wanted.until, statuses=wanted.statuses, manual=wanted.manual)
    async with means.database.moment() as c:
        await partitions.stay(c)
        await events.get(c, means.application_id, event_id)
        found, total = await ledger.executions(c, event_id, matching, limit=wanted.limit + 1, before=wanted.before)
    return found[: wanted.limit], total, len(found) <= wanted.limit


async def get_execution(means: Means, event_id: str, place: Place) -> ExecutionRow:
    """One firing of the event, with what was answered. Raises EventNotFound, ExecutionNotFound."""
    async with means.database.moment() as c:
        await partitions.stay(c)
        await events.get(c, means.application_id, event_id)
        return await ledger.execution(c, event_id, place)


async def preview(wanted: PreviewWanted, turn: asyncio.Lock) -> tuple[list[Instant], str]:
    """When the interval rings, by the very function that rings it, and the same in words. Raises Unavailable.

    A rare rule keeps a processor busy for a second: so one is computed at a time, in a thread, and all else goes on.
    """
    try:
        async with asyncio.timeout(limits.PREVIEW_SECONDS):
            await turn.acquire()
    except TimeoutError:
        raise Unavailable("More previews are asked for than can be computed; try again shortly.") from None
    try:
        return await asyncio.to_thread(_preview, wanted)
    finally:
        turn.release()


def _preview(wanted: PreviewWanted) -> tuple[list[Instant], str]:
    rule = cron.parse(wanted.interval, seed=wanted.interval)
    instants = cron.upcoming(rule, zone(wanted.timezone), wanted.after, wanted.count)
    return list(instants), cron.describe(rule)
