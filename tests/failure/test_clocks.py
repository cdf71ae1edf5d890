"""A dispatcher whose clock is wrong, over a real RabbitMQ: alone it rings on, and it hands over to who is right."""

from __future__ import annotations

from tests.failure.place import CLOCK, SHARDS, Place
from tests.fakes.clock import WrongClock


async def test_a_dispatcher_with_a_wrong_clock_hands_over_gracefully(place: Place) -> None:
    place.town.tell_time(CLOCK, every=0.5)
    wrong = place.town.start("wrong", clock=WrongClock(3_000))
    await place.town.until(lambda: len(wrong.rings) == SHARDS, within=15)
    await place.town.until(lambda: "nobody else can ring" in " ".join(wrong.dispatcher.unready()), within=20)
    assert len(wrong.rings) == SHARDS, "alone, it rings"

    right = place.town.start("right")
    await place.town.until(lambda: not wrong.owned and len(right.rings) == SHARDS, within=20)
    assert "others ring" in " ".join(wrong.dispatcher.unready())
    last = await place.second(2)

    assert len(right.rings) == SHARDS
    assert right.dispatcher.unready() == []
    assert place.town.doubled() == []
    place.complete(last)
