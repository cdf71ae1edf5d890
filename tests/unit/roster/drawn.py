"""Rosters to try things on, and what happens in them, as somebody finds out who has nothing but a list of shifts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from shared.domain.oncall import OnCallEvent, Shift, shifts
from shared.domain.roster import Roster, TransitionKind, drawn_up
from shared.timing import recurrence
from shared.timing.instants import Instant, from_datetime
from shared.timing.recurrence import InvalidRecurrence, Rule, Unit
from shared.timing.zones import zone

DAY = 86_400_000
HOUR = 3_600_000
PEOPLE = tuple((f"u{number}", f"Person {number}") for number in range(5))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
# Around the days on which the clocks of Europe, America and Lord Howe change.
BEGINS = datetime(2026, 3, 1, 8)  # noqa: DTZ001 - on the wall
_LENGTHS = (30, 60, 8 * 60, 12 * 60, 24 * 60, 7 * 24 * 60)

Told = tuple[TransitionKind, int, tuple[str, ...], tuple[str, ...], tuple[str, int] | None]


def at(text: str, zone_name: str = "UTC") -> Instant:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone(zone_name)))


def event(event_id: str, start: str, end: str, *people: str, layer: int = 1, **facts: Any) -> OnCallEvent:
    """An on-call event; `exceptions` and `rotation` are its own, everything else is its rule's."""
    own = {name: facts.pop(name) for name in ("exceptions", "rotation") if name in facts}
    rule = Rule(
        start=datetime.fromisoformat(start),
        end=datetime.fromisoformat(end),
        zone=facts.pop("zone", "UTC"),
        turns=len(people) if own.get("rotation") else 0,
        **facts,
    )
    return OnCallEvent(event_id=event_id, layer=layer, rule=rule, attendees=people, **own)


def roster(events: Iterable[OnCallEvent], *on: str, **facts: Any) -> Roster:
    kinds = [TransitionKind(kind) for kind in on] or [TransitionKind.SHIFT_STARTED]
    return drawn_up(events, PEOPLE, on=kinds, **{"schedule_id": "schedule", "begins": 0, **facts})


@st.composite
def on_call_events(draw: st.DrawFn, number: int = 0) -> OnCallEvent:
    unit = draw(st.sampled_from([None, *Unit]))
    start = BEGINS + timedelta(minutes=draw(st.integers(0, 40 * 48)) * 30)
    if draw(st.booleans()):  # on the same grid, so that shifts meet
        start = BEGINS + timedelta(days=draw(st.integers(0, 20)), hours=draw(st.sampled_from([0, 8, 12])))
    length = timedelta(minutes=draw(st.sampled_from(_LENGTHS)))
    people = draw(st.lists(st.sampled_from([name for name, _ in PEOPLE]), min_size=1, max_size=3, unique=True))
    rotation = unit is not None and draw(st.booleans())
    rule = Rule(
        start=start,
        end=start + length,
        zone=draw(st.sampled_from(ZONES)),
        unit=unit,
        frequency=draw(st.sampled_from([1, 1, 2, 12])),
        days_of_week=draw(st.sampled_from([frozenset(), frozenset({1, 2, 3, 4, 5})])) if unit else frozenset(),
        repeat_end=draw(st.sampled_from([None, None, date(2026, 3, 30), date(2026, 11, 1)])) if unit else None,
        turns=len(people) if rotation else 0,
    )
    made = OnCallEvent(
        event_id=f"e{number}", layer=draw(st.integers(1, 2)), rule=rule, attendees=tuple(people), rotation=rotation
    )
    try:
        recurrence.validated(rule)
    except InvalidRecurrence:
        return replace(made, rule=Rule(start=start, end=start + length, zone="UTC"), rotation=False)
    near = [each.start for each in recurrence.occurrences(rule, at("2026-03-01"), at("2026-04-10"))][:40]
    gone = draw(st.sets(st.sampled_from(near), max_size=4)) if near else set()
    return replace(made, exceptions=frozenset(gone))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    events = [draw(on_call_events(number)) for number in range(draw(st.integers(1, 4)))]
    on = draw(st.sets(st.sampled_from(list(TransitionKind)), min_size=1))
    layers = draw(st.sampled_from([(), (), (1,), (2,)]))
    return drawn_up(
        events,
        PEOPLE,
        schedule_id="schedule",
        on=on,
        begins=at("2026-03-05T11:30"),
        lead_ms=draw(st.sampled_from([30 * 60_000, 24 * HOUR])),
        layers=layers,
    )


def happens(events: Sequence[OnCallEvent], wanted: Roster, first: Instant, last: Instant) -> dict[Instant, list[Told]]:
    """What is to be told from the first moment to the last, found by looking at each at which anything changes."""
    counted = [one for one in events if not wanted.layers or one.layer in wanted.layers]
    return happening(shifts(counted, first - 1, last + wanted.lead_ms + 1), wanted, first, last)


def happening(found: Sequence[Shift], wanted: Roster, first: Instant, last: Instant) -> dict[Instant, list[Told]]:
    """The same of these shifts, which are in the order of their starts."""
    longest, starts = max((shift.end - shift.start for shift in found), default=0), [shift.start for shift in found]

    def near(edge: Instant) -> list[Shift]:
        begin, end = bisect_left(starts, edge - longest), bisect_right(starts, edge + wanted.lead_ms)
        return [shift for shift in found[begin:end] if shift.end >= edge]

    edges = {edge for shift in found for edge in (shift.start, shift.end, shift.start - wanted.lead_ms)}
    told = {edge: _told(near(edge), wanted, edge) for edge in sorted(edges) if first <= edge <= last}
    return {edge: tellings for edge, tellings in told.items() if tellings}


def _told(found: Sequence[Shift], wanted: Roster, edge: Instant) -> list[Told]:
    tellings: list[Told] = []
    for layer in sorted({shift.layer for shift in found}):
        here = [shift for shift in found if shift.layer == layer]
        for kind in TransitionKind:
            if kind not in wanted.on:
                continue
            moment = edge + wanted.lead_ms if kind is TransitionKind.SHIFT_STARTING else edge
            before = {who for one in here if one.start < moment <= one.end for _, who in one.attendees}
            now = {who for one in here if one.start <= moment < one.end for _, who in one.attendees}
            gone, come = before - now, now - before
            if kind is TransitionKind.GAP_STARTED:
                if before and not now:
                    tellings.append((kind, layer, tuple(sorted(gone)), (), None))
                continue
            for shift in sorted(here, key=lambda one: (one.start, one.event_id)):
                own = {who for _, who in shift.attendees}
                place = (shift.event_id, shift.index)
                if kind is TransitionKind.SHIFT_ENDED and shift.end == moment:
                    tellings.append((kind, layer, tuple(sorted(gone & own)), tuple(sorted(come)), place))
                elif kind is not TransitionKind.SHIFT_ENDED and shift.start == moment:
                    tellings.append((kind, layer, tuple(sorted(gone)), tuple(sorted(come & own)), place))
    return tellings
