"""What the queues and exchanges are called, and how each is declared; nothing here talks to a broker.

Every queue is durable or exclusive: RabbitMQ 4.3 refuses the rest. Types are named, so that no default of a virtual
host decides them. Per-message expiry on quorum queues and the dead letters' routing need RabbitMQ 3.10 or newer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from shared.bus.port import Queue, Work

Arguments: TypeAlias = dict[str, str | int | bool]

DELIVERY_LIMIT: Final = 50  # how often a message may come back before it is a dead letter
DEAD_LETTERS_KEPT: Final = 10_000
TIME_SIGNALS_KEPT: Final = 16  # unheard, and of no more than so many milliseconds ago: what is older tells nothing
TIME_SIGNAL_MILLISECONDS: Final = 5_000

# Messages that expire on purpose pass through the same exchange; only these two kinds are worth keeping.
DEATHS_KEPT: Final = ("rejected", "delivery_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDeclaration:
    """A queue's name and nature."""

    name: str
    arguments: Arguments = field(default_factory=dict)
    durable: bool = True
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDeclaration:
    """An exchange's name and nature; all are durable."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What leads from an exchange to a queue."""

    exchange: str
    queue: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Topology:
    """One installation's names; several installations share a broker under different prefixes."""

    prefix: str = "carillon"

    @property
    def changes(self) -> str:
        """The direct exchange to the inboxes; the routing key is the shard's number."""
        return f"{self.prefix}.changes"

    @property
    def hungry(self) -> str:
        """The fanout exchange of the bell."""
        return f"{self.prefix}.hungry"

    @property
    def clock(self) -> str:
        """The fanout exchange of the time."""
        return f"{self.prefix}.clock"

    @property
    def dead(self) -> str:
        """The exchange that dead letters leave their queue through, and the queue that keeps them."""
        return f"{self.prefix}.dead"

    @property
    def members(self) -> str:
        """The queue whose consumers are the members; nothing is ever sent to it."""
        return f"{self.prefix}.members"

    @property
    def lease(self) -> str:
        """The queue that is asked in order to renew a lease; nothing is ever sent to it."""
        return f"{self.prefix}.lease"

    def work(self, queue: Work) -> str:
        """A work queue's name."""
        return self.prefix + queue.value.removeprefix("carillon")

    def watched(self, queue: Queue) -> str:
        """The name of a queue whose length is of interest."""
        return f"{self.prefix}.{queue.value}"

    def inbox(self, shard: int) -> QueueDeclaration:
        """The queue whose exclusive declaration is the ownership of a shard.

        Not auto-delete: a cancelled consumer would give the shard away.
        """
        return QueueDeclaration(
            name=f"{self.prefix}.shard.{shard}",
            arguments={"x-queue-type": "classic", "x-dead-letter-exchange": self.dead},
            durable=False,
            exclusive=True,
        )

    def bell(self, incarnation: str) -> QueueDeclaration:
        """One session's ear for the bell; a bell that rings twice is one bell."""
        return QueueDeclaration(
            name=f"{self.prefix}.bell.{incarnation}",
            arguments={"x-queue-type": "classic", "x-max-length": 1},
            durable=False,
            exclusive=True,
        )

    def ear_for_time(self, incarnation: str) -> QueueDeclaration:
        """One session's ear for the time."""
        return QueueDeclaration(
            name=f"{self.clock}.{incarnation}",
            arguments={
                "x-queue-type": "classic",
                "x-max-length": TIME_SIGNALS_KEPT,
                "x-message-ttl": TIME_SIGNAL_MILLISECONDS,
            },
            durable=False,
            exclusive=True,
        )

    def exchanges(self) -> tuple[ExchangeDeclaration, ...]:
        """Every exchange."""
        return (
            ExchangeDeclaration(name=self.changes, kind="direct"),
            ExchangeDeclaration(name=self.hungry, kind="fanout"),
            ExchangeDeclaration(name=self.clock, kind="fanout"),
            ExchangeDeclaration(name=self.dead, kind="headers"),
        )

    def queues(self) -> tuple[QueueDeclaration, ...]:
        """Every durable queue."""
        work: Arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.dead,
        }
        return (
            QueueDeclaration(
                name=self.dead,
                arguments={
                    "x-queue-type": "quorum",
                    "x-max-length": DEAD_LETTERS_KEPT,
                    "x-overflow": "drop-head",
                },
            ),
            QueueDeclaration(name=self.work(Work.SNAPSHOTS), arguments=work),
            QueueDeclaration(name=self.work(Work.OUTCOMES), arguments=work | {"x-single-active-consumer": True}),
            QueueDeclaration(name=self.members, arguments={"x-queue-type": "quorum"}),
            QueueDeclaration(name=self.lease, arguments={"x-queue-type": "quorum"}),
        )

    def bindings(self) -> tuple[Binding, ...]:
        """Every binding that is not a session's own."""
        return tuple(
            Binding(
                exchange=self.dead,
                queue=self.dead,
                # "all" alone would not look at headers that begin with "x-".
                arguments={"x-match": "all-with-x", "x-first-death-reason": reason},
            )
            for reason in DEATHS_KEPT
        )
