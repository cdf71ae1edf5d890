"""A year of several schedules through the dispatcher's own core, taken over every month: what is told is what happens.

What happens is found three times: by the core, from a list of shifts, and by a library that is not ours from the rules
that calendar programs are given.
"""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, TypeAlias

import pytest
import recurring_ical_events
from icalendar import Calendar

from api_service.calendars.nouns import Entry, Person
from api_service.calendars.rules import rule_form
from dispatcher_service.core.agenda import Ring
from dispatcher_service.core.held import body_at, report
from shared.domain import roster as rosters
from shared.domain.oncall import OnCallEvent, Shift, shifts
from shared.domain.roster import Roster, TransitionKind
from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.recurrence import Unit
from tests.fakes.clock import EPOCH
from tests.fakes.truth import Truth
from tests.unit.calendars.reading import read_event
from tests.unit.dispatcher.rules import timer
from tests.unit.dispatcher.shards import live
from tests.unit.roster.drawn import DAY, HOUR, PEOPLE, Told, at, event, happening, roster

END = EPOCH + 365 * DAY
EVERYTHING = tuple(TransitionKind)

Telling: TypeAlias = tuple[TransitionKind, int, tuple[str, ...], tuple[str, ...], str | None]

WEEKS = [
    event(
        "weeks",
        "2025-12-01T09:00",
        "2025-12-08T09:00",
        *("u0", "u1", "u2"),
        zone="Europe/Berlin",
        unit=Unit.WEEKLY,
        rotation=True,
        exceptions=frozenset({at("2026-03-23T09:00", "Europe/Berlin"), at("2026-07-06T09:00", "Europe/Berlin")}),
    ),
    # The week in which the clocks change has been overridden on its last day, and one in July is nobody's.
    event("before", "2026-03-23T09:00", "2026-03-29T01:00", "u1", zone="Europe/Berlin"),
    event("override", "2026-03-29T01:00", "2026-03-29T12:00", "u4", zone="Europe/Berlin"),
    event("after", "2026-03-29T12:00", "2026-03-30T09:00", "u1", zone="Europe/Berlin"),
    event("last", "2025-01-31T00:00", "2025-02-01T00:00", "u3", zone="Asia/Kathmandu", unit=Unit.MONTHLY, layer=2),
]
NIGHTS = [
    event(
        "day",
        "2026-01-01T07:00",
        "2026-01-01T19:00",
        *("u0", "u1"),
        unit=Unit.DAILY,
        rotation=True,
        zone="America/New_York",
    ),
    event(
        "night",
        "2026-01-01T19:00",
        "2026-01-02T07:00",
        *("u2", "u3"),
        unit=Unit.DAILY,
        rotation=True,
        zone="America/New_York",
    ),
    event(
        "office",
        "2026-01-05T09:00",
        "2026-01-05T17:00",
        *("u4", "u0"),
        layer=2,
        zone="Australia/Lord_Howe",
        unit=Unit.WEEKLY,
        days_of_week=frozenset({1, 2, 3, 4, 5}),
    ),
]
HOURS = [
    event(
        "hours",
        "2026-01-01T00:00",
        "2026-01-01T01:00",
        *("u0", "u1", "u2"),
        unit=Unit.HOURLY,
        frequency=1,
        rotation=True,
        zone="Australia/Lord_Howe",
    )
]


@pytest.fixture(autouse=True)
def _one_edition_of_the_zones() -> Iterator[None]:
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.parametrize("events", [WEEKS, NIGHTS, HOURS], ids=["weeks", "nights", "hours"])
def test_a_year_is_told_as_it_happens(events: list[OnCallEvent]) -> None:
    wanted = roster(events, *EVERYTHING, lead_ms=HOUR // 2, begins=EPOCH)

    told = a_year_of(wanted)

    expected = happening(shifts_of_ours(events), wanted, EPOCH + 1, END)
    assert {instant: tellings(body) for instant, body in told} == {
        instant: [unnumbered(each) for each in tellings_] for instant, tellings_ in expected.items()
    }
    numbers = [body["sequence"] for _, body in told]
    assert numbers == list(range(1, len(told) + 1))
    assert len(told) > 100

    theirs = happening(shifts_of_theirs(events), wanted, EPOCH + 1, END)
    assert {instant: [unnumbered(each) for each in said] for instant, said in theirs.items()} == {
        instant: tellings(body) for instant, body in told
    }


def a_year_of(wanted: Roster) -> list[tuple[Instant, dict[str, Any]]]:
    """What a subscription is told by owners of its shard that come and go, each as soon as it is due."""
    truth = Truth()
    truth.put(timer("s", rule="", roster=rosters.encode(wanted), anchor=EPOCH, end=END + 1))
    told: list[tuple[Instant, dict[str, Any]]] = []
    for month in range(13):
        shard, agenda = live(truth, f"owner {month}")
        until = min(EPOCH + (month + 1) * 30 * DAY, END)
        while (due := agenda.next_due()) is not None and due <= until:
            for decision in agenda.take(due) or []:
                assert isinstance(decision, Ring)
                held = shard.timers["s"]
                told.append((decision.nominal, json.loads(body_at(held, decision.nominal))))
                truth.timers["s"].anchor = report(held, decision.nominal, finished=True)
    return told


def shifts_of_ours(events: Sequence[OnCallEvent]) -> list[Shift]:
    return shifts(events, EPOCH - 40 * DAY, END + 40 * DAY)


def shifts_of_theirs(events: Sequence[OnCallEvent]) -> list[Shift]:
    """The shifts that a library of others makes of the rules of these events."""
    people = {name: Person(name=name, email=f"{name}@example.com") for name, _ in PEOPLE}
    layers = {one.event_id: one.layer for one in events}
    calendar = Calendar.from_ical(rule_form("A year", [Entry(one, 0) for one in events], people, now=EPOCH))
    window = (to_datetime(EPOCH - 25 * DAY), to_datetime(END + 10 * DAY))
    found = [read_event(each) for each in recurring_ical_events.of(calendar).between(*window)]
    return sorted(
        (
            Shift(
                event_id=(event_id := one.uid.partition("@")[0].rpartition("-")[0]),
                parent_id=None,
                layer=layers[event_id],
                zone="UTC",
                index=0,
                start=from_datetime(one.start.astimezone(UTC)),
                end=from_datetime(one.end.astimezone(UTC)),
                attendees=tuple(enumerate((email.partition("@")[0] for email in one.emails), start=1)),
            )
            for one in found
        ),
        key=lambda shift: (shift.start, shift.layer, shift.event_id),
    )


def tellings(body: dict[str, Any]) -> list[Telling]:
    return [
        (
            TransitionKind(one["kind"]),
            one["layer"],
            tuple(person["id"] for person in one["goes"]),
            tuple(person["id"] for person in one["comes"]),
            one["occurrence"] and one["occurrence"]["event_id"],
        )
        for one in body["transitions"]
    ]


def unnumbered(told: Told) -> Telling:
    kind, layer, goes, comes, place = told
    return kind, layer, goes, comes, place and place[0]
