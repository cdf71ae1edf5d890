"""How is a queue worked off for ever? In order, over however many connections that takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from api_service.loops.trouble import Trouble
from shared.bus.port import Bus, BusUnavailable, Delivery, Work


async def consume(bus: Bus, queue: Work, deal_with: Callable[[Delivery], Awaitable[None]], *, trouble: Trouble) -> None:
    """Deal with every delivery of the queue, in order and one at a time; ends only by cancellation.

    `deal_with` answers the delivery. A BusUnavailable from it means that the delivery comes again.
    """

    async def one_after_the_other(deliveries: AsyncIterator[Delivery]) -> None:
        async for delivery in deliveries:
            await deal_with(delivery)

    await connected(bus, queue, one_after_the_other, trouble=trouble)


async def connected(
    bus: Bus, queue: Work, work_off: Callable[[AsyncIterator[Delivery]], Awaitable[None]], *, trouble: Trouble
) -> None:
    """Have the deliveries of every connection worked off; ends only by cancellation.

    `work_off` answers them. A BusUnavailable from it means that those without an answer come again, over the next one.
    """
    while True:
        why: BusUnavailable | str = "the deliveries ended"
        try:
            async with bus.consume(queue) as deliveries:
                trouble.over()
                await work_off(deliveries)
        except BusUnavailable as error:
            why = error
        await trouble.wait(why)
