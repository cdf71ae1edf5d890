"""The figures of a dispatcher: their names do not change by accident, and what is counted is what the ledger is told.

Shown to fail where a skipped stretch counts once, where a retry counts as an end, where lateness is of the nominal
instant or of every attempt, and where a shard that is lost with its session is not counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from dispatcher_service.metrics import Spread
from shared.bus.local import LocalBroker, LocalBus
from shared.domain.delivery import Delivery, MisfirePolicy, OverlapPolicy, RetryPolicy, spread_offset
from shared.domain.firing import Abandoned, Attempted, AttemptError, Outcome, Skipped
from tests.fakes.clock import VirtualClock, in_virtual_time
from tests.fakes.sender import Sent
from tests.fakes.town import Running, town
from tests.unit.dispatcher.rules import timer
from tests.unit.dispatcher.scene import URL, ringing

CONTRACT = """
carillon_agenda_entries gauge
carillon_attempt_seconds histogram
carillon_attempts counter outcome
carillon_build info service,version
carillon_canary_last_ring_timestamp_seconds gauge shard
carillon_canary_lateness_seconds histogram
carillon_canary_rings counter
carillon_clock_skew_seconds gauge against
carillon_clock_skewed gauge
carillon_event_loop_lag_seconds histogram
carillon_handover_seconds histogram kind
carillon_handovers counter kind
carillon_hosts_left_alone gauge
carillon_lease_age_seconds gauge
carillon_lease_held gauge
carillon_members gauge
carillon_outcomes_backlog gauge
carillon_outcomes_published counter
carillon_owned_shards gauge
carillon_retries_waiting gauge
carillon_ring_lateness_seconds histogram
carillon_ringing_shards gauge
carillon_rings counter outcome,reason
carillon_rings_in_flight_limit gauge
carillon_rings_under_way gauge
carillon_rings_waiting gauge
carillon_shards gauge
carillon_snapshot_seconds histogram
carillon_snapshots_asked counter
carillon_timers gauge
process_cpu_seconds counter
process_max_fds gauge
process_open_fds gauge
process_resident_memory_bytes gauge
process_start_time_seconds gauge
process_virtual_memory_bytes gauge
python_gc_collections counter generation
python_gc_objects_collected counter generation
python_gc_objects_uncollectable counter generation
"""


def figure(one: Running, name: str, **labels: str) -> float:
    value = one.dispatcher.metrics.registry.get_sample_value(name, labels)
    assert value is not None, f"there is no {name} {labels}"
    return value


def ends(outcomes: Iterable[Outcome]) -> Counter[tuple[str, str]]:
    """What the ledger is told of firings that are over."""
    found = Counter[tuple[str, str]]()
    for outcome in outcomes:
        match outcome:
            case Attempted(retry_at=0, reason=None):
                found["delivered", ""] += 1
            case Attempted(retry_at=0, reason=reason) | Abandoned(reason=reason) if reason is not None:
                found["failed", reason.value] += 1
            case Skipped(reason=reason, count=many):
                found["skipped", reason.value] += many
            case _:
                pass
    return found


def counted(running: Iterable[Running]) -> Counter[tuple[str, str]]:
    found = Counter[tuple[str, str]]()
    for one in running:
        for family in one.dispatcher.metrics.registry.collect():
            for sample in family.samples:
                if sample.name == "carillon_rings_total":
                    found[sample.labels["outcome"], sample.labels["reason"]] += int(sample.value)
    return +found


@in_virtual_time
async def test_names_types_and_labels_are_a_contract() -> None:
    async with ringing() as scene:
        await scene.put()
        await scene.second()
        families = list(text_string_to_metric_families(scene.one.dispatcher.metrics.text().decode()))

    found = []
    for family in families:
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        if family.name.endswith("_created"):
            continue
        kind, name = family.type, family.name
        if name.endswith("_info"):  # Prometheus's older text format has no type for it
            kind, name = "info", name.removesuffix("_info")
        found.append(f"{name} {kind} {','.join(sorted(labels))}".rstrip())
        assert family.documentation.endswith(".") or not name.startswith("carillon_")
    assert sorted(found) == CONTRACT.strip().splitlines()


@given(values=st.lists(st.sampled_from([0.0, 0.001, 0.0011, 0.5, 1, 1.5, 60, 61]) | st.floats(0, 100)))
def test_a_histogram_without_locks_says_what_one_with_locks_does(values: list[float]) -> None:
    """Shown to fail where a bound does not count what is equal to it, and where the last one is not infinite."""
    bounds = (0.001, 0.5, 1, 60)
    theirs, ours = Histogram("h", "Values.", buckets=bounds, registry=None), Spread("h", "Values.", bounds)
    for value in values:
        theirs.observe(value)
        ours.observe(value)

    registries = CollectorRegistry(), CollectorRegistry()
    for registry, collector in zip(registries, (theirs, ours), strict=True):
        registry.register(collector)
    said, wanted = (
        {
            (sample.name, *sample.labels.items()): sample.value
            for family in registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }
        for registry in registries
    )
    assert said == wanted


Plans = st.lists(
    st.sampled_from(["put", "change", "pause", "end", "trigger", "delete", "start", "stop", "freeze", "wait"]),
    min_size=3,
    max_size=12,
)
DELIVERIES = st.builds(
    Delivery,
    retry=st.builds(RetryPolicy, max_attempts=st.integers(1, 3), initial_interval_ms=st.just(500)),
    misfire_policy=st.sampled_from(MisfirePolicy),
    overlap_policy=st.sampled_from(OverlapPolicy),
    spread_ms=st.sampled_from([0, 3_000]),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(plan=Plans, delivery=DELIVERIES, statuses=st.lists(st.sampled_from([200, 200, 503, 404, 410]), min_size=1))
@in_virtual_time
async def test_what_is_counted_is_what_the_ledger_is_told(
    plan: list[str], delivery: Delivery, statuses: list[int]
) -> None:
    clock = VirtualClock()

    def answer(sent: Sent) -> tuple[int, AttemptError]:
        status = statuses[(sent.instant // 1_000 + sent.attempt) % len(statuses)]
        return status, AttemptError.NONE if status == 200 else AttemptError.STATUS

    async with town(LocalBus(LocalBroker()), clock, shards=4) as place:
        everyone = [place.start("d0")]
        await place.fair()
        for step, deed in enumerate(plan):
            name = f"t{step % 3}"
            match deed:
                case "start" if len(place.running) < 3:
                    everyone.append(place.start(f"d{len(everyone)}"))
                case "stop" if len(place.running) > 1:
                    await place.stop(next(iter(place.running)))
                case "freeze":
                    clock.freeze(90)
                case "trigger" if name in place.api.truth_of(name).timers:
                    await place.api.trigger(name, clock.now())
                case "delete" if name in place.api.truth_of(name).timers:
                    await place.api.delete(name)
                case _:
                    facts = {"paused": deed == "pause"} | ({"end": clock.now() + 1_500} if deed == "end" else {})
                    await place.api.put(timer(name, anchor=clock.now(), delivery=delivery, **facts))
            for one in everyone:
                one.sender.answers = answer
            await clock.sleep(2.3)
        for name in list(place.running):
            await place.stop(name)
        await clock.sleep(1)

        recorded = [one.outcome for one in place.api.recorded]
        assert counted(everyone) == ends(recorded)
        attempts = sum(isinstance(outcome, Attempted) for outcome in recorded)
        assert attempts == sum(figure(one, "carillon_attempt_seconds_count") for one in everyone)
        assert len(recorded) == sum(figure(one, "carillon_outcomes_published_total") for one in everyone)


@in_virtual_time
async def test_lateness_is_of_first_attempts_of_scheduled_firings_from_when_they_were_due() -> None:
    async with ringing() as scene:
        delivery = Delivery(spread_ms=3_000, retry=RetryPolicy(max_attempts=3, initial_interval_ms=100))
        scene.sender.answers = lambda _: (503, AttemptError.STATUS)
        await scene.put(delivery=delivery)
        await scene.town.api.trigger("t", scene.clock.now() - 9_000)
        await scene.clock.sleep(10)
        await scene.town.api.delete("t")
        await scene.clock.sleep(1)  # what was under way is over

        first = [one for one in scene.sent if one.attempt == 1 and not one.name.endswith("manual")]
        assert spread_offset("t", 3_000) > 100
        assert len(scene.sent) > len(first) + 1
        assert figure(scene.one, "carillon_ring_lateness_seconds_count") == len(first)
        assert figure(scene.one, "carillon_ring_lateness_seconds_sum") < 0.001 * len(first)
        assert figure(scene.one, "carillon_attempts_total", outcome="status") == len(scene.sent)


@in_virtual_time
async def test_shards_that_came_and_went_are_those_that_are_there() -> None:
    clock, broker = VirtualClock(), LocalBroker()
    async with town(LocalBus(broker), clock, shards=16) as place:
        one = place.start("a")
        await place.fair()
        other = place.start("b")
        await place.fair()
        given_up = figure(one, "carillon_handovers_total", kind="given_up")
        assert given_up == figure(one, "carillon_handover_seconds_count", kind="given_up") > 0
        broker.drop_connections()
        await place.fair(within=20)
        await place.until(lambda: all(figure(two, "carillon_members") == 2 for two in (one, other)), within=5)
        for two in (one, other):
            came, left, lost = (
                figure(two, "carillon_handovers_total", kind=kind) for kind in ("claimed", "given_up", "lost")
            )
            assert came - left - lost == len(two.owned) == figure(two, "carillon_owned_shards")
            assert lost > 0
            assert figure(two, "carillon_ringing_shards") == len(two.rings)
        assert figure(one, "carillon_handover_seconds_count", kind="claimed") >= 16, "each rang"
        assert figure(one, "carillon_snapshots_asked_total") >= figure(one, "carillon_snapshot_seconds_count") > 0
        await place.stop("a")
        assert (figure(one, "carillon_members"), figure(one, "carillon_owned_shards")) == (0, 0)


@in_virtual_time
async def test_the_lease_ages_while_the_broker_is_away() -> None:
    async with ringing() as scene:
        assert figure(scene.one, "carillon_lease_age_seconds") <= 1
        assert figure(scene.one, "carillon_lease_held") == 1

        scene.broker.stop()
        await scene.clock.sleep(30)

        assert 29 < figure(scene.one, "carillon_lease_age_seconds") <= 31
        assert figure(scene.one, "carillon_lease_held") == 0


@in_virtual_time
async def test_what_waits_is_counted_where_it_waits() -> None:
    async with ringing() as scene:
        scene.sender.answers = lambda _: (503, AttemptError.STATUS)
        await scene.put("r", delivery=Delivery(retry=RetryPolicy(max_attempts=2, initial_interval_ms=60_000)))
        answered = scene.sender.slow[URL + "/slow"] = asyncio.Event()
        for number in range(60):
            await scene.put(f"s{number}", url=URL + "/slow", rule="0 0 0 1 1 *")
            await scene.town.api.trigger(f"s{number}", scene.clock.now())
        await scene.second(10)

        assert figure(scene.one, "carillon_rings_under_way") == 50
        assert figure(scene.one, "carillon_rings_waiting") == 11, "the host has room for fifty"
        answered.set()
        await scene.clock.sleep(0.1)
        assert figure(scene.one, "carillon_rings_waiting") == 0
        assert figure(scene.one, "carillon_timers") == 61
        await scene.clock.sleep(0.1)
        waiting = sum(
            len(held.waiting or ()) for shard in scene.one.dispatcher._shards.values() for held in shard.timers.values()
        )
        assert figure(scene.one, "carillon_retries_waiting") == waiting > 0
        assert figure(scene.one, "carillon_agenda_entries") >= 61 + waiting
        await scene.town.api.delete("r")
        await scene.clock.sleep(0.1)
        assert figure(scene.one, "carillon_retries_waiting") == 60


@in_virtual_time
async def test_a_host_that_is_left_alone_is_counted_until_it_answers() -> None:
    async with ringing() as scene:
        scene.sender.answers = lambda _: (0, AttemptError.CONNECT)
        await scene.put(delivery=Delivery(retry=RetryPolicy(max_attempts=1)))
        await scene.clock.sleep(12)
        assert figure(scene.one, "carillon_hosts_left_alone") == 1
        assert figure(scene.one, "carillon_attempts_total", outcome="connect") == 10, "and no more requests are made"

        scene.sender.answers = lambda _: (200, AttemptError.NONE)
        await scene.clock.sleep(6)
        assert figure(scene.one, "carillon_hosts_left_alone") == 0


@in_virtual_time
async def test_a_process_that_was_stopped_sees_its_lag() -> None:
    async with ringing() as scene:
        await scene.put()
        await scene.second(100)
        assert figure(scene.one, "carillon_event_loop_lag_seconds_sum") < 0.001

        scene.clock.freeze(3)
        await scene.clock.sleep(1)

        assert 2 < figure(scene.one, "carillon_event_loop_lag_seconds_sum") <= 3
