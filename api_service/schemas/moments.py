"""Dates as people write them: any ISO 8601 moment with an offset or `Z`, read to the millisecond."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from api_service import limits
from shared.timing.instants import Instant, from_datetime

_EXAMPLE = "2030-09-02T05:11:59.708Z"
_SHAPE = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d(?:-?[1-7])?|(?P<year>\d{4})-?(?P<day>\d{3}))"
    r"[Tt ](?P<time>\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?)"
    r"(?P<offset>[Zz]|[+-]\d\d(?::?[0-5]\d)?)?",
    re.ASCII,
)
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z")  # as we write them, say
_MIDNIGHT = re.compile(r"24(:?00)*([.,]0+)?")
_FIRST = from_datetime(datetime(limits.FIRST_YEAR, 1, 1, tzinfo=UTC))
_LAST = from_datetime(datetime(limits.LAST_YEAR, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))


def read_moment(text: str) -> Instant:
    """The moment that the text names; raises ValueError with a text that says what would be right."""
    if _USUAL.fullmatch(text) is not None:
        with suppress(ValueError):  # which is told below
            return _within_bounds(from_datetime(datetime.fromisoformat(text)))
    if has_lost_its_plus(text):
        raise ValueError("has a blank for the + of its offset; in a query string, write it as %2B")
    read = read_datetime(text)
    if read is None:
        raise ValueError(f"should be an ISO 8601 date with time and offset, e.g. {_EXAMPLE}")
    if read.tzinfo is None:
        raise ValueError(f"needs an offset or Z, e.g. {_EXAMPLE}")
    return _within_bounds(from_datetime(read))


def _within_bounds(moment: Instant) -> Instant:
    if not _FIRST <= moment <= _LAST:
        raise ValueError(f"should lie in the years {limits.FIRST_YEAR} to {limits.LAST_YEAR}")
    return moment


def read_datetime(text: str) -> datetime | None:
    """The date and time that the text names, without a zone where it names none; None where it is neither.

    Raises ValueError where no such date exists.
    """
    parts = _SHAPE.fullmatch(text) if len(text) <= limits.DATE_LENGTH else None
    if parts is None:
        return None
    try:
        return _moment(parts)
    except (ValueError, OverflowError):
        raise ValueError(f"is not a date that exists; write it e.g. as {_EXAMPLE}") from None


def has_lost_its_plus(text: str) -> bool:
    """Was it a date before its `+` was read as a query string has it?"""
    before, blank, offset = text.rpartition(" ")
    if not blank or len(text) > limits.DATE_LENGTH or _SHAPE.fullmatch(text) is not None:
        return False
    return _SHAPE.fullmatch(f"{before}+{offset}") is not None


def _moment(parts: re.Match[str]) -> datetime:
    date, days = parts["date"], 0
    if parts["day"] is not None:
        date, days = f"{parts['year']}0101", int(parts["day"]) - 1
        if not 0 <= days < _days_of(int(parts["year"])):
            raise ValueError("no such day of the year")
    time = parts["time"]
    if _MIDNIGHT.fullmatch(time) is not None:
        time, days = "00", days + 1
    return datetime.fromisoformat(f"{date}T{time}{(parts['offset'] or '').upper()}") + timedelta(days=days)


def _days_of(year: int) -> int:
    return datetime(year, 12, 31, tzinfo=UTC).timetuple().tm_yday
