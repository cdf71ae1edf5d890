"""Which events match, newest first, and how many? One statement for each shape of question, whatever the filters.

Filters become groups of facts, and an event passes a group when it has one of its facts. An event has at most one fact
of any group (one owner, one status), so numbers add up. Facts are looked up in `event_term` and, for the status, which
changes as events ring, in `event_state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from api_service.store.database import Connection
from api_service.store.queries import load
from api_service.store.terms import Kind, context_term, owner_term, tag_term
from shared.domain.event import Status

if TYPE_CHECKING:
    import asyncpg

SQL = load(__file__)

# Up to this many events a filter's matches are handed to the next filter; beyond it, merging is faster.
FEW = 25_000

Fact: TypeAlias = "UUID | Status"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFilter:
    """The context has this value at this path; with `is_array`, it has an array there that contains the value."""

    path: tuple[str, ...]
    type: Kind
    value: str
    is_array: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Any of the owners, all of the tags, every context filter, any of the statuses; what is empty lets all pass."""

    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    contexts: tuple[ContextFilter, ...] = ()
    status: frozenset[Status] = frozenset()


async def matching(
    c: Connection, application_id: int, filters: Filters, limit: int, offset: int, *, few: int = FEW
) -> tuple[list[str], int]:
    """The ids of the events that match, newest first, `limit` of them from `offset` on, and how many match in all.

    Needs a transaction whose statements all see the same moment.
    """
    groups = groups_of(filters)
    if groups is None:
        return [], 0
    if not groups:
        row = await c.fetchrow(SQL["all"], application_id, limit, offset, await _subscriptions(c, application_id))
    elif len(groups) == 1:
        row = await _one_filter(c, application_id, groups[0], limit, offset)
    else:
        row = await _several_filters(c, application_id, groups, limit, offset, few)
    if row is None:
        raise LookupError("a listing always answers with one row")
    return row["event_ids"], row["total"]


def groups_of(filters: Filters) -> list[list[Fact]] | None:
    """The facts an event must have, one of each group; None where no event can have them."""
    contexts = {
        context_term(wanted.path, wanted.type, wanted.value, is_array=wanted.is_array) for wanted in filters.contexts
    }
    terms = [*{tag_term(tag) for tag in filters.tags}, *contexts]
    if None in terms:
        return None
    groups: list[list[Fact]] = [[term] for term in terms if term is not None]
    if filters.owners:
        groups.append([owner_term(owner) for owner in dict.fromkeys(filters.owners)])
    if filters.status:
        groups.append(list(filters.status))
    return groups


async def _one_filter(
    c: Connection, application_id: int, facts: Sequence[Fact], limit: int, offset: int
) -> asyncpg.Record | None:
    _, terms, states = _columns([facts])
    apart = await _subscriptions(c, application_id) if any(states) else []
    many = await c.fetchval(SQL["standing"], apart, states) if apart else 0
    return await c.fetchrow(SQL["one_filter"], application_id, terms, states, limit, offset, apart, many)


async def _subscriptions(c: Connection, application_id: int) -> list[str]:
    """What subscribes to schedules: it has no terms, so only statuses find it, and it is not to be listed."""
    return [row["event_id"] for row in await c.fetch(SQL["subscriptions"], application_id)]


async def _several_filters(
    c: Connection, application_id: int, groups: Sequence[Sequence[Fact]], limit: int, offset: int, few: int
) -> asyncpg.Record | None:
    sizes = await c.fetch(SQL["sizes"], application_id, *_columns(groups), few + 1)
    ordered = [groups[size["filter"]] for size in sizes]
    if sizes[0]["matches"] <= few:
        return await c.fetchrow(SQL["few"], application_id, *_columns(ordered), limit, offset)

    statement, facts = _many(ordered)
    await c.execute(SQL["merge_only"])
    row = await c.fetchrow(statement, application_id, limit, offset, *facts)
    await c.execute(SQL["as_usual"])
    return row


def _many(groups: Sequence[Sequence[Fact]]) -> tuple[str, list[Fact]]:
    """The statement `many` for these groups, and what goes into its places from the fourth on."""
    places = count(4)
    numbered = [[(fact, next(places)) for fact in facts] for facts in groups]
    statement = SQL["many"].format(filters_upward=_joined(numbered, "asc"), filters_downward=_joined(numbered, "desc"))
    return statement, [fact for facts in groups for fact in facts]


def _joined(numbered: Sequence[Sequence[tuple[Fact, int]]], direction: str) -> str:
    filters = []
    for number, facts in enumerate(numbered):
        order = f"order by event_id {direction}" if len(facts) > 1 else ""
        branches = [
            SQL["of_status" if isinstance(fact, Status) else "of_term"].format(fact=f"${place}", order=order)
            for fact, place in facts
        ]
        using = "using (event_id)" if number else ""
        filters.append(f"({' union all '.join(branches)}) as filter_{number} {using}")
    return " join ".join(filters)


def _columns(groups: Sequence[Sequence[Fact]]) -> tuple[list[int], list[UUID | None], list[Status | None]]:
    """The facts as three columns: number of the group, term, status."""
    facts = [(number, fact) for number, group in enumerate(groups) for fact in group]
    return (
        [number for number, _ in facts],
        [None if isinstance(fact, Status) else fact for _, fact in facts],
        [fact if isinstance(fact, Status) else None for _, fact in facts],
    )
