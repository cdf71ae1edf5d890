"""Is every instant of an event in the ledger? Recomputed from the history of its rule, and laid beside what is written.

It goes a window at a time, and waits for the ledger between two of them: others have their turn meanwhile. What is
written while it goes on does not mislead it: how far the ledger must be is read first, and nothing leaves the ledger
but by age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from api_service import limits
from api_service.schemas.audits import AuditWanted
from api_service.store import entries, events, rules
from api_service.store.entries import Entry
from api_service.store.retention import DAY_MS
from api_service.store.rules import RuleVersion
from api_service.usecases import history
from api_service.usecases.history import Segment
from api_service.usecases.means import Means
from api_service.usecases.reckoning import Reckoning
from shared.domain.errors import InvalidInput
from shared.domain.event import Event, Status
from shared.timing.instants import Instant, iso

WINDOW: Final = 200  # instants, which take some milliseconds to compute
_PAGE = 1_000
_REACHING_MOST = 100
_SWEEPING_MS = 60_000  # housekeeping's clock may be ahead, and it goes on while we read


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What came of an audit of the instants from `since` on and before `until`.

    The rule's history begins at `known_from`, and the ledger forgets what is older than `retained_from`. `complete`: it
    is proved that the ledger has every instant, but for those that are under way.
    """

    since: Instant
    until: Instant
    known_from: Instant
    retained_from: Instant
    complete: bool
    reckoning: Reckoning


async def audit(means: Means, event_id: str, wanted: AuditWanted) -> Audit:
    """What the ledger has of the event's instants, and what it has not. Raises EventNotFound, InvalidInput."""
    async with means.database.connection() as c:
        event = await events.get(c, means.application_id, event_id)
        known = await rules.history(c, event)
    known_from, retained_from = known[0].valid_from, _retained_from(means)
    provable_from, until = max(known_from, retained_from), wanted.until
    since = min(provable_from, until) if wanted.since is None else wanted.since
    begin = max(since, provable_from)

    reckoning = Reckoning(settled=_settled_through(event), eras=history.eras(known, seed=event_id))
    if begin < until:
        await _go_through(means, event_id, known, reckoning, begin - 1, until - 1)
    # Before its creation an event had no instants: there nothing needs to be known.
    is_provable = since == begin or begin <= event.created_date
    return Audit(
        since=since,
        until=until,
        known_from=known_from,
        retained_from=retained_from,
        complete=is_provable and not reckoning.missing,
        reckoning=reckoning,
    )


def _retained_from(means: Means) -> Instant:
    """Since when nothing that is in the ledger leaves it while we look."""
    return means.now - means.ledger_success_days * DAY_MS + _SWEEPING_MS


def _settled_through(event: Event) -> Instant:
    """Up to where all instants must be in the ledger.

    Whoever moves the anchor writes off what was due before; of a FINISHED event nobody reports any more.
    """
    if event.status is Status.FINISHED:
        return event.end_date
    return max(event.anchor, event.settled_through or event.anchor)


async def _go_through(
    means: Means, event_id: str, known: Sequence[RuleVersion], reckoning: Reckoning, after: Instant, through: Instant
) -> None:
    """Reckon what was due after the one moment and not after the other."""
    _check_changes(known, after, through)
    found = history.segments(known, after, through, seed=event_id)
    _check_instants(found)
    async with means.database.connection() as c:
        reckoning.reach(await entries.reaching(c, event_id, after, limit=_REACHING_MOST))

    dues = chain.from_iterable(segment.dues() for segment in found)
    left = limits.AUDIT_ENTRIES
    for _ in range(limits.AUDIT_INSTANTS // WINDOW + 1):
        window = list(islice(dues, WINDOW))
        is_last = len(window) < WINDOW
        end = through if is_last else window[-1].nominal
        written = await _written(means, event_id, after, end, left)
        reckoning.window(window, written)
        if is_last:
            return
        after, left = end, left - len(written)


async def _written(means: Means, event_id: str, after: Instant, through: Instant, most: int) -> list[Entry]:
    """The entries of a window. Raises InvalidInput where they are more than may be read."""
    written: list[Entry] = []
    async with means.database.connection() as c:
        is_more = True
        while is_more and len(written) <= most:
            page = await entries.between(c, event_id, after, through, limit=_PAGE)
            written += page
            is_more = len(page) == _PAGE
            after = page[-1].nominal if page else through
    if len(written) > most:
        raise _too_many("entries of the ledger", limits.AUDIT_ENTRIES, written[most].nominal)
    return written


def _check_changes(known: Sequence[RuleVersion], after: Instant, through: Instant) -> None:
    within = [rule.valid_from for rule in known if after < rule.valid_from <= through]
    if len(within) > limits.AUDIT_CHANGES:
        raise _too_many("changes of the rule", limits.AUDIT_CHANGES, within[limits.AUDIT_CHANGES])


def _check_instants(found: Sequence[Segment]) -> None:
    most = limits.AUDIT_INSTANTS
    if not history.holds(found, most):
        raise _too_many("occurrences", most, history.part_of(found, most))


def _too_many(what: str, most: int, to: Instant) -> InvalidInput:
    return InvalidInput([
        f"from and to should have at most {most} {what} between them; ask for parts of it, first with to={iso(to)}"
    ])
