"""Releases run side by side, so a message stays what it was: its bytes are pinned in files that only gain company."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from shared.messages.catalogue import TimeSignal, ToRecorder, ToShard, ToSnapshots, Upserted, What
from shared.messages.codec import (
    ContractError,
    decode_time_signal,
    decode_to_recorder,
    decode_to_shard,
    decode_to_snapshots,
    decode_what,
    encode,
)
from tests.unit.messages.examples import EXAMPLES, KEYS, TIMER, Message

GOLDEN = Path(__file__).parents[2] / "data" / "messages"
Decode = Callable[[bytes], Message]
DECODERS: dict[Decode, tuple[type, ...]] = {
    decode_what: get_args(What),
    decode_to_shard: get_args(ToShard),
    decode_to_snapshots: get_args(ToSnapshots),
    decode_to_recorder: get_args(ToRecorder),
    decode_time_signal: (TimeSignal,),
}


def tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)


def golden(name: str) -> bytes:
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text(encoding="ascii"))


def decoders_of(message: Message) -> list[Decode]:
    return [decode for decode, kinds in DECODERS.items() if type(message) in kinds]


def test_every_message_has_an_example_and_golden_bytes() -> None:
    tags = {tag(kind) for kinds in DECODERS.values() for kind in kinds}

    assert {name: tag(type(example)) for name, example in EXAMPLES.items()} == {name: name for name in tags}
    assert {path.stem for path in GOLDEN.glob("*.hex")} == tags


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_is_these_bytes_and_these_bytes_are_this_message(name: str) -> None:
    message = EXAMPLES[name]

    assert encode(message).hex() == golden(name).hex()
    assert [decode(golden(name)) for decode in decoders_of(message)] == [message] * len(decoders_of(message))


@pytest.mark.parametrize(
    "path", sorted((GOLDEN / "earlier").rglob("*.hex")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_what_an_earlier_release_said_is_still_understood(path: Path) -> None:
    earlier = bytes.fromhex(path.read_text(encoding="ascii"))

    for decode in decoders_of(EXAMPLES[path.stem]):
        assert type(decode(earlier)) is type(EXAMPLES[path.stem])


def test_a_timer_of_a_release_that_knew_no_rosters_has_none() -> None:
    _, timer, keys = msgspec.msgpack.decode(golden("upserted"))
    earlier = msgspec.msgpack.encode(["upserted", timer[:-1], keys])

    assert decode_what(earlier) == Upserted(msgspec.structs.replace(TIMER, roster=b""), KEYS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_field_that_a_later_release_appends_is_ignored(name: str) -> None:
    message = EXAMPLES[name]
    longer = msgspec.msgpack.encode([*msgspec.msgpack.decode(golden(name)), "news"])

    for decode in decoders_of(message):
        assert decode(longer) == message


@pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)
def test_a_message_that_does_not_belong_here_is_refused(decode: Decode) -> None:
    strangers = [name for name, message in EXAMPLES.items() if type(message) not in DECODERS[decode]]

    assert strangers
    for name in strangers:
        with pytest.raises(ContractError):
            decode(golden(name))


@pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"not msgpack at all",
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode(["changes.2", 1, []]),
        msgspec.msgpack.encode({"shard": 1}),
        msgspec.msgpack.encode(["released.1", "one", "i", 1]),
        msgspec.msgpack.encode(["outcomes.1", "d", [[1, "i", 1, [["rung", "x"]]]]]),
    ],
)
def test_bytes_that_are_no_message_are_refused_by_name(decode: Decode, body: bytes) -> None:
    with pytest.raises(ContractError, match=r"\w"):
        decode(body)


@pytest.mark.parametrize(
    ("name", "text"),
    [("gone", b"BELL"), ("released.1", b"i-1"), ("time-signal.1", b"machine"), ("snapshot-request.1", b"r-1")],
)
def test_text_that_is_not_utf8_is_refused(name: str, text: bytes) -> None:
    broken = golden(name).replace(text, b"\xff" * len(text))

    for decode in decoders_of(EXAMPLES[name]):
        with pytest.raises(ContractError):
            decode(broken)


@pytest.mark.parametrize("name", EXAMPLES)
def test_nesting_without_end_is_refused(name: str) -> None:
    fields, rest = golden(name)[0], golden(name)[1:]
    endless = bytes([fields + 1]) + rest + b"\x91" * 100_000 + b"\xc0"

    for decode in decoders_of(EXAMPLES[name]):
        with pytest.raises(ContractError):
            decode(endless)
