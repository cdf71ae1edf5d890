"""What was asked of the API, and between which two moments it took effect; what was broken, and until when. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

FOR_EVER: Final = 2**62
GIVEN_UP_MS: Final = 5_000  # so long the client waits for an answer before it asks again


class Move(StrEnum):
    """What can be asked for an event."""

    CREATE = "create"
    PAUSE = "pause"
    RESUME = "resume"
    CHANGE = "change"  # a new rule
    END = "end"  # a new end
    TRIGGER = "trigger"  # a ring outside the series
    DELETE = "delete"


class Cause(StrEnum):
    """What can be broken."""

    KILL_DISPATCHER = "dispatcher killed"
    KILL_API = "API killed"
    FREEZE_DISPATCHER = "dispatcher frozen"
    FREEZE_API = "API frozen"
    BROKER = "broker restarted"
    POSTGRES = "Postgres restarted"
    CUT = "dispatcher cut off"
    ONE_WAY = "one direction cut off"
    HALF_OPEN = "connection half open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A move that was answered: it took effect at some moment from `begun`, when it was first asked, to `ended`.

    It is asked again until it is answered, and asking twice changes nothing more; but a second trigger rings once more,
    and `name` is the name of the ring that was answered. A `doubtful` move was refused at last, because the event had
    ended meanwhile; it may have taken effect before.
    """

    move: Move
    begun: int
    ended: int
    interval: str = ""
    end: int = 0
    name: str = ""
    doubtful: bool = False


@dataclass(slots=True, kw_only=True)
class Story:
    """One event, from its creation on; `wish` is what its client asked for."""

    event: str
    path: str = ""
    wish: Mapping[str, Any] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    is_moved: bool = False  # somebody is at it

    @property
    def end(self) -> int:
        """When it ends, as it was said last."""
        return next(turn.end for turn in reversed(self.turns) if turn.end)

    @property
    def intervals(self) -> list[str]:
        """Every rule that it ever had."""
        return [turn.interval for turn in self.turns if turn.interval]

    @property
    def is_deleted(self) -> bool:
        """Has it, and its ledger, gone?"""
        return self.turns[-1].move is Move.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something was broken from `begun`, and mended at `healed`."""

    cause: Cause
    whom: str
    begun: int
    healed: int


@dataclass(slots=True, kw_only=True)
class Journal:
    """Everything that the run did.

    `wholes` are moments, in order, at which every shard was seen to ring, fairly shared; and so it stayed for a while.
    `stall` is for how long the receiver was kept from looking at the clock, at the most.
    """

    stories: list[Story] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    wholes: list[int] = field(default_factory=list)
    stall: int = 0

    def recovered(self, fault: Fault) -> int:
        """When the dispatchers were seen to be themselves again after the fault."""
        place = bisect_left(self.wholes, fault.healed)
        return self.wholes[place] if place < len(self.wholes) else FOR_EVER
