"""What our release says the previous one understands, by its own code, and loses nothing of but what is new."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.servers import release
from tests.servers.processes import environment
from tests.unit.messages.examples import EXAMPLES
from tests.unit.messages.test_golden import DECODERS, GOLDEN, decoders_of, golden

KNOWN = sorted(path.stem for path in (GOLDEN / "earlier" / release.PREVIOUS).glob("*.hex"))
AGAIN = """
import json, sys
from shared.messages import codec
for name, decoder, said in json.load(sys.stdin):
    print(codec.encode(getattr(codec, decoder)(bytes.fromhex(said))).hex())
"""


def begins(short: Any, long: Any) -> bool:
    """Is the one what is left of the other where the last fields of its structures are not known?"""
    if isinstance(short, list) and isinstance(long, list):
        return len(short) <= len(long) and all(map(begins, short, long))
    if isinstance(short, bytes) and isinstance(long, bytes) and short != long:
        return begins(msgspec.msgpack.decode(short), msgspec.msgpack.decode(long))  # a message in a message
    return bool(short == long)


def test_the_previous_release_reads_all_that_ours_says(previous: Path) -> None:
    asked = [(name, decode.__name__, golden(name).hex()) for name in KNOWN for decode in decoders_of(EXAMPLES[name])]
    done = subprocess.run(
        [sys.executable, "-c", AGAIN],
        env=environment({}, previous),
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    for (name, _, said), again in zip(asked, done.stdout.split(), strict=True):
        heard = msgspec.msgpack.decode(bytes.fromhex(again))
        assert begins(heard, msgspec.msgpack.decode(bytes.fromhex(said))), name


def test_no_message_of_the_previous_release_is_unknown() -> None:
    assert set(KNOWN) <= set(EXAMPLES)
    assert DECODERS


@pytest.mark.parametrize(
    ("short", "long", "said"), [([1, [2]], [1, [2, 3], 4], True), ([1, 3], [1, 2], False), ([1, 2], [1], False)]
)
def test_a_beginning_is_told_from_something_else(short: Any, long: Any, said: bool) -> None:
    assert begins(short, long) is said
