"""A dispatcher keeps what it owns from the garbage collector while it owns it, and no longer; in virtual time.

Proved by breaking it: where nothing is let go of at the end of a session, each session stays for ever, and with those
that were lost in the middle of a hand-over their shards and all their timers.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from dispatcher_service import memory
from tests.fakes.clock import in_virtual_time
from tests.integration.dispatcher.places import a_place


@pytest.fixture(autouse=True)
def _nothing_stays_kept() -> Iterator[None]:
    young, *_ = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(young)


@in_virtual_time
async def test_a_session_that_was_lost_is_gone_soon_after_and_whatever_hung_on_it() -> None:
    async with a_place(shards=8) as place:
        one = place.town.start("a", memory=memory)
        sessions = []
        for seconds in (5, 0.3, 5, 0.01, 5):
            await place.town.fair(within=20)
            sessions.append(ref(one.dispatcher._ownership._tenure))
            place.broker.drop_connections()
            await place.ring_for(seconds)
        await place.town.fair(within=20)
        memory.keep()

        assert gc.get_freeze_count() > 0
        assert [session for session in sessions if session() is not None] == []
