"""A name and a key belong to one application; an answer given under a key is found again, until it is forgotten."""

from __future__ import annotations

import asyncio

from api_service.store import api_keys, applications, idempotency
from api_service.store.database import Database
from api_service.store.idempotency import Remembered
from shared.domain.errors import NameTaken
from tests.integration.store.scene import NOW

ANSWER = Remembered(request_hash=b"hash", event_id="event", answer='{"ü": 1}')


async def test_a_key_opens_its_application_only(database: Database, ours: int, theirs: int) -> None:
    async with database.connection() as c:
        found = await api_keys.find(c, [b"o" * 32, b"x" * 32, b"t" * 32])
    assert {key_hash: key.application_id for key_hash, key in found.items()} == {b"o" * 32: ours, b"t" * 32: theirs}


async def test_a_name_is_given_once_even_to_simultaneous_askers(database: Database) -> None:
    async def ask(key: bytes) -> bool:
        try:
            async with database.transaction() as c:
                await applications.register(c, app_name="wanted", key_hash=key, now=NOW)
        except NameTaken:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(bytes([number]) * 32)) for number in range(5)]
    assert sorted(one.result() for one in asked) == [False] * 4 + [True]


async def test_an_answer_is_found_by_its_application_and_key(database: Database, ours: int, theirs: int) -> None:
    async with database.transaction() as c:
        assert await idempotency.find(c, ours, "key") is None
        assert await idempotency.remember(c, ours, "key", ANSWER, now=NOW)
        assert await idempotency.find(c, ours, "key") == ANSWER
        assert await idempotency.find(c, theirs, "key") is None
        assert await idempotency.find(c, ours, "other") is None


async def test_of_two_simultaneous_requests_with_one_key_one_is_answered(database: Database, ours: int) -> None:
    first_wrote, second_asks = asyncio.Event(), asyncio.Event()

    async def first() -> bool:
        async with database.transaction() as c:
            kept = await idempotency.remember(c, ours, "key", ANSWER, now=NOW)
            first_wrote.set()
            await second_asks.wait()
            return kept

    async def second() -> bool:
        await first_wrote.wait()
        async with database.transaction() as c:
            second_asks.set()
            return await idempotency.remember(c, ours, "key", ANSWER, now=NOW)

    async with asyncio.TaskGroup() as group:
        results = [group.create_task(first()), group.create_task(second())]
    assert [result.result() for result in results] == [True, False]


async def test_old_answers_are_forgotten_a_few_at_a_time(database: Database, ours: int) -> None:
    async with database.transaction() as c:
        for age in range(5):
            await idempotency.remember(c, ours, f"key{age}", ANSWER, now=NOW - age)

        assert await idempotency.forget_older(c, NOW - 1, limit=2) == 2
        assert await idempotency.forget_older(c, NOW - 1, limit=2) == 1
        assert [await idempotency.find(c, ours, f"key{age}") is not None for age in range(5)] == [
            True, True, False, False, False,
        ]  # fmt: skip
