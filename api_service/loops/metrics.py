"""What do the loops count? Names and meanings in one place; the loops move them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.domain.firing import Attempted
from shared.messages.catalogue import Outcomes
from shared.timing.instants import Instant
from shared.version import VERSION


class Seen(Collector):
    """A gauge of what is asked for now and then. What is not known now has no series, rather than an old value."""

    def __init__(self, name: str, what: str, labels: tuple[str, ...] = ()) -> None:
        self._name = name
        self._what = what
        self._labels = labels
        self._values: Mapping[tuple[str, ...], float] = {}
        REGISTRY.register(self)

    def known(self, value: float) -> None:
        """It is this now; for a gauge without labels."""
        self._values = {(): value}

    def all_known(self, values: Mapping[str, float]) -> None:
        """They are these now, by their one label."""
        self._values = {(label,): value for label, value in values.items()}

    def unknown(self) -> None:
        """Nobody knows."""
        self._values = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """For the registry."""
        family = GaugeMetricFamily(self._name, self._what, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        yield family


RELAY_PUBLISHED = Counter("carillon_relay_published", "Changes that were published to the owners of their shards.")
RELAY_UNROUTABLE = Counter("carillon_relay_unroutable", "Changes that reached nobody because their shard had no owner.")
RELAY_BEHIND = Gauge(
    "carillon_relay_behind_seconds",
    "For how long the outbox has not been seen empty; changes wait at the most so long.",
)
RECORDER_RECORDED = Counter("carillon_recorder_recorded", "Outcomes that were written to the ledger.")
OUTCOMES_LAG = Histogram(
    "carillon_outcomes_lag_seconds",
    "From the end of an attempt, by the dispatcher's clock, until it was recorded, by ours.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
RECORDER_BURIED = Counter(
    "carillon_recorder_buried", "Messages put with the dead letters because nothing could be made of them.", ["why"]
)
RECORDER_SECONDS = Histogram("carillon_recorder_seconds", "How long it took to record what came together.")
SNAPSHOT_ANSWERS = Counter("carillon_snapshot_answers", "Requests of dispatchers, by what came of them.", ["result"])
SNAPSHOT_TIMERS = Counter("carillon_snapshot_timers", "Timers that were sent in snapshots.")
CLOCK_SKEW = Seen(
    "carillon_clock_skew_seconds",
    "By how much this machine's clock is ahead; absent while Postgres cannot be asked.",
    ("against",),
)
MAILER_SENT = Counter("carillon_mailer_sent", "Mails to owners of events that the mail server has accepted.")
MAILER_POSTPONED = Counter("carillon_mailer_postponed", "Mails that could not be sent and are tried again later.")
MAILER_DROPPED = Counter(
    "carillon_mailer_dropped", "Notifications that their owner will never get: refused, expired or unmailable.", ["why"]
)

# Of the whole installation: every replica says the same, so take the maximum and not the sum.
OUTBOX_AGE = Seen(
    "carillon_outbox_age_seconds",
    "How long the oldest change waits to be published, 0 where none does; absent while Postgres cannot be asked.",
)
OUTBOX_CHANGES = Seen(
    "carillon_outbox_changes",
    "Changes that wait to be published, reckoned above 10000; absent while Postgres cannot be asked.",
)
SCHEMA_VERSION = Seen(
    "carillon_schema_version",
    "The number of the newest migration of the database; absent while Postgres cannot be asked.",
)
SCHEMA_WANTED = Gauge("carillon_schema_version_wanted", "The number of the newest migration that this release knows.")
QUEUE_MESSAGES = Seen(
    "carillon_queue_messages",
    "Messages that wait in a queue, without those being dealt with; absent while the broker cannot be asked.",
    ("queue",),
)
QUEUE_CONSUMERS = Seen(
    "carillon_queue_consumers",
    "Who reads a queue: of outcomes the recorder that is active, of members every dispatcher that is counted;"
    " absent while the broker cannot be asked.",
    ("queue",),
)
DATABASE_CONNECTIONS = Gauge("carillon_database_connections", "Connections of this process to Postgres.", ["state"])
DATABASE_LIMIT = Gauge("carillon_database_connections_limit", "Connections that this process may have to Postgres.")
BUILD_INFO = Gauge("carillon_build_info", "Always 1; the labels say what runs.", ["version", "service"])
BUILD_INFO.labels(VERSION, "api").set(1)


def recorded(messages: Iterable[Outcomes], now: Instant) -> None:
    """These outcomes are in the ledger. What is not about an attempt has no end to count from."""
    for message in messages:
        for report in message.reports:
            RECORDER_RECORDED.inc(len(report.outcomes))
            for outcome in report.outcomes:
                if type(outcome) is Attempted:
                    OUTCOMES_LAG.observe(max(now - outcome.started - outcome.duration_ms, 0) / 1000)
