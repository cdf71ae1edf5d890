"""Whatever a message holds comes out as it went in, and no bytes whatsoever make a decoder fail in another way."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.firing import Attempted, AttemptError, Finished, PendingFiring, Skipped, SkipReason
from shared.domain.timer import Timer
from shared.messages.catalogue import (
    Change,
    DigestRequest,
    Gone,
    Outcomes,
    Released,
    Report,
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
from shared.messages.codec import (
    ContractError,
    decode_time_signal,
    decode_to_recorder,
    decode_to_shard,
    decode_to_snapshots,
    decode_what,
    encode,
)

whole = st.integers(min_value=0, max_value=2**63 - 1)
moments = st.integers(min_value=-(2**63), max_value=2**63 - 1)
text = st.text(max_size=20)
flags = st.booleans()

timers = st.builds(
    Timer,
    id=text,
    version=whole,
    rule=text,
    zone=text,
    anchor=moments,
    end=moments,
    url=text,
    body=st.binary(max_size=50),
    paused=flags,
    settled=st.lists(moments, max_size=3).map(tuple),
    roster=st.binary(max_size=20),
)
firings = st.builds(PendingFiring, timer_id=text, nominal=moments, manual=flags, attempts=whole, due=moments)
outcomes = st.one_of(
    st.builds(
        Attempted,
        timer_id=text,
        nominal=moments,
        manual=flags,
        attempt=whole,
        started=moments,
        duration_ms=whole,
        status_code=whole,
        error=st.sampled_from(AttemptError),
        settled_through=moments,
    ),
    st.builds(
        Skipped,
        timer_id=text,
        first=moments,
        last=moments,
        count=whole,
        manual=flags,
        reason=st.sampled_from(SkipReason),
        settled_through=moments,
    ),
    st.builds(Finished, timer_id=text, end=moments),
)
whats: st.SearchStrategy[What] = st.one_of(
    st.builds(Upserted, timers), st.builds(Gone, text), st.builds(Triggered, firings)
)
changes = st.builds(Change, whole, whats.map(encode).map(msgspec.Raw))
pages = st.builds(
    SnapshotPage,
    shard=whole,
    incarnation=text,
    request=text,
    answer=text,
    page=whole,
    last=flags,
    epoch=whole,
    horizon=whole,
    handed_over=flags,
    timers=st.lists(timers, max_size=3),
    pending=st.lists(firings, max_size=3),
)
digests = st.builds(
    ShardDigest,
    shard=whole,
    version=whole,
    ends_after=moments,
    count=whole,
    versions_sum=whole,
    versions_xor=whole,
)
requests = st.builds(SnapshotRequest, shard=whole, incarnation=text, owner=text, request=text)
reports = st.builds(Report, whole, text, whole, st.lists(outcomes, max_size=4))


@given(what=whats)
def test_what_changed(what: What) -> None:
    assert decode_what(encode(what)) == what


@given(
    message=st.one_of(st.builds(ScheduleChanges, whole, st.lists(changes, max_size=3)), pages, digests),
)
def test_what_an_owner_hears(message: ToShard) -> None:
    heard = decode_to_shard(encode(message))

    assert heard == message
    if isinstance(heard, ScheduleChanges) and isinstance(message, ScheduleChanges):
        for said, change in zip(message.changes, heard.changes, strict=True):
            assert decode_what(change.what) == decode_what(said.what)


@given(message=st.one_of(requests, st.builds(DigestRequest, whole, text)))
def test_what_is_asked(message: ToSnapshots) -> None:
    assert decode_to_snapshots(encode(message)) == message


@given(
    message=st.one_of(
        st.builds(Outcomes, text, st.lists(reports, max_size=3)), st.builds(Released, whole, text, whole), requests
    )
)
def test_what_is_reported(message: ToRecorder) -> None:
    assert decode_to_recorder(encode(message)) == message


@given(message=st.builds(TimeSignal, moments, text))
def test_what_time_it_is(message: TimeSignal) -> None:
    assert decode_time_signal(encode(message)) == message


@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_breach_of_contract(body: bytes) -> None:
    for decode in (decode_what, decode_to_shard, decode_to_snapshots, decode_to_recorder, decode_time_signal):
        with suppress(ContractError):
            decode(body)
