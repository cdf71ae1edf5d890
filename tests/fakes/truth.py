"""What Postgres knows of one shard, in a list: versions in commit order, snapshots of one moment, digests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from shared.domain.firing import PendingFiring
from shared.domain.timer import Timer
from shared.messages.catalogue import Gone, Rotated, ShardDigest, SnapshotPage, Triggered, Upserted, What
from shared.timing.instants import Instant


@dataclass(slots=True)
class Truth:
    """A shard as the database has it."""

    shard: int = 0
    version: int = 0
    epoch: int = 0
    incarnation: str = ""
    handed_over: bool = True
    timers: dict[str, Timer] = field(default_factory=dict)
    pending: dict[tuple[str, Instant], PendingFiring] = field(default_factory=dict)
    history: list[What] = field(default_factory=list)  # the change of version n is at n - 1

    def put(self, timer: Timer) -> int:
        """Create or change."""
        self.version += 1
        timer.version = self.version
        self.timers[timer.id] = timer
        return self._wrote(Upserted(_copy(timer)))

    def delete(self, timer_id: str) -> int:
        """Delete the event and everything about it."""
        self.version += 1
        del self.timers[timer_id]
        self.pending = {name: firing for name, firing in self.pending.items() if firing.timer_id != timer_id}
        return self._wrote(Gone(timer_id))

    def trigger(self, timer_id: str, moment: Instant) -> int:
        """Ring by hand."""
        return self.ask_again(PendingFiring(timer_id=timer_id, nominal=moment, manual=True, due=moment))

    def ask_again(self, firing: PendingFiring) -> int:
        """Attempt this firing."""
        self.version += 1
        self.pending[firing.timer_id, firing.nominal] = firing
        return self._wrote(Triggered(firing))

    def change(self, version: int) -> What:
        """The change of this version, as it comes off the wire."""
        what = self.history[version - 1]
        return Upserted(_copy(what.timer)) if isinstance(what, Upserted) else what

    def at(self, version: int) -> dict[str, int]:
        """Which timers there were as of this version, and at which version each."""
        found: dict[str, int] = {}
        for number, what in enumerate(self.history[:version], start=1):
            match what:
                case Upserted(timer):
                    found[timer.id] = number
                case Gone(timer_id):
                    del found[timer_id]
                case Triggered() | Rotated():
                    pass
        return found

    def claim(self, incarnation: str) -> int:
        """The epoch of this owner; it rises with a new one."""
        if incarnation != self.incarnation:
            self.epoch += 1
            self.handed_over = self.incarnation == ""
        self.incarnation = incarnation
        return self.epoch

    def snapshot(self, incarnation: str, answer: str, *, page_timers: int) -> Iterator[SnapshotPage]:
        """All pages, of this very moment."""
        epoch = self.claim(incarnation)
        timers = [_copy(timer) for _, timer in sorted(self.timers.items())]
        portions = [timers[start : start + page_timers] for start in range(0, len(timers), page_timers)] or [[]]
        for number, portion in enumerate(portions):
            last = number == len(portions) - 1
            yield SnapshotPage(
                shard=self.shard,
                incarnation=incarnation,
                request=answer,
                answer=answer,
                page=number,
                last=last,
                epoch=epoch,
                horizon=self.version,
                handed_over=self.handed_over,
                timers=portion,
                pending=list(self.pending.values()) if last else [],
            )

    def digest(self, ends_after: Instant = 0) -> ShardDigest:
        """What the timers add up to."""
        timers = [timer for timer in self.timers.values() if timer.end > ends_after]
        versions = [timer.version for timer in timers]
        mixed = 0
        for version in versions:
            mixed ^= version
        return ShardDigest(
            shard=self.shard,
            version=self.version,
            ends_after=ends_after,
            count=len(versions),
            versions_sum=sum(versions),
            versions_xor=mixed,
            rosters=sum(1 for timer in timers if timer.roster),
        )

    def _wrote(self, what: What) -> int:
        self.history.append(what)
        return self.version


def _copy(timer: Timer) -> Timer:
    return msgspec.convert(msgspec.to_builtins(timer), Timer)
