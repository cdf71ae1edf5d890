"""What a dispatcher counts, under names that do not change.

A registry of its own, so that both services fit in one process. What is counted for each ring is counted without the
locks of prometheus_client, which cost a twentieth of the ring: one event loop counts, and who scrapes reads.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from dispatcher_service.core.firing import Firing, Heard
from shared.domain.firing import Abandoned, Attempted, AttemptError, FailReason, Outcome, Skipped, SkipReason
from shared.version import VERSION

_LATENESS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_REQUESTS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_DELIVERED: Final = ("delivered", "")
_HANDOVERS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60)


class Metrics:
    """The dispatcher's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        build = Info("carillon_build", "Which release this process is of.", registry=self.registry)
        build.info({"version": VERSION, "service": "dispatcher"})
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._lateness = self._spread(
            "carillon_ring_lateness_seconds",
            "By how much the first request of a scheduled firing began after it was due, its spread included.",
            _LATENESS,
        )
        self._lag = self._histogram(
            "carillon_event_loop_lag_seconds",
            "By how much the ticker woke later than it had asked for: everything in this process waits so long.",
            _LATENESS,
        )
        self._seconds = self._spread(
            "carillon_attempt_seconds", "How long a request took, until its answer or its failure.", _REQUESTS
        )
        self._canary = self._histogram(
            "carillon_canary_lateness_seconds",
            "By how much a canary rang after it was due: every shard has one, and it goes the way of a ring.",
            _LATENESS,
        )
        self._canary_rings = Counter(
            "carillon_canary_rings", "Canaries that rang, up to where a request would leave.", registry=self.registry
        )
        # With an open breaker no request is made, so none ends that way.
        self._attempts = self._tally(
            "carillon_attempts",
            "Requests by how they ended: delivered, or the stage at which they failed.",
            ("outcome",),
            [_ended(error) for error in AttemptError if error is not AttemptError.BREAKER],
        )
        self._rings = self._tally(
            "carillon_rings",
            "Firings that are over, as the ledger is told: delivered, failed or skipped, and why.",
            ("outcome", "reason"),
            [
                _DELIVERED,
                *(("failed", reason.value) for reason in FailReason),
                *(("skipped", reason.value) for reason in SkipReason),
            ],
        )
        self._count_shards()

    def _count_shards(self) -> None:
        handovers = Counter(
            "carillon_handovers",
            "Shards that came and went: claimed, given_up on purpose, or lost with the session or to somebody else.",
            ["kind"],
            registry=self.registry,
        )
        self._claimed, self._given_up, self._lost = (handovers.labels(kind) for kind in ("claimed", "given_up", "lost"))
        seconds = self._histogram(
            "carillon_handover_seconds",
            "How long a shard is silent at a hand-over: claimed, from the claim until it rings; given_up, from its "
            "last ring until it is released.",
            _HANDOVERS,
            ("kind",),
        )
        self._claimed_seconds, self._given_up_seconds = seconds.labels("claimed"), seconds.labels("given_up")
        self._snapshot = self._histogram(
            "carillon_snapshot_seconds", "From asking for a claimed shard's snapshot until all of it is in.", _HANDOVERS
        )
        self._asked = Counter("carillon_snapshots_asked", "Snapshots that were asked for.", registry=self.registry)

    def watch(self, name: str, what: str, value: Callable[[], float], **labels: str) -> None:
        """A gauge that is read when somebody asks."""
        gauge = Gauge(name, what, list(labels), registry=self.registry)
        (gauge.labels(**labels) if labels else gauge).set_function(value)

    def watch_total(self, name: str, what: str, value: Callable[[], float]) -> None:
        """A counter that somebody else keeps, read when somebody asks."""
        self.registry.register(_Total(name, what, value))

    def watch_each(self, name: str, what: str, label: str, values: Callable[[], Iterable[tuple[str, float]]]) -> None:
        """A gauge with one series for each value of a label that there is when somebody asks, and no other."""
        self.registry.register(_Each(name, what, label, values))

    def attempted(self, firing: Firing, heard: Heard) -> None:
        """One request is over."""
        if firing.due is None and not firing.manual:
            self._lateness.observe(max(heard.started - firing.effective, 0) / 1000)
        self._seconds.observe(heard.duration_ms / 1000)
        self._attempts.counts[_ended(heard.error)] += 1

    def reported(self, outcome: Outcome) -> None:
        """The ledger is being told of this."""
        match outcome:
            case Attempted(retry_at=0, reason=None):
                self._rings.counts[_DELIVERED] += 1
            case Attempted(retry_at=0, reason=FailReason() as reason) | Abandoned(reason=reason):
                self._rings.counts["failed", reason.value] += 1
            case Skipped(reason=why, count=count):
                self._rings.counts["skipped", why.value] += count
            case _:
                pass  # it goes on, or it is no firing's end

    def canary_rang(self, late: float) -> None:
        """A canary rang, so many seconds late."""
        self._canary.observe(late)
        self._canary_rings.inc()

    def lagged(self, seconds: float) -> None:
        """The event loop had its turn so much later than it should."""
        self._lag.observe(seconds)

    def claimed(self) -> None:
        """A shard is ours."""
        self._claimed.inc()

    def rings(self, seconds: float) -> None:
        """A claimed shard rings, so long after its claim."""
        self._claimed_seconds.observe(seconds)

    def given_up(self, seconds: float) -> None:
        """A shard was released, so long after it had stopped ringing."""
        self._given_up.inc()
        self._given_up_seconds.observe(seconds)

    def lost(self) -> None:
        """A shard is not ours any more, and we did not give it up."""
        self._lost.inc()

    def snapshot_asked(self) -> None:
        """A snapshot is being asked for."""
        self._asked.inc()

    def snapshot_in(self, seconds: float) -> None:
        """A claimed shard is known, so long after we began to ask."""
        self._snapshot.observe(seconds)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(name, what, labels, buckets=buckets, registry=self.registry)

    def _spread(self, name: str, what: str, bounds: tuple[float, ...]) -> Spread:
        self.registry.register(spread := Spread(name, what, bounds))
        return spread

    def _tally(self, name: str, what: str, labels: tuple[str, ...], series: Iterable[tuple[str, ...]]) -> Tally:
        self.registry.register(tally := Tally(name, what, labels, series))
        return tally


