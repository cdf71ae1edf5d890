"""Every filter, alone and with others, by every way of answering, against what a plain reading of the events says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any

import pytest

from api_service.store import events, listing
from api_service.store.database import Database
from api_service.store.events import ContextFilter, Filters
from shared.domain.event import Event, Status
from tests.integration.store.scene import event, event_id, waiting_for_a_lock, write


def number_at(*path: str, value: str, is_array: bool = False) -> ContextFilter:
    return ContextFilter(path=path, type="Number", value=value, is_array=is_array)


def text_at(*path: str, value: str, is_array: bool = False) -> ContextFilter:
    return ContextFilter(path=path, type="String", value=value, is_array=is_array)


async def found(database: Database, application_id: int, filters: Filters) -> list[str]:
    async with database.connection() as c:
        page, total = await events.page(c, application_id, filters, 1_000, 0)
    assert total == len(page)
    return [one.event_id for one in page]


CONTEXT: dict[str, Any] = {
    "user": 12345,
    "price": 0.1,
    "zero": -0.0,
    "big": 2**70,
    "name": "12345",
    "yes": True,
    "none": None,
    "empty": "",
    "a.b": "dotted",
    "deep": {"er": {"n": 7}, "list": [{"id": "x"}, [1, "one"], 3]},
    "lines": [1, 2.0, "two", 2, True, None, {"a": 1}],
    "0": "zeroth",
}


FILTERS = [
    (number_at("user", value="12345"), True),
    (number_at("user", value="12345.0"), True),
    (number_at("user", value="1.2345e4"), True),
    (number_at("user", value="+012345.00E0"), True),
    (number_at("user", value="12346"), False),
    (number_at("user", value="-12345"), False),
    (number_at("user", value="12345x"), False),
    (number_at("user", value="NaN"), False),
    (number_at("user", value=""), False),
    (number_at("price", value="0.1"), True),
    (number_at("price", value="0.1000000000000000055511151231257827"), False),
    (number_at("zero", value="0"), True),
    (number_at("big", value="1180591620717411303424"), True),
    (number_at("big", value="1180591620717411303425"), False),
    (number_at("yes", value="1"), False),
    (number_at("none", value="0"), False),
    (number_at("name", value="12345"), False),
    (number_at("missing", value="12345"), False),
    (text_at("name", value="12345"), True),
    (text_at("user", value="12345"), False),
    (text_at("yes", value="true"), False),
    (text_at("empty", value=""), True),
    (text_at("missing", value=""), False),
    (text_at("a.b", value="dotted"), True),
    (text_at("a", "b", value="dotted"), False),
    (text_at("0", value="zeroth"), True),
    (text_at(value="dotted"), False),
    (number_at("deep", "er", "n", value="7"), True),
    (number_at("deep", "er", value="7"), False),
    (text_at("deep", "list", "0", "id", value="x"), True),
    (text_at("deep", "list", "1", "1", value="one"), True),
    (text_at("deep", "list", "00", "id", value="x"), False),
    (number_at("deep", "list", "2", value="3"), True),
    (number_at("deep", "list", "-1", value="3"), False),
    (number_at("deep", "list", "1", value="1", is_array=True), True),
    (number_at("deep", "list", value="1", is_array=True), False),
    (number_at("lines", value="2", is_array=True), True),
    (number_at("lines", value="2", is_array=False), False),
    (text_at("lines", value="two", is_array=True), True),
    (text_at("lines", value="2", is_array=True), False),
    (number_at("lines", value="3", is_array=True), False),
    (number_at("lines", "0", value="1", is_array=True), False),
    (number_at("user", value="12345", is_array=True), False),
]


async def test_a_context_filter_finds_exactly_the_value_at_its_path(database: Database, ours: int) -> None:
    await write(database, event(1, ours, context=CONTEXT), event(2, ours, context={}))

    for wanted, matches in FILTERS:
        expected = [event_id(1)] if matches else []
        assert await found(database, ours, Filters(contexts=(wanted,))) == expected, wanted


def population(application_id: int, size: int) -> list[Event]:
    chance = random.Random(7)
    return [
        event(
            number,
            application_id,
            status=chance.choice(list(Status)),
            event_owner=chance.choice("abcd"),
            tags=tuple(tag for tag in "xyz" if chance.random() < 0.5),
            context={"n": chance.randrange(3), "list": [chance.randrange(4)]},
        )
        for number in range(size)
    ]


def combinations() -> Iterable[Filters]:
    for owners in ((), ("a",), ("d", "b", "nobody")):
        for tags in ((), ("x",), ("y", "x", "y")):
            for contexts in ((), (number_at("n", value="1.0"), number_at("list", value="3", is_array=True))):
                for status in (
                    frozenset[Status](),
                    frozenset({Status.PAUSED}),
                    frozenset(set(Status) - {Status.ACTIVE}),
                ):
                    yield Filters(owners=owners, tags=tags, contexts=contexts, status=status)


def passes(one: Event, filters: Filters) -> bool:
    return (
        (not filters.owners or one.event_owner in filters.owners)
        and set(filters.tags) <= set(one.tags)
        and (not filters.contexts or (one.context["n"] == 1 and 3 in one.context["list"]))
        and (not filters.status or one.status in filters.status)
    )


@pytest.mark.parametrize("few", [0, 60, 1_000], ids=["merging", "either", "narrowing"])
async def test_filters_together(database: Database, ours: int, theirs: int, few: int) -> None:
    everything = population(ours, 240)
    await write(database, *everything, *(event(1_000 + one, theirs, tags=("x",)) for one in range(5)))

    async with database.connection() as c, c.transaction(isolation="repeatable_read", readonly=True):
        for filters in combinations():
            expected = [one.event_id for one in reversed(everything) if passes(one, filters)]
            for limit, offset in ((10, 0), (7, 20), (1_000, 3), (5, 10_000)):
                page, total = await listing.matching(c, ours, filters, limit, offset, few=few)
                assert page == expected[offset : offset + limit], filters
                assert total == len(expected), filters


@pytest.mark.parametrize("few", [0, 1_000], ids=["merging", "narrowing"])
async def test_another_application_is_never_listed_or_counted(
    database: Database, ours: int, theirs: int, few: int
) -> None:
    same: dict[str, Any] = {"event_owner": "a", "tags": ("x", "y"), "context": {"n": 1}, "status": Status.ACTIVE}
    await write(database, *(event(number, theirs, **same) for number in range(3)), event(9, ours, **same))
    active = frozenset({Status.ACTIVE})
    wanted = (
        Filters(),
        Filters(tags=("x",)),
        Filters(status=active),
        Filters(tags=("x", "y")),
        Filters(owners=("a",), contexts=(number_at("n", value="1"),), status=active),
    )

    async with database.connection() as c, c.transaction(isolation="repeatable_read", readonly=True):
        for filters in wanted:
            assert await listing.matching(c, ours, filters, 10, 0, few=few) == ([event_id(9)], 1)


async def test_the_page_is_of_the_same_moment_as_the_total(database: Database, ours: int) -> None:
    await write(database, *(event(number, ours, tags=("x",)) for number in range(3)))

    async with asyncio.TaskGroup() as group, database.transaction() as c:
        await c.execute("lock table event in access exclusive mode")  # the total is known without it, the page not
        asked = group.create_task(found(database, ours, Filters(tags=("x",))))
        await waiting_for_a_lock(c, "relation")
        await c.execute("delete from event")
    assert asked.result() == [event_id(2), event_id(1), event_id(0)]
    async with database.connection() as c:
        assert await c.fetchval("select count(*) from event") == 0
