"""What a change of on-call events comes to: who gains and who loses which hours, and which gaps open and close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.domain.coverage import covered, holdings
from shared.domain.oncall import OnCallEvent
from shared.domain.spans import Span, minus
from shared.timing.instants import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A longest span that somebody has, or had, in a layer."""

    account_user_id: str
    layer: int
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A longest span in which nobody is on call any more, or nobody was, in a layer."""

    layer: int
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is different in [start, end), each by start, layer and account user.

    `net_ms` is of everybody who gains or loses anything: what is gained less what is lost, over all layers.
    """

    start: Instant
    end: Instant
    gains: tuple[Held, ...] = ()
    loses: tuple[Held, ...] = ()
    gaps_opened: tuple[Gap, ...] = ()
    gaps_closed: tuple[Gap, ...] = ()
    net_ms: Mapping[str, int] = field(default_factory=dict)


def difference(before: Iterable[OnCallEvent], after: Iterable[OnCallEvent], start: Instant, end: Instant) -> Difference:
    """What is different in [start, end) after a change, of all events that were and will be where it is made."""
    had, has = holdings(before, start, end), holdings(after, start, end)
    gains, loses = tuple(_without(has, had)), tuple(_without(had, has))
    return Difference(
        start=start,
        end=end,
        gains=gains,
        loses=loses,
        gaps_opened=tuple(_uncovered(had, has)),
        gaps_closed=tuple(_uncovered(has, had)),
        net_ms=_net(gains, loses),
    )


_Holdings = Mapping[tuple[int, str], list[Span]]


def _without(these: _Holdings, those: _Holdings) -> list[Held]:
    found = [
        Held(account_user_id=person, layer=layer, start=start, end=end)
        for (layer, person), spans in these.items()
        for start, end in minus(spans, those.get((layer, person), []))
    ]
    return sorted(found, key=lambda held: (held.start, held.layer, held.account_user_id))


def _uncovered(before: _Holdings, after: _Holdings) -> list[Gap]:
    found = [
        Gap(layer=layer, start=start, end=end)
        for layer in {layer for layer, _ in before}
        for start, end in minus(covered(before, layer), covered(after, layer))
    ]
    return sorted(found, key=lambda gap: (gap.start, gap.layer))


def _net(gains: Iterable[Held], loses: Iterable[Held]) -> Mapping[str, int]:
    net: Counter[str] = Counter()
    for held in gains:
        net[held.account_user_id] += held.end - held.start
    for held in loses:
        net[held.account_user_id] -= held.end - held.start
    return dict(sorted(net.items()))
