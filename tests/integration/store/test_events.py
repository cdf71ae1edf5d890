"""An event comes back as it went in, whoever else writes at the same time, and only to its own application."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from api_service.store import events
from api_service.store.database import Connection, Database
from shared.domain.delivery import DEFAULT, Delivery, MisfirePolicy, OverlapPolicy, RetryPolicy
from shared.domain.errors import EventNotFound
from shared.domain.event import Event, PauseReason, Status
from tests.integration.store.scene import DAY, NOW, event, event_id, insert, terms, write

DELIVERY = Delivery(
    retry=RetryPolicy(max_attempts=1, initial_interval_ms=2_000, max_interval_ms=3_000, backoff_coefficient=1.1),
    timeout_ms=4_000,
    misfire_policy=MisfirePolicy.ALL,
    misfire_grace_ms=5_000,
    overlap_policy=OverlapPolicy.SKIP,
    spread_ms=6_000,
    headers=(("Authorization", 'a "quoted" \\ secret'), ("x-b", "two")),
)


async def rows_about(c: Connection, name: str) -> dict[str, int]:
    return {
        table: await c.fetchval(f"select count(*) from {table} where event_id = $1", name)  # noqa: S608 - the three below
        for table in ("event", "event_state", "event_term")
    }


async def test_an_event_comes_back_to_the_millisecond(database: Database, ours: int) -> None:
    written = event(
        1,
        ours,
        status=Status.PAUSED,
        event_owner="grüße@example.com",
        timezone="Europe/Berlin",
        start_date=-1,  # 1969-12-31T23:59:59.999Z
        end_date=253_402_300_799_999,  # the last millisecond of the year 9999
        tags=("prod", "", "ünïcödé"),
        context={"user": 12345},
        created_date=NOW + 1,
        updated_date=NOW + 2,
        anchor=NOW + 3,
        settled_through=NOW + 4,
        last_run_date=NOW + 5,
        delivery=DELIVERY,
        paused_reason=PauseReason.GONE,
    )
    await write(database, written)

    async with database.connection() as c:
        assert await events.get(c, ours, written.event_id) == written


@pytest.mark.parametrize(
    "value",
    [2**64 + 1, -(10**99), 0.1, 1e-300, 12345.0, True, None, '\u0000\u001f/\\"', "ü\U0001f514", [], {}, {"": [[]]}],
    ids=repr,
)
async def test_a_context_comes_back_as_it_was(database: Database, ours: int, value: Any) -> None:
    written = event(1, ours, context={"value": value, "then": 1, "a": 2})
    await write(database, written)

    async with database.connection() as c:
        got = (await events.get(c, ours, written.event_id)).context
    assert json.dumps(got) == json.dumps(written.context)  # dumps tells 1 from 1.0 and True, and sees the order


@pytest.mark.parametrize("tag", ['"', "\\", '\\"', "{}", ",", "NULL", " ", "a\nb", "{a,b}", "'"], ids=repr)
async def test_a_tag_comes_back_as_it_was(database: Database, ours: int, tag: str) -> None:
    written = event(1, ours, tags=(tag, "then", tag))
    await write(database, written)

    async with database.connection() as c:
        assert (await events.get(c, ours, written.event_id)).tags == written.tags


async def test_many_that_are_written_at_once_are_each_what_it_is_alone(
    database: Database, ours: int, theirs: int
) -> None:
    given: list[dict[str, Any]] = [
        {},
        {"tags": ("prod", "eu", '"'), "context": {"user": 1, "list": [1, 2, 3]}},
        {"start_date": NOW + 5, "anchor": NOW + 5, "delivery": DELIVERY},
        {"status": Status.PAUSED, "paused_reason": PauseReason.CLIENT, "timezone": "Europe/Berlin"},
        {"context": {}, "last_run_date": NOW - 1, "settled_through": NOW - 1},
    ]
    batch = [event(n, ours if n % 3 else theirs, **given[n % 5], shard=n % 4) for n in range(40)]
    alone = [replace(one, event_id=event_id(n + 100)) for n, one in enumerate(batch)]
    async with database.transaction() as c:
        await insert(c, *batch)
        for one in alone:
            await insert(c, one)

    async with database.connection() as c:
        for one, like in zip(batch, alone, strict=True):
            assert await events.get(c, one.application_id, one.event_id) == one
            assert await everything(c, one) == await everything(c, like)
        counts = await c.fetch("select application_id, shard, events from event_count order by 1, 2")
    counted = Counter((one.application_id, one.shard) for one in (*batch, *alone))
    assert {(row["application_id"], row["shard"]): row["events"] for row in counts} == counted


async def everything(c: Connection, one: Event) -> list[list[Any]]:
    """All that is kept of an event, but for its name."""
    tables = ("event", "event_state", "event_rule", "event_term", "subscription")
    return [
        sorted(
            row["kept"]
            for row in await c.fetch(
                f"select (to_jsonb(t) - 'event_id')::text as kept from {table} as t where event_id = $1",  # noqa: S608
                one.event_id,
            )
        )
        for table in tables
    ]


async def test_another_applications_event_is_not_there(database: Database, ours: int, theirs: int) -> None:
    their_event = event(1, theirs)
    await write(database, their_event)
    claimed = replace(their_event, application_id=ours, interval="0 0 * * *")

    async with database.transaction() as c:
        for for_update in (False, True):
            with pytest.raises(EventNotFound):
                await events.get(c, ours, their_event.event_id, for_update=for_update)
        with pytest.raises(EventNotFound):
            await events.update(c, claimed, old_terms=terms(claimed), new_terms=set())
        with pytest.raises(EventNotFound):
            await events.delete(c, claimed, terms=terms(claimed))

    async with database.connection() as c:
        assert await events.get(c, theirs, their_event.event_id) == their_event
        assert (await rows_about(c, their_event.event_id))["event_term"] == len(terms(their_event))


async def test_an_update_writes_what_a_client_may_change_and_no_more(database: Database, ours: int) -> None:
    before = event(1, ours, tags=("a", "b"), context={"n": 1}, last_run_date=NOW)
    after = replace(
        before,
        version=7,
        status=Status.PAUSED,
        interval="0 0 * * *",
        timezone="Asia/Kolkata",
        start_date=NOW + 1,
        end_date=NOW + 2 * DAY,
        callback_url="https://example.org/",
        context={"n": 2},
        tags=("b", "c"),
        updated_date=NOW + 5,
        anchor=NOW + 6,
        delivery=DELIVERY,
        paused_reason=PauseReason.CLIENT,
    )
    await write(database, before)

    async with database.transaction() as c:
        await events.update(c, after, old_terms=terms(before), new_terms=terms(after))

    async with database.connection() as c:
        assert await events.get(c, ours, before.event_id) == after
        written = await c.fetch("select term from event_term where event_id = $1", before.event_id)
        assert {row["term"] for row in written} == terms(after)


async def test_a_delivery_that_is_the_default_is_not_written(database: Database, ours: int) -> None:
    await write(database, event(1, ours), event(2, ours, delivery=DELIVERY))
    plain = replace(event(2, ours), delivery=DEFAULT)
    kept = "select delivery is null from event order by event_id"

    async with database.transaction() as c:
        assert [row[0] for row in await c.fetch(kept)] == [True, False]
        await events.update(c, plain, old_terms=set(), new_terms=set())
        assert [row[0] for row in await c.fetch(kept)] == [True, True]
        assert await events.get(c, ours, plain.event_id) == plain


async def test_a_deleted_event_leaves_nothing_to_be_found(database: Database, ours: int) -> None:
    gone, stays = (event(number, ours, tags=("a",), context={"list": [1, 1, "x"]}) for number in (1, 2))
    await write(database, gone, stays)

    async with database.transaction() as c:
        await events.delete(c, gone, terms=terms(gone))

    async with database.connection() as c:
        assert await rows_about(c, gone.event_id) == {"event": 0, "event_state": 0, "event_term": 0}
        assert (await rows_about(c, stays.event_id))["event_term"] == len(terms(stays))
        with pytest.raises(EventNotFound):
            await events.delete(c, gone, terms=set())


async def test_a_failed_transaction_leaves_nothing(database: Database, ours: int) -> None:
    async def failing() -> None:
        async with database.transaction() as c:
            one = event(1, ours)
            await insert(c, one)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()

    async with database.connection() as c:
        assert await rows_about(c, event_id(1)) == {"event": 0, "event_state": 0, "event_term": 0}


async def test_who_reads_for_update_sees_what_the_one_before_wrote(database: Database, ours: int) -> None:
    await write(database, event(1, ours))
    first_holds, second_asks = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.transaction() as c:
            held = await events.get(c, ours, event_id(1), for_update=True)
            first_holds.set()
            await second_asks.wait()
            paused = replace(held, status=Status.PAUSED, version=99)
            await events.update(c, paused, old_terms=terms(held), new_terms=terms(held))

    async def second() -> Event:
        async with database.transaction() as c:
            await first_holds.wait()
            second_asks.set()
            return await events.get(c, ours, event_id(1), for_update=True)

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        seen = group.create_task(second())
    assert (seen.result().status, seen.result().version) == (Status.PAUSED, 99)
