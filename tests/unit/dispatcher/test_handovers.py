"""Whoever gives shards up lets go of those only that are still its own."""

from __future__ import annotations

import asyncio

from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.keyring import Keyring
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import Shard, Stage
from dispatcher_service.loops.attempts import Attempts
from dispatcher_service.loops.handovers import GivingUp, forget
from dispatcher_service.loops.reporter import Reporter
from dispatcher_service.metrics import Metrics
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.port import SessionEvents, Work
from shared.messages.catalogue import Released
from shared.messages.codec import decode_to_recorder
from tests.fakes.clock import VirtualClock, in_virtual_time
from tests.fakes.sender import FakeSender


@in_virtual_time
async def test_a_shard_that_is_lost_while_it_waits_for_its_turn_is_not_given_up() -> None:
    """What of it is under way must not leave again, and who has it now must not hear that it was handed over."""
    clock, metrics, shards = VirtualClock(), Metrics(), dict[int, Shard]()
    broker = LocalBroker()
    bus = LocalBus(broker)
    session = await bus.open_session(
        SessionEvents(
            on_lost=lambda _why: None, on_shard_lost=lambda _shard: None, on_bell=lambda: None, on_time=lambda _: None
        )
    )
    reporter = Reporter(
        bus.publisher(), name="d", clock=clock, on_outcome=lambda _shard, _outcome: None, on_room=lambda: None
    )
    attempts = Attempts(
        shards=shards,
        lease=Lease(4.0),
        sender=FakeSender(clock),
        reports=reporter,
        clock=clock,
        on_attempt=lambda _firing, _answer: None,
        on_due=lambda: None,
        keyring=Keyring(),
    )
    for number in range(2):
        await session.claim(number)
        shards[number] = Shard(number, session.incarnation, Agenda())
    kept, lost = shards.values()
    giving_up = GivingUp(
        session=session, shards=shards, attempts=attempts, reporter=reporter, clock=clock, handovers=metrics
    )

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(giving_up.give_up([kept, lost]))
        await clock.sleep(0.001)
        forget(shards, lost.number, lost)

    assert broker.queues[Work.OUTCOMES].state.messages == 1
    async with bus.consume(Work.OUTCOMES) as deliveries:
        goodbye = decode_to_recorder((await anext(aiter(deliveries))).body)
        assert isinstance(goodbye, Released)
        assert goodbye.shard == kept.number
        assert metrics.registry.get_sample_value("carillon_handovers_total", {"kind": "given_up"}) == 1
    assert lost.stage is Stage.LOST
