"""Which clock on the wall: IANA time zones, by name, from the tzdata package alone.

Nothing here reads the host's own zone files: two machines of one installation must never disagree on
when nine o'clock is, so the rules travel with the release and change only with it.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

# Names of zones that are not places nor offsets but remarks on a machine's installation.
_NOT_A_CLOCK = frozenset({"factory", "localtime", "posixrules"})

# Asked for with any junk by strangers, so what is not a name must not grow a cache: only zones do.
_LONGEST_NAME = 64


class UnknownZone(ValueError):
    """No time zone has this name."""


def zone(name: str) -> ZoneInfo:
    """The clock of this IANA name, in whatever case it is written."""
    return _load(canonical_name(name))


def canonical_name(name: str) -> str:
    """The name as IANA spells it; links such as US/Eastern keep their own name."""
    try:
        return _names()[name.lower()]
    except (KeyError, AttributeError):
        raise UnknownZone(_refusal(name)) from None


@cache
def _load(name: str) -> ZoneInfo:
    with (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@cache
def _names() -> Mapping[str, str]:
    listed = (files("tzdata") / "zones").read_text(encoding="utf-8").split()

    return {name.lower(): name for name in listed if name.lower() not in _NOT_A_CLOCK}


def _refusal(name: object) -> str:
    if not isinstance(name, str):
        return f"a time zone is a text such as 'Europe/London', not {type(name).__name__}"
    if not name:
        return "a time zone is needed, such as 'Europe/London' or 'UTC', and none was named"

    wanted = name[:_LONGEST_NAME].lower()
    near = get_close_matches(wanted, _names(), n=3, cutoff=0.7)
    # People who type 'london' or 'new york' mean the last part of a name.
    city = wanted.replace(" ", "_")
    cities = [known for known in _names() if known.rpartition("/")[2] == city]
    meant = [_names()[known] for known in dict.fromkeys([*cities, *near])][:3]
    hint = f"did you mean {' or '.join(meant)}?" if meant else "use an IANA name such as 'Europe/London' or 'UTC'"

    return f"{name[:_LONGEST_NAME]!r} is not a known time zone; {hint}"
