"""An audit of the book, by the product's own reckoning: what it names as missing, over a whole history."""

from __future__ import annotations

from itertools import chain

from api_service.store.entries import Entry
from api_service.store.rules import RuleVersion
from api_service.usecases import history
from api_service.usecases.reckoning import Gap, Reckoning
from shared.domain.event import Status
from shared.timing.instants import Instant
from tests.fakes.book import Book, Row, Segment


def gaps(book: Book, name: str, until: Instant) -> list[Gap]:
    """What the audit of this event misses where all of its instants must be in the ledger."""
    rules = [_rule(segment) for segment in book.segments[name]]
    rows = sorted(
        ((nominal, row) for (event, nominal, manual), row in book.rows.items() if event == name and not manual),
        key=lambda found: found[0],
    )
    reckoning = Reckoning(settled=until, eras=history.eras(rules, seed=name))
    segments = history.segments(rules, rules[0].valid_from, until, seed=name)
    reckoning.window(
        list(chain.from_iterable(segment.dues() for segment in segments)),
        [_entry(nominal, row) for nominal, row in rows],
    )
    return reckoning.gaps


def _rule(segment: Segment) -> RuleVersion:
    event = segment.event
    return RuleVersion(
        version=event.version,
        valid_from=segment.since,
        interval=event.interval,
        timezone=event.timezone,
        end_date=event.end_date,
        anchor=event.anchor,
        paused=event.status is Status.PAUSED,
    )


def _entry(nominal: Instant, row: Row) -> Entry:
    return Entry(nominal=nominal, last=row.last or nominal, count=row.count, status=row.status, reason=row.reason)
