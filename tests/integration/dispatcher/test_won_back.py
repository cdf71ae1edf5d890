"""A shard is lost while a firing of it is under way, and the same dispatcher wins it back; in virtual time.

Proved by breaking it. Without `UnderWay.stand_behind` what was still connecting is sent by nobody, and its timer never
ends; without `UnderWay.following` a firing that fails before the new session rings waits for an attempt in the ledger
alone, until the shard moves; without the look at `_over` in `Tenure._balance_of` a shard is taken for owned that nobody
holds.
"""

from __future__ import annotations

import asyncio

import pytest

from shared.bus.local import LocalSession
from shared.domain.delivery import Delivery, RetryPolicy
from shared.domain.firing import AttemptError
from tests.fakes.clock import in_virtual_time
from tests.integration.dispatcher.places import a_place
from tests.unit.dispatcher.rules import EVERY_MINUTE, timer
from tests.unit.dispatcher.scene import ringing

MINUTE = 60_000


@in_virtual_time
async def test_what_was_still_connecting_rings_in_the_session_that_follows() -> None:
    async with ringing() as scene:
        scene.sender.connect_seconds = 4
        end = scene.clock.now() // MINUTE * MINUTE + 2 * MINUTE
        await scene.put(rule=EVERY_MINUTE.expression, end=end)
        await scene.sender.until(lambda: scene.sender.under_way > 0, within=70)

        scene.broker.drop_connections()
        await scene.town.fair()
        await scene.clock.sleep(30)

        assert [one.instant for one in scene.of("t")] == [end - MINUTE]
        assert {one.headers["carillon-epoch"] for one in scene.of("t")} == {"2"}
        await scene.clock.until(end + 2_000)
        assert [type(one).__name__ for one in scene.town.api.outcomes("t")] == ["Attempted", "Finished"]


@in_virtual_time
async def test_what_fails_between_the_snapshot_and_the_first_ring_is_attempted_again() -> None:
    async with a_place(timers=0, takeover_wait=4) as place:
        one = place.town.start("a")
        await place.town.fair(within=6)
        retry = RetryPolicy(max_attempts=2, initial_interval_ms=8_000, max_interval_ms=8_000)
        t = timer("t", rule=EVERY_MINUTE.expression, anchor=place.clock.now(), delivery=Delivery(retry=retry))
        one.sender.answers = lambda sent: (503, AttemptError.STATUS) if sent.attempt == 1 else (200, AttemptError.NONE)
        answer = one.sender.slow[t.url] = asyncio.Event()
        await place.town.api.put(t)
        await one.sender.until(lambda: one.sender.under_way > 0, within=70)

        place.broker.drop_connections()
        await place.clock.sleep(2)  # listed, and waiting for the takeover
        assert len(one.owned) == 64
        assert one.rings == set()
        answer.set()
        await place.clock.sleep(30)

        assert [(sent.attempt, sent.headers["carillon-epoch"]) for sent in place.town.sent] == [(1, "1"), (2, "2")]


@in_virtual_time
async def test_what_is_won_as_the_session_ends_is_not_taken_for_owned_in_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_place(timers=0) as place:
        dropped: list[int] = []
        claim = LocalSession.claim

        async def claim_and_lose(session: LocalSession, shard: int) -> bool:
            won = await claim(session, shard)
            if won and not dropped:
                dropped.append(shard)
                place.broker.drop_connections()
            return won

        monkeypatch.setattr(LocalSession, "claim", claim_and_lose)
        place.town.start("a")

        await place.town.fair(within=4)
        assert dropped
