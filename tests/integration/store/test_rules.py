"""What an event's instants depend on is kept with every change of it, in the transaction that makes the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from api_service.store import events, migrations, rules
from api_service.store.database import Database, connect
from api_service.store.migrations import migrate
from api_service.store.rules import RuleVersion
from shared.domain.delivery import Delivery
from shared.domain.event import Event, PauseReason, Status
from shared.timing.instants import to_datetime
from tests.integration.store.scene import DAY, NOW, SHARDS, event, event_id, terms, write

HISTORY = "rule_history"


async def become(database: Database, was: Event, **different: Any) -> Event:
    """The event after a change, a second later."""
    given = {"version": was.version + 1, "updated_date": was.updated_date + 1_000} | different
    async with database.transaction() as c:
        after = replace(was, **given)
        await events.update(c, after, old_terms=terms(was), new_terms=terms(after))
    return after


async def history(database: Database, of: Event) -> list[RuleVersion]:
    async with database.connection() as c:
        return await rules.history(c, of)


def facts(of: Event) -> RuleVersion:
    return RuleVersion(
        version=of.version,
        valid_from=of.updated_date,
        interval=of.interval,
        timezone=of.timezone,
        end_date=of.end_date,
        anchor=of.anchor,
        paused=of.status is Status.PAUSED,
    )


@pytest.mark.parametrize(
    "different",
    [
        {"interval": "0 0 * * * *", "anchor": NOW + 1_000},
        {"timezone": "Europe/Berlin", "anchor": NOW + 1_000},
        {"end_date": NOW + 2 * DAY},
        {"anchor": NOW + 1_000},
        {"status": Status.PAUSED, "paused_reason": PauseReason.GONE},
    ],
    ids=["rule", "zone", "end", "anchor", "pause"],
)
async def test_a_change_of_the_instants_is_kept(database: Database, ours: int, different: dict[str, Any]) -> None:
    first = event(1, ours)
    await write(database, first)

    second = await become(database, first, **different)

    assert await history(database, second) == [facts(first), facts(second)]


@pytest.mark.parametrize(
    "different",
    [
        {"callback_url": "https://elsewhere.example"},
        {"tags": ("a",), "context": {"a": 1}},
        {"delivery": Delivery(spread_ms=60_000)},
        {"status": Status.ACTIVE},
    ],
    ids=["url", "tags", "delivery", "first ring"],
)
async def test_a_change_of_anything_else_is_not(database: Database, ours: int, different: dict[str, Any]) -> None:
    first = event(1, ours)
    await write(database, first)

    second = await become(database, first, **different)

    assert await history(database, second) == [facts(first)]


async def test_clocks_that_disagree_do_not_turn_the_history_around(database: Database, ours: int) -> None:
    first = event(1, ours)
    await write(database, first)

    second = await become(database, first, end_date=NOW + 2 * DAY, updated_date=NOW - 50)

    assert [rule.valid_from for rule in await history(database, second)] == [NOW, NOW]


async def test_of_one_event_only_so_many_are_kept(database: Database, ours: int) -> None:
    seen: list[Event] = [event(1, ours)]
    await write(database, *seen)
    for number in range(5):
        seen.append(replace(seen[-1], version=2 + number, updated_date=NOW + number, end_date=NOW + DAY + number + 1))
        async with database.transaction() as c:
            await rules.note(c, seen[-1], kept=3)
            await c.execute("update event set end_date = $1", to_datetime(seen[-1].end_date))

    assert await history(database, seen[-1]) == [facts(one) for one in seen[-3:]]


async def test_what_an_earlier_release_did_not_note_is_where_the_history_begins(database: Database, ours: int) -> None:
    first = event(1, ours)
    await write(database, first)
    unnoted = replace(first, version=2, updated_date=NOW + 500, timezone="Europe/Berlin")
    async with database.connection() as c:
        await c.execute(
            "update event set version = 2, timezone = 'Europe/Berlin', updated_date = $1",
            to_datetime(unnoted.updated_date),
        )
    assert await history(database, unnoted) == [facts(unnoted)]

    noted = await become(database, unnoted, callback_url="https://elsewhere.example")
    assert await history(database, noted) == [facts(noted)]


async def test_another_applications_history_is_left_alone(database: Database, ours: int, theirs: int) -> None:
    first = event(1, ours)
    await write(database, first)

    async with database.transaction() as c:
        await rules.note(c, replace(first, application_id=theirs, version=2, end_date=NOW + 2 * DAY))

    assert await history(database, first) == [facts(first)]


async def test_events_from_before_have_a_history_since_their_last_change(dsn: str) -> None:
    earlier = _before(migrations.read(migrations.FOLDER))
    async with connect(dsn) as c:
        await c.execute(migrations.SQL["prepare"])
        for migration in earlier:
            await migrations._apply(c, migration, NOW)
        await migrations._install(c, SHARDS)
        await c.execute("insert into application (app_name, created_date) values ('old', now())")
        await c.execute(
            """
            insert into event (event_id, application_id, shard, version, event_owner, interval, timezone, end_date,
                               callback_url, context, tags, created_date, updated_date, anchor)
            values ($1, 1, 1, 7, 'o', '*/5 * * * *', 'UTC', $2, 'https://x.example', '{}', '{}', $3, $4, $3)
            """,
            event_id(1),
            to_datetime(NOW + DAY),
            to_datetime(NOW),
            to_datetime(NOW + 5),
        )
        await c.execute(
            "insert into event_state (event_id, application_id, shard, status) values ($1, 1, 1, 'PAUSED')", event_id(1)
        )
    await migrate(dsn, shards=SHARDS, now=NOW)

    database = await Database.open(dsn, size=1)
    try:
        old = event(1, 1, version=7, updated_date=NOW + 5, status=Status.PAUSED)
        assert await history(database, old) == [facts(old)]
        async with database.connection() as c:
            assert await c.fetchval("select count(*) from event_rule") == 1
    finally:
        await database.close()


def _before(known: Sequence[migrations.Migration]) -> Sequence[migrations.Migration]:
    return known[: [migration.name for migration in known].index(HISTORY)]
