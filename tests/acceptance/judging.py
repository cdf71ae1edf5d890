"""Did every instant ring, how late, how often, and under which name? Arrivals in, an account out; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tests.servers.receiver import Arrival

SECOND = 1000

Instant = tuple[str, int]  # an event and a nominal moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of the instants of events that ring every second."""

    expected: int
    missing: list[Instant]
    latest: int  # milliseconds of the most belated first ring
    earliest: int
    repeated: list[Instant]
    renamed: list[Instant]  # rung under more than one webhook-id
    attempts: int

    def __str__(self) -> str:
        """One line for a person."""
        return (
            f"{self.expected} instants, {len(self.missing)} missing, latest {self.latest} ms, "
            f"{len(self.repeated)} rung again, {len(self.renamed)} renamed"
        )


def account(arrivals: Iterable[Arrival], *, events: Collection[str], since: int, until: int) -> Account:
    """The account of these events' full seconds from `since` until before `until`."""
    seconds = range(-(-since // SECOND) * SECOND, until, SECOND)
    rings: dict[Instant, list[Arrival]] = defaultdict(list)
    wanted = frozenset(events)
    for arrival in arrivals:
        if arrival.event_id in wanted and arrival.nominal in seconds:
            rings[arrival.event_id, arrival.nominal].append(arrival)

    first = [min(ring.late for ring in several) for several in rings.values()]
    return Account(
        expected=len(seconds) * len(wanted),
        missing=[(event, second) for event in sorted(wanted) for second in seconds if (event, second) not in rings],
        latest=max(first, default=0),
        earliest=min(first, default=0),
        repeated=sorted(instant for instant, several in rings.items() if len(several) > 1),
        renamed=sorted(instant for instant, several in rings.items() if len({ring.name for ring in several}) > 1),
        attempts=sum(map(len, rings.values())),
    )


def shares(owned: Iterable[float]) -> tuple[int, int]:
    """How many shards are owned in all, and by how many the largest share exceeds the smallest."""
    counts = [int(count) for count in owned]
    return sum(counts), max(counts) - min(counts)
