"""What a calendar tells of a zone is what the zone is: whoever reads it gets every instant right, to the second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Timezone
from icalendar.cal import Component

from api_service.calendars.zones import timezone
from shared.timing.instants import from_datetime
from shared.timing.zones import zone
from tests.unit.calendars.drawing import ZONES, changes_of


@pytest.mark.parametrize("name", ZONES)
def test_a_zone_is_told_as_it_is(name: str) -> None:
    told = Timezone.from_ical(timezone(name, 2020, 2030).to_ical())
    first, *others = sorted(_onsets(told))
    assert first == (datetime(2020, 1, 1, tzinfo=UTC), zone(name).utcoffset(first[0].astimezone(zone(name))))
    assert [from_datetime(begins) for begins, _ in others] == changes_of(name)
    for begins, offset in others:
        assert begins.astimezone(zone(name)).utcoffset() == offset


def _onsets(told: Component) -> Iterator[tuple[datetime, timedelta]]:
    """Every change that is told: when, and how far the wall is ahead of UTC from then on."""
    observances: list[Any] = list(told.subcomponents)
    for observance in observances:
        listed: Any = observance.get("RDATE")
        for moment in [observance.DTSTART, *(each.dt for each in (listed.dts if listed else []))]:
            yield (moment - observance.TZOFFSETFROM).replace(tzinfo=UTC), observance.TZOFFSETTO


def test_changes_are_told_in_the_time_before_them() -> None:
    told = timezone("America/New_York", 2026, 2026).to_ical().decode()
    assert "DTSTART:20260308T020000" in told
    assert "DTSTART:20261101T020000" in told
