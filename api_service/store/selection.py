"""Which events does something in bulk concern, and which of them does it change? Counts and names of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from api_service.store import listing
from api_service.store.database import Connection
from api_service.store.listing import Filters
from api_service.store.queries import load
from shared.domain.event import Status

SQL = load(__file__)

Version: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How many events match, how many of those are to be changed, and the newest of them as of their versions."""

    matched: int
    concerned: int
    events: Sequence[Version]


async def select(
    c: Connection, application_id: int, filters: Filters, statuses: frozenset[Status], *, limit: int
) -> Selection:
    """The events that match and, where `statuses` are given, have one of them; of those at most `limit` by name.

    Needs a transaction whose statements all see the same moment.
    """
    _, matched = await listing.matching(c, application_id, filters, 1, 0)
    narrowed = _narrowed(filters, statuses)
    if narrowed is None:
        return Selection(matched=matched, concerned=0, events=())
    event_ids, concerned = await listing.matching(c, application_id, narrowed, limit, 0)
    versions = {row["event_id"]: row["version"] for row in await c.fetch(SQL["versions"], application_id, event_ids)}
    return Selection(matched=matched, concerned=concerned, events=[(one, versions[one]) for one in event_ids])


def _narrowed(filters: Filters, statuses: frozenset[Status]) -> Filters | None:
    """The filters, with the statuses too; None where no event can have both."""
    if not statuses:
        return filters
    both = filters.status & statuses if filters.status else statuses
    return replace(filters, status=both) if both else None
