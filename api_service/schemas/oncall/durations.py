"""How long something takes, as ISO 8601 says it: weeks, days, hours, minutes and seconds, which are always as long."""

from __future__ import annotations

import re
from typing import Final

_SAID: Final = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})S)?)?",
    re.ASCII,
)
_MS: Final = {"weeks": 604_800_000, "days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000}


def read_duration(text: str) -> int:
    """The duration in milliseconds; raises ValueError with what is wrong."""
    said = _SAID.fullmatch(text)
    if said is None or text == "P":
        raise ValueError("should be an ISO 8601 duration of weeks, days, hours, minutes or seconds, such as PT30M")
    return sum(int(number) * _MS[unit] for unit, number in said.groupdict().items() if number is not None)


def show_duration(duration_ms: int) -> str:
    """The duration, as short as it can be said."""
    left, words = duration_ms, {}
    for unit in ("days", "hours", "minutes", "seconds"):
        words[unit], left = divmod(left, _MS[unit])
    days = f"{words['days']}D" if words["days"] else ""
    clock = "".join(f"{words[unit]}{unit[0].upper()}" for unit in ("hours", "minutes", "seconds") if words[unit])
    return f"P{days}{'T' if clock else ''}{clock}" if duration_ms else "PT0S"
