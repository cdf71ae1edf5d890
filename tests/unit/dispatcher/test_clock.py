"""One contract, two clocks: the machine's, and the one that tests advance."""

from __future__ import annotations

import asyncio

from shared.clock import Clock, SystemClock, arrives
from tests.fakes.clock import EPOCH, Deadlock, VirtualClock, in_virtual_time


async def keeps_the_contract(clock: Clock, seconds: float) -> None:
    now, steady = clock.now(), clock.steady()

    await clock.sleep(seconds)

    assert clock.now() - now >= round(seconds * 1000) - 1
    assert clock.steady() - steady >= seconds - 0.001
    assert clock.now() - now < seconds * 1000 + 2_000
    assert abs((clock.now() - now) / 1000 - (clock.steady() - steady)) < 0.5
    await clock.sleep(0)


async def test_the_machine_keeps_it() -> None:
    await keeps_the_contract(SystemClock(), 0.01)


@in_virtual_time
async def test_virtual_time_keeps_it() -> None:
    await keeps_the_contract(VirtualClock(), 86_400)


@in_virtual_time
async def test_virtual_time_wakes_in_order_and_to_the_millisecond() -> None:
    clock, woken = VirtualClock(), []

    async def wake(moment: int) -> None:
        await clock.until(EPOCH + moment)
        woken.append(clock.now() - EPOCH)

    async with asyncio.TaskGroup() as tasks:
        for moment in (5_000, 17, 1_234):
            tasks.create_task(wake(moment))

    assert woken == [17, 1_234, 5_000]


@in_virtual_time
async def test_a_step_moves_the_wall_clock_alone() -> None:
    clock = VirtualClock()
    steady = clock.steady()

    clock.step(-5_000)

    assert (clock.now(), clock.steady()) == (EPOCH - 5_000, steady)


def test_waiting_for_what_never_comes_is_an_error_and_not_a_hang() -> None:
    @in_virtual_time
    async def hopeless() -> None:
        await asyncio.Event().wait()

    try:
        hopeless()
    except Deadlock:
        return
    raise AssertionError("it ended")


@in_virtual_time
async def test_an_event_arrives_or_does_not() -> None:
    clock, event = VirtualClock(), asyncio.Event()

    assert not await arrives(event, within=2)
    assert clock.now() == EPOCH + 2_000

    asyncio.get_running_loop().call_later(1, event.set)
    assert await arrives(event, within=2)
    assert clock.now() == EPOCH + 3_000
