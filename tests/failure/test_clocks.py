"""A dispatcher whose clock is wrong, over a real RabbitMQ: alone it rings on, and it hands over to who is right."""

from __future__ import annotations

from tests.failure.place import CLOCK, SHARDS, Place
from tests.fakes.clock import WrongClock


async def test_a_dispatcher_with_a_wrong_clock_hands_over_and_no_instant_is_missed(place: Place) -> None:
    place.town.tell_time(CLOCK, every=0.5)
    wrong = place.town.start("wrong", clock=WrongClock(3_000))
    watch = wrong.dispatcher._watch
    await place.town.until(lambda: "nobody else can ring" in (watch.reason() or ""), within=60)
    await place.town.until(lambda: len(wrong.rings) == SHARDS, within=15)

    right = place.town.start("right")
    await place.town.until(lambda: not wrong.owned and len(right.rings) == SHARDS, within=30)
    assert "others ring" in (watch.reason() or "")
    last = await place.second(2)

    assert len(right.rings) == SHARDS
    assert right.dispatcher._watch.reason() is None
    await place.town.until(lambda: place.town.missing(place.timers, place.first, last) == [], within=20)
