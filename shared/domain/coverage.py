"""How a stretch of time is covered: when nobody is on call, and how many hours fall to whom.

A layer is covered while somebody is on call in it. Whoever has two shifts of one layer at once is on call once; in two
layers at once, twice. Nights and weekends are those of the person's own clock, with its changes: a night that the
clock makes an hour longer has nine hours. They overlap, and the hours of a Saturday's night count as both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from shared.domain.oncall import OnCallEvent, shifts
from shared.domain.spans import Span, both, length, minus, union
from shared.timing.instants import Instant
from shared.timing.recurrence_walls import wall_clock

_HOUR = 3_600_000
_DAY = 24 * _HOUR
NIGHT_BEGINS, NIGHT_ENDS = 22 * _HOUR, 6 * _HOUR  # on the wall, over midnight
_FIRST_SATURDAY = 2  # days after the Thursday that is the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCoverage:
    """The longest spans in which nobody is on call in a layer, and for how long somebody is."""

    layer: int
    gaps: tuple[Span, ...]
    covered_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """How long somebody is on call, and how much of it is from 22:00 to 06:00, or on Saturdays and Sundays."""

    total_ms: int
    night_ms: int
    weekend_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCoverage:
    """Somebody's hours in each layer where there are any, and in all of them taken together."""

    account_user_id: str
    layers: Mapping[int, Hours]
    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was asked about, its layers in order, and everybody that was asked about in the order of their ids."""

    start: Instant
    end: Instant
    layers: tuple[LayerCoverage, ...]
    people: tuple[PersonCoverage, ...]


def coverage(events: Iterable[OnCallEvent], zones: Mapping[str, str], start: Instant, end: Instant) -> Coverage:
    """How [start, end) is covered, in the layers that any of the events has.

    `zones` are the IANA names of the clocks of all attendees, and of whoever else shall be told that it has no hours.
    """
    events = tuple(events)
    held = holdings(events, start, end)
    return Coverage(
        start=start,
        end=end,
        layers=tuple(_layer(layer, held, (start, end)) for layer in sorted({event.layer for event in events})),
        people=tuple(_people(zones, held, (start, end))),
    )


def holdings(events: Iterable[OnCallEvent], start: Instant, end: Instant) -> dict[tuple[int, str], list[Span]]:
    """When in [start, end) who is on call, by layer and account user."""
    found: defaultdict[tuple[int, str], list[Span]] = defaultdict(list)
    for shift in shifts(events, start, end):
        span = max(shift.start, start), min(shift.end, end)
        for _, person in shift.attendees:
            found[shift.layer, person].append(span)
    return {key: union(spans) for key, spans in found.items()}


def covered(held: Mapping[tuple[int, str], list[Span]], layer: int) -> list[Span]:
    """When anybody is on call in a layer."""
    return union(span for (where, _), spans in held.items() if where == layer for span in spans)


def nights_and_weekends(zone: str, start: Instant, end: Instant) -> tuple[list[Span], list[Span]]:
    """The moments of [start, end) at which the zone's clock shows a night's hour, and a weekend's day."""
    nights: list[Span] = []
    weekends: list[Span] = []
    for first, last, offset in _stretches(zone, start, end):
        midnight = (first + offset) // _DAY * _DAY - offset
        for day in range(midnight - _DAY, last, _DAY):
            nights.append((max(first, day + NIGHT_BEGINS), min(last, day + _DAY + NIGHT_ENDS)))
            if ((day + offset) // _DAY - _FIRST_SATURDAY) % 7 < 2:
                weekends.append((max(first, day), min(last, day + _DAY)))
    return union(nights), union(weekends)


def _layer(layer: int, held: Mapping[tuple[int, str], list[Span]], window: Span) -> LayerCoverage:
    spans = covered(held, layer)
    return LayerCoverage(layer=layer, gaps=tuple(minus(union([window]), spans)), covered_ms=length(spans))


def _people(
    zones: Mapping[str, str], held: Mapping[tuple[int, str], list[Span]], window: Span
) -> Iterator[PersonCoverage]:
    clocks = {zone: nights_and_weekends(zone, *window) for zone in set(zones.values())}
    layers: defaultdict[str, dict[int, Hours]] = defaultdict(dict)
    for (layer, person), spans in sorted(held.items()):
        nights, weekends = clocks[zones[person]]
        layers[person][layer] = Hours(
            total_ms=length(spans), night_ms=length(both(spans, nights)), weekend_ms=length(both(spans, weekends))
        )
    for person in sorted(zones):
        yield PersonCoverage(account_user_id=person, layers=layers[person], hours=_sum(layers[person].values()))


def _sum(hours: Iterable[Hours]) -> Hours:
    every = tuple(hours)
    return Hours(
        total_ms=sum(each.total_ms for each in every),
        night_ms=sum(each.night_ms for each in every),
        weekend_ms=sum(each.weekend_ms for each in every),
    )


def _stretches(zone: str, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, int]]:
    """The parts of [start, end) in which the clock keeps its distance from UTC, with that distance."""
    begins, offset = start, 0
    for edge, after in wall_clock(zone).changes_from(start):
        if edge >= end:
            break
        if edge > begins:
            yield begins, edge, offset
        begins, offset = edge, after
    if begins < end:
        yield begins, end, offset
