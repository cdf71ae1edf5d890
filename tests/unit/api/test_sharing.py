"""Who waits shares a question with whoever else waits, is answered whatever becomes of them, and waits for nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from api_service.usecases.sharing import Shared, SharedFailedError
from shared.domain.errors import Unavailable


class Oracle:
    """Answers with the double once it is let; remembers who asked together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self, group: Sequence[int]) -> list[int]:
        self.groups.append(list(group))
        self.asked.set()
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        return [number * 2 for number in group]


@asynccontextmanager
async def running(shared: Shared[int, int]) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(shared.run())
        yield run
        run.cancel()


async def test_who_comes_while_others_are_under_way_goes_with_the_next_ones() -> None:
    oracle = Oracle()
    shared = Shared(oracle, most=10)
    async with running(shared):
        asking = [asyncio.create_task(shared.ask(0))]
        await oracle.asked.wait()
        asking += [asyncio.create_task(shared.ask(number)) for number in range(1, 8)]
        await asyncio.sleep(0)
        oracle.open.set()
        answers = await asyncio.gather(*asking)

    assert oracle.groups == [[0], [1, 2, 3, 4, 5, 6, 7]]
    assert answers == [0, 2, 4, 6, 8, 10, 12, 14]


async def test_who_is_alone_waits_for_nobody() -> None:
    oracle = Oracle()
    oracle.open.set()
    shared = Shared(oracle, most=10)
    async with running(shared):
        assert [await shared.ask(number) for number in (1, 2, 3)] == [2, 4, 6]
    assert oracle.groups == [[1], [2], [3]]


async def test_who_was_answered_together_asks_together_again_though_one_comes_first() -> None:
    oracle = Oracle()
    oracle.open.set()
    shared = Shared(oracle, most=10, patience=3_600)
    async with running(shared):
        await asyncio.gather(*(shared.ask(number) for number in (1, 2, 3)))
        first = asyncio.create_task(shared.ask(4))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not first.done()
        assert list(await asyncio.gather(first, shared.ask(5), shared.ask(6))) == [8, 10, 12]
    assert oracle.groups == [[1, 2, 3], [4, 5, 6]]


async def test_who_waits_in_vain_for_others_is_answered_and_the_next_waits_no_more() -> None:
    oracle = Oracle()
    oracle.open.set()
    shared = Shared(oracle, most=10, patience=0.01)
    loop = asyncio.get_running_loop()
    async with running(shared):
        await asyncio.gather(shared.ask(1), shared.ask(2))
        begun = loop.time()
        assert await shared.ask(3) == 6
        assert loop.time() - begun >= 0.01 - time.get_clock_info("monotonic").resolution
        shared_calmly = asyncio.create_task(shared.ask(4))
        for _ in range(5):  # turns of the loop, none of which is a timer's
            await asyncio.sleep(0)
        assert shared_calmly.done()
    assert oracle.groups == [[1, 2], [3], [4]]


async def test_who_waits_for_others_is_told_when_it_ends() -> None:
    oracle = Oracle()
    oracle.open.set()
    shared = Shared(oracle, most=10, patience=3_600)
    async with running(shared):
        await asyncio.gather(shared.ask(1), shared.ask(2))
        waiting = asyncio.create_task(shared.ask(3))
        await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await waiting


async def test_no_more_go_together_than_may_and_what_is_too_heavy_goes_alone() -> None:
    oracle = Oracle()
    oracle.open.set()
    shared = Shared(oracle, most=10, weight=lambda number: number)
    async with running(shared):
        answers = await asyncio.gather(*(shared.ask(number) for number in (4, 4, 3, 50, 1, 9, 1)))
    assert oracle.groups == [[4, 4], [3], [50], [1, 9], [1]]
    assert answers == [8, 8, 6, 100, 2, 18, 2]


async def test_who_gives_up_takes_nobody_with_him() -> None:
    oracle = Oracle()
    shared = Shared(oracle, most=10)
    async with running(shared):
        asking = [asyncio.create_task(shared.ask(0)), asyncio.create_task(shared.ask(1))]
        await oracle.asked.wait()
        asking += [asyncio.create_task(shared.ask(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        asking[0].cancel()  # under way already
        asking[2].cancel()  # not yet
        oracle.open.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)

    assert [answer for answer in answers if not isinstance(answer, BaseException)] == [2, 6]
    assert oracle.groups == [[0, 1], [3]]


@pytest.mark.parametrize(
    ("fault", "told"), [(ValueError("one of them"), SharedFailedError), (Unavailable(), Unavailable)]
)
async def test_what_fails_together_is_told_to_each_and_the_next_go_on(fault: Exception, told: type[Exception]) -> None:
    oracle = Oracle()
    oracle.open.set()
    oracle.fault = fault
    fault.__cause__ = OSError("why")
    shared = Shared(oracle, most=10)
    async with running(shared):
        failures = await asyncio.gather(*(shared.ask(number) for number in (1, 2)), return_exceptions=True)
        oracle.fault = None
        assert await shared.ask(3) == 6

    assert {type(failure) for failure in failures} == {told}
    assert len({id(failure) for failure in failures}) == 2  # nobody's traceback is another's
    causes = {failure.__cause__ for failure in failures if isinstance(failure, BaseException)}
    assert causes == ({fault} if told is SharedFailedError else {fault.__cause__})


async def test_at_the_end_whoever_waits_is_told_so() -> None:
    oracle = Oracle()
    shared = Shared(oracle, most=1)
    async with running(shared):
        asking = [asyncio.create_task(shared.ask(number)) for number in (1, 2, 3)]
        await oracle.asked.wait()

    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    with pytest.raises(Unavailable):
        await shared.ask(4)
