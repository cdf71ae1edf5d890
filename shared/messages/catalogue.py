"""Every message there is.

Fields are appended, never moved: arrays on the wire, golden bytes in the tests. Dispatchers must survive messages
lost, repeated and reordered, so each says which shard it is about and as of which version.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from shared.domain.delivery import SigningKeys
from shared.domain.firing import Outcome, PendingFiring
from shared.domain.timer import Timer
from shared.timing.instants import Instant


class Upserted(msgspec.Struct, tag="upserted", array_like=True, gc=False, frozen=True):
    """The timer is now this. `keys`, where its application has any, come with it: they may be news to the owner."""

    timer: Timer
    keys: SigningKeys | None = None


class Gone(msgspec.Struct, tag="gone", array_like=True, gc=False, frozen=True):
    """The timer is no more: its event was deleted."""

    timer_id: str


class Rotated(msgspec.Struct, tag="rotated", array_like=True, gc=False, frozen=True):
    """From now on callbacks of an application are signed with these; every shard is told."""

    keys: SigningKeys


class Triggered(msgspec.Struct, tag="triggered", array_like=True, gc=False, frozen=True):
    """Ring the timer once now, outside its series."""

    firing: PendingFiring


What: TypeAlias = Upserted | Gone | Triggered | Rotated


class Change(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What happened to one timer, and the version of the shard at which it did. `what` is an encoded `What`.

    The writer encodes it before the version is known, and the relay passes it on unread.
    """

    version: int
    what: msgspec.Raw


class ScheduleChanges(msgspec.Struct, tag="changes.1", array_like=True, frozen=True):
    """api_service → the owner of a shard: these changes were committed."""

    shard: int
    changes: list[Change]


class SnapshotRequest(msgspec.Struct, tag="snapshot-request.1", array_like=True, frozen=True):
    """dispatcher → any api_service: send me all timers of my shard, through its inbox.

    A new owner sends it through the outcomes queue: the recorder passes it on once everything before it is recorded,
    so that the answer knows what the previous owner did.
    """

    shard: int
    incarnation: str
    owner: str
    request: str


class SnapshotPage(msgspec.Struct, tag="snapshot-page.1", array_like=True, frozen=True):
    """api_service → the owner of a shard: a part of its timers, as of the shard's version `horizon`.

    `answer` names the run of pages this one belongs to (a repeated request is answered twice), `page` counts from 0.
    """

    shard: int
    incarnation: str
    request: str
    answer: str
    page: int
    last: bool
    epoch: int
    horizon: int
    handed_over: bool  # the previous owner said goodbye, or there was none: nobody else can still be ringing
    timers: list[Timer]
    pending: list[PendingFiring]
    keys: list[SigningKeys] = []  # of the applications of these timers, where they may be news


class DigestRequest(msgspec.Struct, tag="digest-request.1", array_like=True, frozen=True):
    """dispatcher → any api_service: tell me what my shard should look like."""

    shard: int
    incarnation: str


class ShardDigest(msgspec.Struct, tag="digest.1", array_like=True, frozen=True):
    """api_service → the owner of a shard: at `version`, this is what the timers that end after `ends_after` add up to.

    Versions are unique in a shard, so their count, sum and exclusive-or tell two sets of timers apart. `rosters` is how
    many of them have one, for who was told of them by a release that drops it; -1 is said by a release that has none.
    """

    shard: int
    version: int
    ends_after: Instant
    count: int
    versions_sum: int
    versions_xor: int
    rosters: int = -1


class Report(msgspec.Struct, array_like=True, frozen=True):
    """What became of firings of one shard, by its owner of this epoch."""

    shard: int
    incarnation: str
    epoch: int
    outcomes: list[Outcome]


class Outcomes(msgspec.Struct, tag="outcomes.1", array_like=True, frozen=True):
    """dispatcher → api_service: the reports of all its shards since the last such message.

    One message for all shards, since the recorder's work is counted in messages: each is a transaction.
    """

    dispatcher: str
    reports: list[Report]


class Released(msgspec.Struct, tag="released.1", array_like=True, frozen=True):
    """dispatcher → api_service: I have let go of this shard and everything I did with it is reported."""

    shard: int
    incarnation: str
    epoch: int


class TimeSignal(msgspec.Struct, tag="time-signal.1", array_like=True, frozen=True):
    """api_service → every dispatcher: on the clock of `by`, a machine, it was `now` when this left."""

    now: Instant
    by: str


ToShard: TypeAlias = ScheduleChanges | SnapshotPage | ShardDigest
ToSnapshots: TypeAlias = SnapshotRequest | DigestRequest
ToRecorder: TypeAlias = Outcomes | Released | SnapshotRequest
