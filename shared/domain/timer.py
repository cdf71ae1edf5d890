"""A timer: what a dispatcher keeps of something that is to ring. One noun, on the wire and in memory."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.domain.delivery import DEFAULT, Delivery
from shared.timing.instants import Instant

# The rule beside a roster, for releases that read no rosters: one that they understand, and that is hardly ever due.
BESIDE_ROSTER: Final = "0 0 0 29 2 *"


class Timer(msgspec.Struct, array_like=True, gc=False, kw_only=True):
    """Everything a dispatcher must know to ring one event; a million of them fit in one process.

    `rule` is free of `H`; with a `roster`, which rings at its transitions instead, it is BESIDE_ROSTER.
    `body` is what is POSTed, to the byte, where there is no roster. `anchor` moves forward as occurrences are taken:
    those at or before it are none of our business. `settled` names the few after it that are settled already.
    `version` is unique in its shard, so it names the timer's state too.
    """

    id: str
    version: int
    rule: str
    zone: str
    anchor: Instant
    end: Instant
    url: str
    body: bytes
    paused: bool = False
    settled: tuple[Instant, ...] = ()
    delivery: Delivery = DEFAULT
    application_id: int = 0
    roster: bytes = b""
