"""Names that never change: identifiers of events, the shard they live in, the name of a firing.

A ULID is 26 characters of Crockford's base 32: 48 bits of milliseconds, then 80 random bits (github.com/ulid/spec).
A prefix id says what it is the name of: `evt_`, say, and 14 random letters and digits.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits
from zlib import crc32

from shared.timing.instants import LAST, Instant

ULID_LENGTH = 26
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]  # two at a time are found in half the time
_LETTERS = digits + ascii_letters
_PREFIX_LENGTH = 14
_PREFIX_ID = re.compile(rf"[a-z]{{3}}_[0-9A-Za-z]{{{_PREFIX_LENGTH}}}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_FIRING = re.compile(r"([0-7][0-9A-HJKMNP-TV-Z]{25})-(0|[1-9][0-9]{0,14})(-manual)?")


def ulid(moment: Instant, entropy: bytes) -> str:
    """A ULID of this moment; `entropy` is 10 random bytes."""
    number = (moment << 80) | int.from_bytes(entropy, "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def is_ulid(text: str) -> bool:
    """Could this text be one of our identifiers? Upper case only, as we write them."""
    return _ULID.fullmatch(text) is not None


def prefix_id(prefix: str, entropy: bytes) -> str:
    """A name that begins with this prefix of three letters; `entropy` is at least 12 random bytes."""
    number, letters = int.from_bytes(entropy, "big"), ""
    for _ in range(_PREFIX_LENGTH):
        number, letter = divmod(number, len(_LETTERS))
        letters += _LETTERS[letter]
    return f"{prefix}_{letters}"


def names_one(text: str, prefix: str) -> bool:
    """Could this text name a thing of this prefix, by its ULID or by its prefix id?"""
    return is_ulid(text) or (text.startswith(f"{prefix}_") and _PREFIX_ID.fullmatch(text) is not None)


def is_name(text: str) -> bool:
    """Could this text name anything of ours? Nothing secret is made like that."""
    return is_ulid(text) or _PREFIX_ID.fullmatch(text) is not None or parse_firing_name(text) is not None


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
