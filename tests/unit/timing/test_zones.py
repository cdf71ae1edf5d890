"""Zones come from the tzdata package, by any case of their name, and a wrong name is helped along."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import _zoneinfo  # type: ignore[attr-defined]

import pytest

from shared.timing import zones
from shared.timing.stretches import stretches
from shared.timing.zones import UnknownZone, canonical_name, zone


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Europe/London", "Europe/London"),
        ("europe/london", "Europe/London"),
        ("AMERICA/NEW_YORK", "America/New_York"),
        ("utc", "UTC"),
        ("est", "EST"),
        ("us/eastern", "US/Eastern"),
        ("etc/gmt+5", "Etc/GMT+5"),
        ("america/port-au-prince", "America/Port-au-Prince"),
    ],
)
def test_names_in_any_case(said: str, name: str) -> None:
    assert canonical_name(said) == name
    assert zone(said).key == name
    assert zone(said) is zone(name)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Europe/Lodon", "Europe/London"),
        ("new york", "America/New_York"),
        ("London", "Europe/London"),
        ("", "none was named"),
        ("Mars/Olympus_Mons", "IANA name"),
        ("../../etc/passwd", "not a known time zone"),
        ("Europe/London\0", "Europe/London"),
        ("/usr/share/zoneinfo/UTC", "not a known time zone"),
        ("Factory", "not a known time zone"),
        ("localtime", "not a known time zone"),
        (" UTC", "UTC"),
        ("x" * 100_000, "not a known time zone"),
        (None, "NoneType"),
    ],
)
def test_unknown_names_are_helped_along(said: str, told: str) -> None:
    with pytest.raises(UnknownZone) as refusal:
        zone(said)

    assert told in str(refusal.value)
    assert len(str(refusal.value)) < 250


def test_every_listed_zone_opens() -> None:
    for name in (files("tzdata") / "zones").read_text(encoding="utf-8").split():
        if name != "Factory":
            assert zone(name).utcoffset(datetime(2026, 1, 1, tzinfo=UTC)) is not None


def test_the_hosts_own_zone_files_are_not_read() -> None:
    script = (
        "import sys; opened = []; "
        "sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == 'open' else None); "
        "from shared.timing.zones import zone; zone('Europe/London').utcoffset(None); "
        "print([path for path in opened if '/usr/share/zoneinfo' in path or '/etc/localtime' in path])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "[]"


@pytest.mark.parametrize(
    "name",
    [
        "Africa/Cairo",
        "America/Havana",
        "America/Noronha",
        "Antarctica/Troll",
        "Asia/Gaza",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Europe/London",
        "Pacific/Apia",
        "UTC",
    ],
)
def test_stretches_are_the_changes_of_the_tz_database(name: str) -> None:
    # The pure-Python reader keeps the file's own list of changes, which ours finds by looking.
    with (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        listed = _zoneinfo.ZoneInfo.from_file(data)
    until = int(datetime(2045, 1, 1, tzinfo=UTC).timestamp())
    offsets = [listed._tti_before.utcoff, *(kind.utcoff for kind in listed._ttinfos)]
    moments = [
        (moment, after - before)
        for moment, before, after in zip(listed._trans_utc, offsets, offsets[1:], strict=False)
        if moment >= 0 and before != after
    ]

    found, last = [], None
    for stretch in stretches(zone(name), 0):
        if stretch.begins > until:
            break
        if last is not None and last.offset != stretch.offset:
            moved = timedelta(seconds=stretch.offset - last.offset)
            found.append((stretch.begins, moved))
            assert (stretch.repeated, last.skipped) == (
                max(0, -moved // timedelta(seconds=1)),
                max(0, moved // timedelta(seconds=1)),
            )
        last = stretch

    assert [change for change in found if change[0] > 0][: len(moments)] == [
        m for m in moments if m[0] > 0 and m[0] <= until
    ]


def test_the_list_of_names_is_read_once() -> None:
    assert zones._names() is zones._names()
