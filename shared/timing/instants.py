"""Which moment is meant: one number, milliseconds since the Unix epoch in UTC.

Here moments change their clothes (a datetime, a number, ISO text) and nothing else. Arithmetic is on
integers, because a float cannot hold every millisecond of a far year.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

Instant: TypeAlias = int

FIRST: Final[Instant] = -62_135_596_800_000  # of the year 1, the first that a datetime has
LAST: Final[Instant] = 253_402_300_799_999  # of the year 9999, the last that a datetime has

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime, cut down to the millisecond it lies in."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} names no instant: it has no time zone")

    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=16_384)
def to_datetime(instant: Instant) -> datetime:
    """The instant as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=instant)


@lru_cache(maxsize=16_384)
def iso(instant: Instant) -> str:
    """The instant as we write it to people: ISO 8601 in UTC, always with milliseconds and a Z."""
    text = (_EPOCH + timedelta(milliseconds=instant)).isoformat(timespec="milliseconds")

    return text[:23] + "Z"
