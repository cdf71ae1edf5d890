"""What happens to a schedule at an instant, and how it is told: who goes, who comes, and in which shift.

At a handover a shift ends and another starts. Both are told, be it the same person who stays; but only whoever was not
on call in the layer a moment before comes, and only whoever is no longer goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.oncall import OnCallEvent, Shift, on_call
from shared.domain.roster import TransitionKind
from shared.timing.instants import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One thing that happens in a layer. `goes` and `comes` are account users; a gap belongs to no shift."""

    kind: TransitionKind
    layer: int
    goes: tuple[str, ...]
    comes: tuple[str, ...]
    shift: Shift | None


@dataclass(frozen=True, slots=True)
class _Handover:
    """A layer at an instant: whose shifts end, whose start, and who was and is on call."""

    layer: int
    ended: Sequence[Shift]
    started: Sequence[Shift]
    before: frozenset[str]
    now: frozenset[str]

    def goes(self, among: frozenset[str]) -> tuple[str, ...]:
        return tuple(sorted((self.before - self.now) & among))

    def comes(self, among: frozenset[str]) -> tuple[str, ...]:
        return tuple(sorted((self.now - self.before) & among))


def transitions(
    events: Sequence[OnCallEvent], on: Sequence[TransitionKind], lead_ms: int, instant: Instant
) -> list[Transition]:
    """What is to be told at this instant of what was asked for: by layer, in the order of the kinds, by event."""
    found = [
        transition
        for kind in TransitionKind
        if kind in on
        for handover in _handovers(events, instant + (lead_ms if kind is TransitionKind.SHIFT_STARTING else 0))
        for transition in _TOLD[kind](handover)
    ]
    return sorted(found, key=lambda transition: transition.layer)  # which leaves the order of the kinds


def _handovers(events: Sequence[OnCallEvent], instant: Instant) -> Iterator[_Handover]:
    before, now = on_call(events, instant - 1), on_call(events, instant)
    for layer in sorted({shift.layer for shift in (*before, *now)}):
        yield _Handover(
            layer,
            [shift for shift in before if shift.layer == layer and shift.end == instant],
            [shift for shift in now if shift.layer == layer and shift.start == instant],
            _people(shift for shift in before if shift.layer == layer),
            _people(shift for shift in now if shift.layer == layer),
        )


def _started(handover: _Handover, kind: TransitionKind = TransitionKind.SHIFT_STARTED) -> Iterator[Transition]:
    for shift in handover.started:
        goes, comes = handover.goes(handover.before), handover.comes(_people([shift]))
        yield Transition(kind=kind, layer=handover.layer, goes=goes, comes=comes, shift=shift)


def _starting(handover: _Handover) -> Iterator[Transition]:
    return _started(handover, TransitionKind.SHIFT_STARTING)


def _ended(handover: _Handover) -> Iterator[Transition]:
    for shift in handover.ended:
        goes, comes = handover.goes(_people([shift])), handover.comes(handover.now)
        kind = TransitionKind.SHIFT_ENDED
        yield Transition(kind=kind, layer=handover.layer, goes=goes, comes=comes, shift=shift)


def _gap(handover: _Handover) -> Iterator[Transition]:
    if handover.before and not handover.now:
        goes = handover.goes(handover.before)
        yield Transition(kind=TransitionKind.GAP_STARTED, layer=handover.layer, goes=goes, comes=(), shift=None)


_TOLD: Final[dict[TransitionKind, Callable[[_Handover], Iterator[Transition]]]] = {
    TransitionKind.SHIFT_STARTED: _started,
    TransitionKind.SHIFT_ENDED: _ended,
    TransitionKind.SHIFT_STARTING: _starting,
    TransitionKind.GAP_STARTED: _gap,
}


def _people(shifts: Sequence[Shift] | Iterator[Shift]) -> frozenset[str]:
    return frozenset(attendee for shift in shifts for _, attendee in shift.attendees)
