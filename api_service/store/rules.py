"""Which rule was in force when? A row for every change of what an event's instants depend on, and for no other.

A row holds from `valid_from` until the next one does. `events.insert` writes an event's first row; it goes with the
event. An event's end is in its row, so that it is FINISHED needs no row of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api_service.store.database import Connection
from api_service.store.queries import load
from shared.domain.event import Event, Status
from shared.domain.timer import BESIDE_ROSTER
from shared.timing.instants import Instant, from_datetime, to_datetime

if TYPE_CHECKING:
    import asyncpg

SQL = load(__file__)

# Of one event: who changes its rule more often than that loses sight of the oldest ones, and of nothing else.
KEPT: Final = 10_000
KEPT_ROSTERS: Final = 1_000  # each of which may be large


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """What an event's instants depended on from `valid_from` on."""

    version: int
    valid_from: Instant
    interval: str
    timezone: str
    end_date: Instant
    anchor: Instant
    paused: bool
    roster: bytes = b""


async def note(c: Connection, event: Event, *, kept: int | None = None) -> None:
    """Write down what the instants of this event, which is about to be written, depend on from now on."""
    await c.execute(
        SQL["note"],
        event.event_id,
        event.application_id,
        event.version,
        to_datetime(event.updated_date),
        event.interval or BESIDE_ROSTER,
        event.timezone,
        to_datetime(event.end_date),
        to_datetime(event.anchor),
        event.status is Status.PAUSED,
        kept or (KEPT_ROSTERS if event.roster else KEPT),
        event.roster or None,
    )


async def history(c: Connection, event: Event) -> list[RuleVersion]:
    """The rules of this event in order, as far back as they are known; the last one is in force.

    Where the event does not stand as its latest row says, a release from before there was a history has changed it:
    then nothing is known but how it stands, and that is so since it was last changed.
    """
    rules = [_rule(row) for row in await c.fetch(SQL["history"], event.event_id)]
    standing = RuleVersion(
        version=event.version,
        valid_from=event.updated_date,
        interval=event.interval,
        timezone=event.timezone,
        end_date=event.end_date,
        anchor=event.anchor,
        paused=event.status is Status.PAUSED,
        roster=event.roster,
    )
    return rules if rules and _facts(rules[-1]) == _facts(standing) else [standing]


def _facts(rule: RuleVersion) -> tuple[object, ...]:
    return rule.interval, rule.timezone, rule.end_date, rule.anchor, rule.paused, rule.roster


def _rule(row: asyncpg.Record) -> RuleVersion:
    return RuleVersion(
        version=row["version"],
        valid_from=from_datetime(row["valid_from"]),
        interval="" if row["roster"] else row["interval"],
        timezone=row["timezone"],
        end_date=from_datetime(row["end_date"]),
        anchor=from_datetime(row["anchor"]),
        paused=row["paused"],
        roster=row["roster"] or b"",
    )
