"""What a dispatcher counts. Names carry units; a registry of its own, so that both services fit in one process."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dispatcher_service.core.firing import Firing
from dispatcher_service.core.shard import Shard
from dispatcher_service.sender.http import Answer
from shared.domain.firing import AttemptError

_LATENESS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    """The dispatcher's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._lateness = Histogram(
            "carillon_ring_lateness_seconds",
            "From the nominal instant to the start of the attempt.",
            buckets=_LATENESS,
            registry=self.registry,
        )
        self._attempts = Counter(
            "carillon_attempts", "Attempts by how they ended.", ["outcome"], registry=self.registry
        )
        # Looking a label up costs more than counting.
        self._attempts_by = {error: self._attempts.labels(error.value or "delivered") for error in AttemptError}
        self._snapshot = Histogram(
            "carillon_snapshot_seconds", "From the claim of a shard until it rings.", registry=self.registry
        )

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def attempted(self, firing: Firing, answer: Answer) -> None:
        """One attempt is over."""
        if not firing.manual:
            self._lateness.observe(max(answer.started - firing.nominal, 0) / 1000)
        self._attempts_by[answer.error].inc()

    def listed(self, _shard: Shard, seconds: float) -> None:
        """A shard's snapshot is in."""
        self._snapshot.observe(seconds)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)
