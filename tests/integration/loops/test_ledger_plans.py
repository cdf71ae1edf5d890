"""What a statement costs does not grow with the weeks of the ledger: it touches the partitions it must, by index."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from api_service.store import ledger, partitions, recording, snapshots, stretches
from api_service.store.database import Connection, connect
from shared.timing.instants import to_datetime
from tests.bench.recording import event_id, fill
from tests.integration.loops.ledger_weeks import WEEK
from tests.integration.loops.scene import NOW, SECOND
from tests.servers.postgres import Postgres

EVENTS, WEEKS, EACH = 1_000, 5, 4
WEEK_SECONDS = 7 * 24 * 3600

EVERYTHING = [None] * 6  # since, until, statuses, by hand, and what a page begins behind

Plan = dict[str, Any]

FILL = """
    insert into execution (event_id, nominal, manual, status, last, recorded)
    select lpad(n::text, 26, '0'), moment, false,
        case when n % 100 = 0 and nth = 1 then 'RETRYING' else 'DELIVERED' end,
        moment, moment
    from generate_series(0, $1 - 1) as n, generate_series(1, $2) as week, generate_series(1, $3) as nth,
        lateral (select $4::timestamptz + make_interval(weeks => week - 1, secs => nth - 1) as moment) as at
"""
FILL_ATTEMPTS = """
    insert into attempt (
        event_id, nominal, manual, epoch, attempt, started, duration_ms, status_code, error, dispatcher, stale
    )
    select event_id, nominal, manual, 1, 1, nominal, 1, 200, '', 'd', false from execution
"""


async def filled(dsn: str) -> None:
    await fill(dsn, EVENTS)
    async with connect(dsn) as c:
        await partitions.prepare(c, NOW)
        await c.execute(FILL, EVENTS, WEEKS, EACH, to_datetime(NOW))
        await c.execute(FILL_ATTEMPTS)


@pytest.fixture(params=["analyzed", "unknown"])
async def c(postgres: Postgres, request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    """A ledger of five weeks, of which the planner has statistics or none."""
    async with connect(await postgres.fresh_database(filled)) as connection:
        if request.param == "analyzed":
            await connection.execute("vacuum analyze")
        yield connection


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


async def plan_of(c: Connection, statement: str, *values: object) -> list[Plan]:
    text = await c.fetchval(f"explain (analyze, format json) {statement}", *values)
    return list(nodes(json.loads(text)[0]["Plan"]))


def read(plan: list[Plan]) -> dict[str, int]:
    """How many rows of each partition that was looked at were brought up, kept or not."""
    rows: dict[str, int] = {}
    for node in plan:
        name = str(node.get("Relation Name", ""))
        if name.startswith(("execution", "attempt")) and "Scan" in node["Node Type"] and node["Actual Loops"]:
            brought = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            rows[name] = rows.get(name, 0) + round(brought)
    return rows


def scanned(plan: list[Plan]) -> list[str]:
    """The partitions with rows that were read from end to end."""
    return [
        node["Relation Name"]
        for node in plan
        if node["Node Type"] == "Seq Scan" and node["Relation Name"].startswith(("execution_2", "attempt_2"))
    ]


async def test_a_firing_is_looked_up_in_one_partition(c: Connection) -> None:
    plan = await plan_of(c, ledger.SQL["execution"], event_id(7), to_datetime(NOW), False)

    assert read(plan) == {f"execution_{WEEK}": 1}
    assert scanned(plan) == []


async def test_the_newest_executions_are_read_from_their_end(c: Connection) -> None:
    plan = await plan_of(c, ledger.SQL["executions"], event_id(7), *EVERYTHING, 2)

    assert scanned(plan) == []
    assert sum(read(plan).values()) <= WEEKS * EACH
    assert "Seq Scan" not in {node["Node Type"] for node in plan}


async def test_attempts_are_found_by_their_firings(c: Connection) -> None:
    moments = [to_datetime(NOW + second * SECOND) for second in (0, 1)]
    plan = await plan_of(c, ledger.SQL["attempts"], event_id(7), moments, [False, False], False)

    assert scanned(plan) == []
    assert sum(read(plan).values()) <= WEEKS * EACH


async def test_what_is_unfinished_is_found_among_the_unfinished(c: Connection) -> None:
    one = await plan_of(c, ledger.SQL["end_unfinished"], event_id(100), "deleted", to_datetime(NOW))
    assert scanned(one) == []
    assert sum(read(one).values()) == WEEKS

    over = await plan_of(c, recording.SQL["end_unfinished"], [event_id(200)], to_datetime(NOW))
    assert scanned(over) == []

    await c.execute(snapshots.SQL["walk"])
    pending = await plan_of(c, snapshots.SQL["pending"], 36)
    assert scanned(pending) == []
    assert sum(read(pending).values()) <= (EVENTS // 100) * WEEKS


async def test_a_recorder_writes_to_one_partition_only(c: Connection) -> None:
    values: list[Any] = [[event_id(7)], [NOW], [False], ["FAILED"], ["exhausted"], [2], [None], [None]]
    locked = """
        select relation::regclass::text from pg_locks
        where pid = pg_backend_pid() and mode = 'RowExclusiveLock'
            and relation in (select relid from pg_partition_tree('execution'))
        order by 1
    """
    async with c.transaction():
        await c.execute(recording.SQL["insert_attempted"], *values, 0, to_datetime(NOW))
        touched = [row[0] for row in await c.fetch(locked)]

    assert touched == ["execution", f"execution_{WEEK}"]


async def test_what_is_in_the_way_of_a_stretch_is_found_in_its_time_and_what_gives_way_by_its_event(
    c: Connection,
) -> None:
    begin, end = to_datetime(NOW), to_datetime(NOW + SECOND)
    taken = await plan_of(c, stretches.SQL["taken"], event_id(7), begin, end, 1_000)
    assert read(taken) == {f"execution_{WEEK}": 2}
    assert scanned(taken) == []

    shortened = await plan_of(
        c, stretches.SQL["shorten"], [event_id(7)] * 50, [begin] * 50, [False] * 50, to_datetime(NOW)
    )
    assert scanned(shortened) == []


async def test_a_shard_is_read_beyond_its_anchors_only(c: Connection) -> None:
    await c.execute("update event_state set settled_through = $1", to_datetime(NOW + 4 * WEEK_SECONDS * SECOND))
    async with c.transaction():
        await c.execute(snapshots.SQL["walk"])
        plan = await plan_of(c, snapshots.SQL["settled"], [event_id(3)], [NOW + 4 * WEEK_SECONDS * SECOND], None)

    assert scanned(plan) == []
    assert set(read(plan)) <= {"execution_2027w06", "execution_default"}


async def test_weeks_that_are_made_ahead_are_not_looked_into_for_every_timer(c: Connection) -> None:
    async with c.transaction():
        await c.execute(snapshots.SQL["walk"])
        plan = await plan_of(c, snapshots.SQL["settled"], [event_id(3)], [NOW - SECOND], to_datetime(NOW + SECOND))

    assert scanned(plan) == []
    assert set(read(plan)) <= {f"execution_{WEEK}", "execution_default"}
