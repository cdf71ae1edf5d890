"""Times of on-call events: in as an instant or as the clock on a wall, out as that wall shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from api_service import limits
from api_service.schemas.moments import has_lost_its_plus, read_datetime
from shared.timing.instants import Instant, from_datetime, to_datetime

_EXAMPLE = "2030-09-02T08:00:00.000-07:00"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UTC_NAMES = frozenset({"UTC", "Etc/UTC"})


def read_instant(text: str, clock: tzinfo = UTC) -> Instant:
    """The instant that the text names, with an offset or on this clock; raises ValueError with what would be right.

    On the clock, a time that happens twice is the first, and one that is skipped moves forward by the gap.
    """
    return from_datetime(_read(text, clock))


def read_wall(text: str, clock: tzinfo) -> datetime:
    """What this clock shows at the time that the text names, without a zone; raises ValueError.

    Where the clock shows it twice, `fold` says which is meant; a time that is skipped stays as it was written.
    """
    read = _read(text, clock)
    return read.astimezone(clock).replace(tzinfo=None) if read.tzinfo is not clock else read.replace(tzinfo=None)


def read_when(text: str) -> Instant | datetime:
    """The instant that the text names where it has an offset, and a time on whatever wall is meant where it has none.

    Raises ValueError.
    """
    read = _read(text, None)
    return read if read.tzinfo is None else from_datetime(read)


def show(instant: Instant, clock: tzinfo = UTC) -> str:
    """The instant in ISO 8601 with milliseconds, as this clock shows it."""
    text = to_datetime(instant).astimezone(clock).isoformat(timespec="milliseconds")
    return f"{text.removesuffix('+00:00')}Z" if str(clock) in _UTC_NAMES else text


def _read(text: str, clock: tzinfo | None) -> datetime:
    if has_lost_its_plus(text):
        text = "+".join(text.rsplit(" ", 1))
    read = read_datetime(f"{text}T00:00" if _DAY.fullmatch(text) else text)
    if read is None:
        raise ValueError(f"should be an ISO 8601 time, e.g. {_EXAMPLE} or 2030-09-02 08:00")
    if not limits.FIRST_YEAR <= read.year <= limits.LAST_YEAR_ON_CALL:
        raise ValueError(f"should lie in the years {limits.FIRST_YEAR} to {limits.LAST_YEAR_ON_CALL}")
    return read if read.tzinfo is not None else read.replace(tzinfo=clock)
