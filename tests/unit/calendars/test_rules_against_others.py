"""What recurring-ical-events, which knows nothing of us, makes of the rule form is what is on call by our own account.

The one difference is named here: a shift that lies wholly within what a clock jumps over.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest
import recurring_ical_events
from icalendar import Calendar

from api_service.calendars.nouns import Entry
from api_service.calendars.rules import rule_form
from shared.domain import oncall
from shared.domain.oncall import OnCallEvent
from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.recurrence import Rule, Unit
from tests.unit.calendars.drawing import DAY, PEOPLE, ZONES, Drawing, wall
from tests.unit.calendars.reading import Read, read_event

Said: TypeAlias = tuple[Instant, Instant, frozenset[str]]

WINDOW = {Unit.HOURLY: 2, Unit.DAILY: 4, Unit.WEEKLY: 15, Unit.MONTHLY: 70, Unit.YEARLY: 400}
ROUNDS, SCHEDULES = 6, 100


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_library_that_is_not_ours_expands_the_rules_to_our_shifts(seed: int) -> None:
    drawing, compared = Drawing(seed), Counter[str]()
    while compared.total() < SCHEDULES:
        name = drawing.random.choice(ZONES)
        change = drawing.change_of(name)
        events = drawing.events(name, change)
        unit = events[0].rule.unit or Unit.DAILY
        window = (change - WINDOW[unit] * DAY, change + WINDOW[unit] * DAY)

        ours, theirs = our_shifts(events, window), their_shifts(events, window, now=change)
        assert ours == theirs, f"after {compared}: {events}"
        compared[unit] += bool(ours)
    assert min(compared[unit] for unit in Unit) >= 5


def test_that_is_more_than_five_hundred_schedules() -> None:
    assert ROUNDS * SCHEDULES >= 500


def test_the_one_difference_is_a_shift_that_a_clock_jumps_over() -> None:
    nights = Rule(wall("2026-03-01 02:15"), wall("2026-03-01 02:45"), "America/New_York", Unit.DAILY)
    event = OnCallEvent(event_id="S", layer=1, rule=nights, attendees=("U1",))
    change = from_datetime(datetime(2026, 3, 8, 7, tzinfo=UTC))
    day = (change - DAY // 2, change + DAY // 2)
    calendar = Calendar.from_ical(rule_form("Any", [Entry(event, 0)], PEOPLE, now=change))
    (theirs,) = [read_event(found) for found in recurring_ical_events.of(calendar).between(*map(to_datetime, day))]

    assert not our_shifts([event], day)
    assert jumped_over(theirs.start, theirs.end)
    assert not jumped_over(theirs.start, theirs.end + timedelta(hours=1))


def our_shifts(events: list[OnCallEvent], window: tuple[Instant, Instant]) -> Counter[Said]:
    return Counter(
        (shift.start, shift.end, frozenset(person for _, person in shift.attendees))
        for shift in oncall.shifts(events, *window)
    )


def their_shifts(events: list[OnCallEvent], window: tuple[Instant, Instant], *, now: Instant) -> Counter[Said]:
    calendar = Calendar.from_ical(rule_form("Any", [Entry(event, 0) for event in events], PEOPLE, now=now))
    # They look at the wall where the window ends, so a little more is asked for than is compared.
    found = recurring_ical_events.of(calendar).between(
        *(to_datetime(each) for each in (window[0] - DAY, window[1] + DAY))
    )
    events_found = [read_event(event) for event in found]
    said = [_said(event) for event in events_found if not jumped_over(event.start, event.end)]
    return Counter(each for each in said if each[0] < window[1] and each[1] > window[0])


def jumped_over(start: datetime, end: datetime) -> bool:
    """The named difference: the clock jumps over the start, and over all that follows up to the end."""
    return not exists(start) and (
        end.astimezone(UTC) <= start.astimezone(UTC) or not exists(end - timedelta(seconds=1))
    )


def exists(moment: datetime) -> bool:
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(tzinfo=None)


def _said(event: Read) -> Said:
    people = frozenset(email.partition("@")[0].upper() for email in event.emails)
    return from_datetime(event.start), from_datetime(event.end), people