def _ended(error: AttemptError) -> tuple[str]:
    return (error or "delivered",)


class Spread(Collector):
    """A histogram that is counted in one thread."""

    def __init__(self, name: str, what: str, bounds: tuple[float, ...]) -> None:
        self._name = name
        self._what = what
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """One more of this value; a bound counts what is equal to it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """How many there are up to each bound, and their sum."""
        bounds = map(floatToGoString, (*self._bounds, float("inf")))
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._what, buckets=buckets, sum_value=self._sum)


class Tally(Collector):
    """A counter by labels that is counted in one thread; every series is there from the beginning."""

    def __init__(self, name: str, what: str, labels: tuple[str, ...], series: Iterable[tuple[str, ...]]) -> None:
        self._name = name
        self._what = what
        self._labels = labels
        self.counts = dict.fromkeys(series, 0)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Each series' count."""
        family = CounterMetricFamily(self._name, self._what, labels=self._labels)
        for labels, count in self.counts.items():
            family.add_metric(labels, count)
        yield family


class _Total(Collector):
    """One counter that is kept elsewhere."""

    def __init__(self, name: str, what: str, value: Callable[[], float]) -> None:
        self._name = name
        self._what = what
        self._value = value

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Its value now."""
        yield CounterMetricFamily(self._name, self._what, value=self._value())


class _Each(Collector):
    """A gauge whose series come and go."""

    def __init__(self, name: str, what: str, label: str, values: Callable[[], Iterable[tuple[str, float]]]) -> None:
        self._name = name
        self._what = what
        self._label = label
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The series that there are now."""
        family = GaugeMetricFamily(self._name, self._what, labels=[self._label])
        for value, figure in self._values():
            family.add_metric([value], figure)
        yield family
