"""How is a queue worked off for ever? One delivery after the other, over however many connections that takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api_service.loops.trouble import Trouble
from shared.bus.port import Bus, BusUnavailable, Delivery, Work


async def consume(bus: Bus, queue: Work, deal_with: Callable[[Delivery], Awaitable[None]], *, trouble: Trouble) -> None:
    """Deal with every delivery of the queue, in order and one at a time; ends only by cancellation.

    `deal_with` answers the delivery. A BusUnavailable from it means that the delivery comes again.
    """
    while True:
        why: BusUnavailable | str = "the deliveries ended"
        try:
            async with bus.consume(queue) as deliveries:
                trouble.over()
                async for delivery in deliveries:
                    await deal_with(delivery)
        except BusUnavailable as error:
            why = error
        await trouble.wait(why)
