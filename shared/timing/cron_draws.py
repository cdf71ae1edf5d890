"""What does H stand for? A number drawn from the seed, the same in every process and on every day.

One draw serves a whole field, as in cron-parser. Where a draw would make the rule invalid (a number the
field already names, a day its months lack) it is drawn again, so that a rule is never refused for its luck.
"""

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from hashlib import sha256
from typing import Final, TypeAlias, TypeVar, TypeVarTuple, Unpack

from shared.timing.cron_fields import DAY, WEEKDAY, Field, InvalidRule, brief

# A draw for a field: a fraction of 2**64, the same whenever it is asked.
Lot: TypeAlias = Callable[[Field], int]

ATTEMPTS: Final = 32
FIELDS_KEPT: Final = 2_048

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# An H among letters belongs to a name, such as THU.
_DRAW = re.compile(r"(?<![A-Za-z])H(?![A-Za-z])")


def draws(expression: str) -> bool:
    """Does the expression leave something to the seed?"""
    return "H" in expression and _DRAW.search(expression) is not None


def lottery(seed: str, attempt: int) -> Lot:
    """The draws of one attempt at one rule."""

    def lot(field: Field) -> int:
        named = f"{field.name}\0{attempt}\0{seed}".encode("utf-8", "surrogatepass")
        return int.from_bytes(sha256(named).digest()[:8], "big")

    return lot


_NOTHING_DRAWN: Final = lottery("", 0)


def kept(read: Callable[[Lot, str, Unpack[Ts]], T]) -> Callable[[Lot, str, Unpack[Ts]], T]:
    """Read a text once, whoever asks, if it leaves nothing to a lot: thousands of rules have hundreds of fields."""

    @lru_cache(maxsize=FIELDS_KEPT)
    def said(text: str, *others: *Ts) -> T:
        return read(_NOTHING_DRAWN, text, *others)

    @wraps(read)
    def reading(lot: Lot, text: str, *others: *Ts) -> T:
        return read(lot, text, *others) if "H" in text else said(text, *others)

    return reading


def drawn(field: Field, lowest: str | None, highest: str | None, step: int | None, lot: int) -> int:
    """The bits of H, H/step, H(lowest-highest) or H(lowest-highest)/step for this lot."""
    low, high = field.low, field.high
    if lowest is not None and highest is not None:
        low, high = max(low, int(lowest)), min(high, int(highest))
        if int(lowest) > int(highest) or low > high:
            raise InvalidRule(
                f"the {field.name} field draws from {brief(int(lowest))} to {brief(int(highest))}, where no number "
                f"lies; draw from a range within {field.low} to {field.high}"
            )
    elif step is None:
        # Every month has its 28th, and Sunday is one day of the week, not two.
        high = {DAY: 28, WEEKDAY: 6}.get(field, high)
    if step is not None:
        offset = lot * step >> 64
        numbers = range(low // step * step + offset, high + 1, step)
        if mask := sum(1 << number for number in numbers if number >= low):
            return mask

    return 1 << low + (lot * (high - low + 1) >> 64)
