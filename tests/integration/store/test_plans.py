"""A listing reads its indexes in proportion to what its filter lets pass, with the planner's statistics and without.

Small data, and the plans that matter when it is large: the tables of events are never read from end to end.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from api_service.store import events, listing
from api_service.store.database import Connection, connect
from api_service.store.events import Filters
from api_service.store.migrations import migrate
from api_service.store.terms import tag_term
from shared.domain.event import Status
from tests.bench import population
from tests.bench.population import APPLICATION
from tests.servers.postgres import Postgres

SIZE = 20_000
RARE, SOME, HUGE = 100, 400, SIZE // 2  # how many events have the tags vip, beta, prod and eu, about

Plan = dict[str, Any]


async def filled(dsn: str) -> None:
    await migrate(dsn, shards=population.SHARDS, now=population.MILLISECONDS)
    async with connect(dsn) as connection:
        await connection.execute("alter table event_term set (autovacuum_enabled = off)")
        await population.fill(connection, SIZE)


@pytest.fixture
async def c(postgres: Postgres) -> AsyncIterator[Connection]:
    async with connect(await postgres.fresh_database(filled)) as connection:
        yield connection


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


async def plan_of(c: Connection, statement: str, *values: object) -> list[Plan]:
    text = await c.fetchval(f"explain (analyze, format json) {statement}", *values)
    return list(nodes(json.loads(text)[0]["Plan"]))


def read_from(plan: list[Plan], *tables: str) -> int:
    """How many rows the plan's scans of these tables brought up, kept or not."""
    return sum(
        round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in plan
        if node.get("Relation Name") in tables
    )


def indexes(plan: list[Plan]) -> set[str]:
    """By which indexes tables are read; by their own name where they are read from end to end."""
    return {
        str(node.get("Index Name") or node["Relation Name"])
        for node in plan
        if "Index Name" in node or node["Node Type"] == "Seq Scan"
    }


def tagged(*tags: str, **more: Any) -> list[list[listing.Fact]]:
    """The groups of a filter with these tags, in their order, before whatever else it has."""
    first: list[list[listing.Fact]] = [[tag_term(tag)] for tag in tags]
    return first + (listing.groups_of(Filters(**more)) or [])


async def check_few(c: Connection) -> None:
    """Where few events pass, few rows are read, and only by index."""
    _, terms, states = listing._columns(tagged("beta"))
    one = await plan_of(c, listing.SQL["one_filter"], APPLICATION, terms, states, 10, 0, [], 0)
    assert SOME * 0.8 < read_from(one, "event_term") <= SOME * 2

    few = await plan_of(c, listing.SQL["few"], APPLICATION, *listing._columns(tagged("vip", "prod", "eu")), 10, 0)
    assert RARE < read_from(few, "event_term") <= 3 * RARE

    running = tagged("vip", status=frozenset({Status.ACTIVE}))
    with_status = await plan_of(c, listing.SQL["few"], APPLICATION, *listing._columns(running), 10, 0)
    assert RARE < read_from(with_status, "event_term", "event_state") <= 2 * RARE

    sizes = await plan_of(c, listing.SQL["sizes"], APPLICATION, *listing._columns(tagged("vip", "prod")), 500)
    assert RARE < read_from(sizes, "event_term", "event_state") <= RARE + 500

    for plan in (one, few, with_status, sizes):
        assert indexes(plan) == {"event_term_pkey", "event_state_status"}


async def check_many(c: Connection) -> None:
    """Where many pass, every filter is read once, in order, and merged; and the planner is itself again afterwards."""
    groups = tagged("prod", "eu", owners=("ops@example.com", "billing@example.com"))
    statement, facts = listing._many(groups)
    async with c.transaction():
        await c.execute(listing.SQL["merge_only"])
        plan = await plan_of(c, statement, APPLICATION, 10, 0, *facts)
        await c.execute(listing.SQL["as_usual"])
        rows = await plan_of(c, events.SQL["page_rows"], APPLICATION, [population.event_id(n) for n in range(10)])

    kinds = [node["Node Type"] for node in plan]
    assert (kinds.count("Merge Join"), kinds.count("Merge Append"), kinds.count("Sort")) == (4, 2, 0)
    assert indexes(plan) == {"event_term_pkey"}
    assert read_from(plan, "event_term") <= 4 * HUGE + 200
    assert read_from(rows, "event", "event_state") == 20


async def test_listings_read_what_they_must_by_index(c: Connection) -> None:
    await check_few(c)  # a bulk load has just ended, and the planner knows nothing yet
    await check_many(c)

    await c.execute("vacuum analyze")
    await check_few(c)
    await check_many(c)

    everything = await plan_of(c, listing.SQL["all"], APPLICATION, 10, 0, [])
    assert indexes(everything) == {"event_newest"}
    assert read_from(everything, "event") == SIZE + 10


async def test_a_deep_page_is_reached(c: Connection) -> None:
    page, total = await events.page(c, APPLICATION, Filters(), 10, SIZE - 5)
    assert [one.event_id for one in page] == [population.event_id(number) for number in (4, 3, 2, 1, 0)]
    assert total == SIZE

    page, total = await events.page(c, APPLICATION, Filters(tags=("even",)), 10, SIZE // 2 - 2)
    assert [one.event_id for one in page] == [population.event_id(2), population.event_id(0)]
    assert total == SIZE // 2
