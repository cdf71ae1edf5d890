"""Names that never change: identifiers of events, the shard they live in, the name of a firing.

A ULID is 26 characters of Crockford's base 32: 48 bits of milliseconds, then 80 random bits (github.com/ulid/spec).
"""

from __future__ import annotations

import re
from zlib import crc32

from shared.timing.instants import LAST, Instant

ULID_LENGTH = 26
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_FIRING = re.compile(r"([0-7][0-9A-HJKMNP-TV-Z]{25})-(0|[1-9][0-9]{0,14})(-manual)?")


def ulid(moment: Instant, entropy: bytes) -> str:
    """A ULID of this moment; `entropy` is 10 random bytes."""
    number = (moment << 80) | int.from_bytes(entropy, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def is_ulid(text: str) -> bool:
    """Could this text be one of our identifiers? Upper case only, as we write them."""
    return _ULID.fullmatch(text) is not None


def shard_of(timer_id: str, shards: int) -> int:
    """The shard a timer lives in, for ever: a stable hash, the same in every process and release."""
    return crc32(timer_id.encode()) % shards


def firing_name(timer_id: str, nominal: Instant, *, manual: bool) -> str:
    """The name of a firing: the `webhook-id` of all its attempts and the `executionId` of its ledger row."""
    return f"{timer_id}-{nominal}-manual" if manual else f"{timer_id}-{nominal}"


def parse_firing_name(text: str) -> tuple[str, Instant, bool] | None:
    """The timer, the nominal instant and whether it was by hand; None for what `firing_name` would not have written."""
    found = _FIRING.fullmatch(text)
    if found is None or int(found[2]) > LAST:
        return None
    return found[1], int(found[2]), found[3] is not None
