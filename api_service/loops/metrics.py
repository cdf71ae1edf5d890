"""What do the loops count? Names and meanings in one place; the loops move them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RELAY_PUBLISHED = Counter("carillon_relay_published", "Changes that were published to the owners of their shards.")
RELAY_UNROUTABLE = Counter("carillon_relay_unroutable", "Changes that reached nobody because their shard had no owner.")
RELAY_BEHIND = Gauge(
    "carillon_relay_behind_seconds",
    "For how long the outbox has not been seen empty; changes wait at the most so long.",
)
RECORDER_RECORDED = Counter("carillon_recorder_recorded", "Outcomes that were written to the ledger.")
RECORDER_BURIED = Counter(
    "carillon_recorder_buried", "Messages put with the dead letters because nothing could be made of them.", ["why"]
)
RECORDER_SECONDS = Histogram("carillon_recorder_seconds", "How long it took to record one message.")
SNAPSHOT_ANSWERS = Counter("carillon_snapshot_answers", "Requests of dispatchers, by what came of them.", ["result"])
SNAPSHOT_TIMERS = Counter("carillon_snapshot_timers", "Timers that were sent in snapshots.")
MAILER_SENT = Counter("carillon_mailer_sent", "Mails to owners of events that the mail server has accepted.")
MAILER_POSTPONED = Counter("carillon_mailer_postponed", "Mails that could not be sent and are tried again later.")
MAILER_DROPPED = Counter(
    "carillon_mailer_dropped", "Notifications that their owner will never get: refused, expired or unmailable.", ["why"]
)
