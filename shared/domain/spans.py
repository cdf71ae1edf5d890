"""Sets of moments as half-open spans: what they have together, in common, and the one without the other.

A set is a list of spans in order, none empty, none touching the next; so equal sets are equal lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from shared.timing.instants import Instant

Span: TypeAlias = tuple[Instant, Instant]


def union(spans: Iterable[Span]) -> list[Span]:
    """The set of all moments that lie in any of these spans, which may come in any order."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = merged[-1][0], end
        elif end > start:
            merged.append((start, end))
    return merged


def minus(these: Sequence[Span], those: Sequence[Span]) -> list[Span]:
    """The moments of one set that are not in the other."""
    left: list[Span] = []
    place = 0
    for first, end in these:
        start = first
        while place < len(those) and those[place][1] <= start:
            place += 1
        ahead = place
        while ahead < len(those) and those[ahead][0] < end:
            if those[ahead][0] > start:
                left.append((start, those[ahead][0]))
            start = those[ahead][1]
            ahead += 1
        if start < end:
            left.append((start, end))
    return left


def both(these: Sequence[Span], those: Sequence[Span]) -> list[Span]:
    """The moments that are in both sets."""
    found: list[Span] = []
    here = there = 0
    while here < len(these) and there < len(those):
        start = max(these[here][0], those[there][0])
        end = min(these[here][1], those[there][1])
        if start < end:
            found.append((start, end))
        if these[here][1] < those[there][1]:
            here += 1
        else:
            there += 1
    return found


def length(spans: Iterable[Span]) -> int:
    """How many milliseconds a set amounts to."""
    return sum(end - start for start, end in spans)
