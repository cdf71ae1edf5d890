"""One example of every message there is, by the name under which its golden bytes are kept."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from shared.domain.delivery import Delivery, MisfirePolicy, OverlapPolicy, RetryPolicy, SigningKeys, SigningSecret
from shared.domain.firing import (
    Abandoned,
    Attempted,
    AttemptError,
    FailReason,
    Finished,
    PendingFiring,
    Skipped,
    SkipReason,
)
from shared.domain.timer import Timer
from shared.messages.catalogue import (
    Change,
    DigestRequest,
    Gone,
    Outcomes,
    Released,
    Report,
    Rotated,
    ScheduleChanges,
    ShardDigest,
    SnapshotPage,
    SnapshotRequest,
    TimeSignal,
    ToRecorder,
    ToShard,
    ToSnapshots,
    Triggered,
    Upserted,
    What,
)
from shared.messages.codec import encode

Message: TypeAlias = ToShard | ToSnapshots | ToRecorder | TimeSignal | What

TIMER: Final = Timer(
    id="01HF8ZJ5Q0000000000000BELL",
    version=42,
    rule="*/5 * * * * *",
    zone="Europe/Berlin",
    anchor=1_700_000_000_000,
    end=1_900_000_000_000,
    url="https://api.example.com/bell",
    body='{"user":330,"grüße":"ünïcödé"}'.encode(),
    paused=True,
    settled=(1_700_000_005_000, 1_700_000_010_000),
    delivery=Delivery(
        retry=RetryPolicy(max_attempts=7, initial_interval_ms=2_000, max_interval_ms=60_000, backoff_coefficient=1.5),
        timeout_ms=5_000,
        misfire_policy=MisfirePolicy.ALL,
        misfire_grace_ms=3_600_000,
        overlap_policy=OverlapPolicy.SKIP,
        spread_ms=30_000,
        headers=(("Authorization", "Bearer s3cret"),),
    ),
    application_id=12,
    roster=b"a roster",
)
KEYS: Final = SigningKeys(
    application_id=12, generation=2, secrets=(SigningSecret(b"k" * 32), SigningSecret(b"l" * 32, 1_700_000_100_000))
)
FIRING: Final = PendingFiring(
    timer_id=TIMER.id, nominal=1_700_000_001_234, manual=True, attempts=6, due=1_700_000_001_234, attempts_before=5
)
ATTEMPTED: Final = Attempted(
    timer_id=TIMER.id,
    nominal=1_700_000_005_000,
    manual=False,
    attempt=1,
    started=1_700_000_005_003,
    duration_ms=17,
    status_code=503,
    error=AttemptError.STATUS,
    settled_through=1_700_000_005_000,
    effective=1_700_000_005_001,
    retry_at=1_700_000_006_500,
    reason=FailReason.EXHAUSTED,
    version=42,
    body=b"busy",
    truncated=True,
    headers=(("retry-after", "1"),),
)
ABANDONED: Final = Abandoned(
    timer_id=TIMER.id,
    nominal=1_700_000_005_000,
    manual=False,
    attempts=2,
    reason=FailReason.ENDED,
    settled_through=1_700_000_010_000,
    version=42,
)
SKIPPED: Final = Skipped(
    timer_id=TIMER.id,
    first=1_700_000_010_000,
    last=1_700_000_060_000,
    count=11,
    manual=False,
    reason=SkipReason.MISFIRED,
    settled_through=1_700_000_060_000,
    version=42,
)
FINISHED: Final = Finished(timer_id=TIMER.id, end=TIMER.end, version=42)

EXAMPLES: Final[dict[str, Message]] = {
    "upserted": Upserted(TIMER, KEYS),
    "rotated": Rotated(KEYS),
    "gone": Gone(TIMER.id),
    "triggered": Triggered(FIRING),
    "changes.1": ScheduleChanges(
        7, [Change(42, msgspec.Raw(encode(Upserted(TIMER)))), Change(43, msgspec.Raw(encode(Gone(TIMER.id))))]
    ),
    "snapshot-request.1": SnapshotRequest(shard=7, incarnation="i-1", owner="dispatcher-a", request="r-1"),
    "snapshot-page.1": SnapshotPage(
        shard=7,
        incarnation="i-1",
        request="r-1",
        answer="a-1",
        page=0,
        last=True,
        epoch=3,
        horizon=43,
        handed_over=True,
        timers=[TIMER],
        pending=[FIRING],
        keys=[KEYS],
    ),
    "digest-request.1": DigestRequest(shard=7, incarnation="i-1"),
    "digest.1": ShardDigest(
        shard=7, version=43, ends_after=1_800_000_000_000, count=1, versions_sum=42, versions_xor=42, rosters=1
    ),
    "outcomes.1": Outcomes(
        "dispatcher-a", [Report(7, "i-1", 3, [ATTEMPTED, ABANDONED, SKIPPED, FINISHED]), Report(8, "i-1", 5, [])]
    ),
    "time-signal.1": TimeSignal(now=1_700_000_000_123, by="machine-a"),
    "released.1": Released(shard=7, incarnation="i-1", epoch=3),
}
