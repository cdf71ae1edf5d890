"""Bytes to messages and back. What cannot be decoded is refused by name, never guessed."""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar

import msgspec

from shared.domain.delivery import SigningKeys
from shared.domain.timer import Timer
from shared.messages.catalogue import TimeSignal, ToRecorder, ToShard, ToSnapshots, Upserted, What


class ContractError(ValueError):
    """The bytes are not a message that this release understands."""


_encoder = msgspec.msgpack.Encoder()
_what: msgspec.msgpack.Decoder[What] = msgspec.msgpack.Decoder(What)
_to_shard: msgspec.msgpack.Decoder[ToShard] = msgspec.msgpack.Decoder(ToShard)
_to_snapshots: msgspec.msgpack.Decoder[ToSnapshots] = msgspec.msgpack.Decoder(ToSnapshots)
_to_recorder: msgspec.msgpack.Decoder[ToRecorder] = msgspec.msgpack.Decoder(ToRecorder)
_time_signal: msgspec.msgpack.Decoder[TimeSignal] = msgspec.msgpack.Decoder(TimeSignal)

# Text that is not UTF-8 and nesting without end show themselves as Python's own errors.
_BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_UPSERTED: Final = Upserted.__struct_config__.tag

TimerWords: TypeAlias = tuple[bytes, bytes]  # msgpack of a timer without its version, which stands between the two

_Message = TypeVar("_Message")


def encode(message: ToShard | ToSnapshots | ToRecorder | TimeSignal | What) -> bytes:
    """The message as msgpack."""
    return _encoder.encode(message)


def encode_around_version(timer: Timer) -> TimerWords:
    """What there is of the timer's msgpack before its version and after it."""
    words = _encoder.encode(timer)
    before = 1 + len(_encoder.encode(timer.id))  # an array of up to fifteen begins with one byte
    return words[:before], words[before + len(_encoder.encode(timer.version)) :]


def encode_upserted(timer: TimerWords, version: int, keys: SigningKeys | None) -> bytes:
    """`Upserted`, of a timer that is encoded already, but for its version."""
    before, after = timer
    whole = before + _encoder.encode(version) + after
    return _encoder.encode((_UPSERTED, msgspec.Raw(whole), keys))


def decode_what(body: bytes | msgspec.Raw) -> What:
    """What a change says; raises ContractError."""
    return _decoded(_what, body)


def decode_to_shard(body: bytes) -> ToShard:
    """A message from a shard's inbox; raises ContractError."""
    return _decoded(_to_shard, body)


def decode_to_snapshots(body: bytes) -> ToSnapshots:
    """A message from the queue of requests; raises ContractError."""
    return _decoded(_to_snapshots, body)


def decode_to_recorder(body: bytes) -> ToRecorder:
    """A message from the outcomes queue; raises ContractError."""
    return _decoded(_to_recorder, body)


def decode_time_signal(body: bytes) -> TimeSignal:
    """What time somebody has; raises ContractError."""
    return _decoded(_time_signal, body)


def _decoded(decoder: msgspec.msgpack.Decoder[_Message], body: bytes | msgspec.Raw) -> _Message:
    try:
        return decoder.decode(body)
    except _BROKEN as error:
        raise ContractError(str(error) or type(error).__name__) from error
