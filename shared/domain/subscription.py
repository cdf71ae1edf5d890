"""A subscription: an event whose instants are the transitions of a schedule. What it becomes when the schedule changes.

What was due before the change and is due after it as well is told still, and once. What only one of the two has is not:
the past is what it was. But the past begins a minute ago, since people say from which minute on somebody takes over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from shared.domain import roster as rosters
from shared.domain.event import Event
from shared.domain.oncall import OnCallEvent
from shared.domain.roster import Roster, TransitionKind
from shared.domain.roster_series import RosterSeries
from shared.timing.instants import Instant

_FRESH_MS: Final = 60_000
_LOOKED_BACK: Final = 1_000  # transitions that nobody has told yet; more than that are long out of grace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Of which transitions of a schedule somebody wants to hear; without `layers` of all of them."""

    on: tuple[TransitionKind, ...]
    lead_ms: int = 0
    layers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule as its subscriptions must know it: what may still happen on it, and people by id and name."""

    schedule_id: str
    events: tuple[OnCallEvent, ...]
    names: tuple[tuple[str, str], ...]


def asked_of(subscription: Event) -> Asked:
    """What the subscription asks for."""
    roster = rosters.decode(subscription.roster)
    return Asked(on=roster.on, lead_ms=roster.lead_ms, layers=roster.layers)


def first_roster(plan: Plan, asked: Asked, now: Instant) -> bytes:
    """The roster of a subscription that begins now."""
    return rosters.encode(_drawn_up(plan, asked, now))


def rearmed(subscription: Event, plan: Plan, asked: Asked, now: Instant) -> Event:
    """The subscription to the schedule as it is now; the very same where that makes no difference to it."""
    before, drawn_up = rosters.decode(subscription.roster), _drawn_up(plan, asked, now)
    if rosters.says_the_same(drawn_up, before):
        return subscription
    told = RosterSeries(before)
    since = max(subscription.anchor, subscription.settled_through or subscription.anchor)
    begins = _agree_from(told, RosterSeries(drawn_up), since, now)
    after = rosters.succeeds(drawn_up, before, begins=begins, sequence=told.sequence_at(begins))
    return replace(subscription, roster=rosters.encode(after), anchor=begins, settled_through=None, updated_date=now)


def _drawn_up(plan: Plan, asked: Asked, now: Instant) -> Roster:
    return rosters.drawn_up(
        plan.events,
        plan.names,
        schedule_id=plan.schedule_id,
        on=asked.on,
        begins=now,
        lead_ms=asked.lead_ms,
        layers=asked.layers,
    )


def _agree_from(before: RosterSeries, after: RosterSeries, since: Instant, now: Instant) -> Instant:
    """The earliest moment, of those from `since` to now, after which what the later one has up to now is to be told.

    That is what both have, and then what only that one has and has just come: so no number is given twice.
    """
    if since >= now:
        return since
    begin = max(series.before_the_latest(since, now, _LOOKED_BACK) for series in (before, after))
    had, has = ({*series.upcoming(begin, series.count_between(begin, now))} for series in (before, after))
    fresh = {instant for instant in has - had if instant > max(now - _FRESH_MS, max(had, default=begin))}
    return max((had ^ has) - fresh, default=begin)
