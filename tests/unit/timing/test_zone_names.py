"""The names that people pick a zone by: which there are, what they mean, and one way to write each."""

from unicodedata import normalize

import pytest

from shared.timing import zones
from shared.timing.zone_names import LISTED, canonical, iana
from shared.timing.zones import UnknownZone

MIS_ENCODED = "Mazatlán".encode().decode("mac_roman")


def test_the_list_is_long_and_begins_and_ends_as_it_was_promised() -> None:
    assert len(LISTED) == len(set(LISTED)) == 151
    assert LISTED[:3] == ("International Date Line West", "American Samoa", "Midway Island")
    assert LISTED[9] == "Mazatlán"
    assert LISTED[-2:] == ("Samoa", "Tokelau Is.")


@pytest.mark.parametrize("name", LISTED)
def test_each_listed_name_is_a_zone_and_its_own_spelling(name: str) -> None:
    assert canonical(name) == name
    assert zones.canonical_name(iana(name)) == iana(name)


@pytest.mark.parametrize(
    ("said", "name", "place"),
    [
        ("Pacific Time (US & Canada)", "Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("pacific time (us & canada)", "Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("Arizona", "Arizona", "America/Phoenix"),
        ("UTC", "UTC", "Etc/UTC"),
        ("Mazatlan", "Mazatlán", "America/Mazatlan"),
        (MIS_ENCODED, "Mazatlán", "America/Mazatlan"),
        (normalize("NFD", "Mazatlán"), "Mazatlán", "America/Mazatlan"),
        ("America/Mazatlan", "America/Mazatlan", "America/Mazatlan"),
        ("america/new_york", "America/New_York", "America/New_York"),
        ("US/Eastern", "US/Eastern", "US/Eastern"),
    ],
)
def test_names_in_and_out(said: str, name: str, place: str) -> None:
    assert (canonical(said), iana(said)) == (name, place)


def test_the_mis_encoded_name_never_goes_out() -> None:
    assert MIS_ENCODED not in LISTED
    assert MIS_ENCODED not in {canonical(name) for name in (*LISTED, MIS_ENCODED)}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Pacific Time", "Pacific Time (US & Canada)"),
        ("Eastern Time (US)", "Eastern Time (US & Canada)"),
        ("Londn", "London"),
        ("Europe/Lodon", "Europe/London"),
        ("new york", "America/New_York"),
        ("", "none was named"),
        (7, "int"),
        ("x" * 100_000, "IANA name"),
    ],
)
def test_unknown_names_are_helped_along(said: str, told: str) -> None:
    with pytest.raises(UnknownZone) as refusal:
        iana(said)

    assert told in str(refusal.value)
    assert len(str(refusal.value)) < 250
