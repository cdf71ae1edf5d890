"""A feed is the window of shifts, one event a shift and person, named so that programs see what has become of which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from icalendar import Calendar, vText

from api_service.calendars import feed as feeds
from api_service.calendars.feed import Feed, feed_text, feed_window, fingerprint
from api_service.calendars.nouns import Entry, Person
from api_service.calendars.shown import MOST_GONE, TOLD_FOR, Shown, event_of, form_of, shown_now
from shared.domain import oncall
from shared.domain.oncall import OnCallEvent
from shared.timing.instants import from_datetime
from shared.timing.recurrence import Rule, Unit
from tests.unit.calendars.drawing import DAY, PEOPLE, ZONES, Drawing, wall
from tests.unit.calendars.reading import Read, read

NOW = from_datetime(datetime(2026, 11, 26, 19, tzinfo=UTC))
GOLDEN = Path(__file__).parents[2] / "data" / "calendars" / "feed.ics"

WEEKLY = OnCallEvent(
    event_id="E1",
    layer=1,
    rule=Rule(wall("2026-11-23 09:00"), wall("2026-11-30 09:00"), "Europe/Berlin", Unit.WEEKLY, turns=2),
    attendees=("U1", "U2"),
    rotation=True,
)
DAILY = OnCallEvent(
    event_id="E2",
    layer=2,
    rule=Rule(wall("2026-11-20 22:00"), wall("2026-11-21 06:00"), "UTC", Unit.DAILY, repeat_end=date(2026, 12, 1)),
    attendees=("U3", "U4"),
)


def feed_of(*events: OnCallEvent, **facts: object) -> Feed:
    entries = tuple(Entry(event, NOW - DAY) for event in events)
    feed = Feed(name="Operations", window=feed_window(NOW), entries=entries, people=PEOPLE)
    return replace(feed, **facts)  # type: ignore[arg-type]


def events_of(feed: Feed) -> list[Read]:
    return read(feed_text(feed))


def uids(feed: Feed, status: str = "CONFIRMED") -> set[str]:
    return {event.uid for event in events_of(feed) if event.status == status}


def test_it_is_the_window_of_shifts_person_by_person() -> None:
    drawing = Drawing(1)
    for name in drawing.random.sample(ZONES, 20):
        change = drawing.change_of(name)
        events = drawing.events(name, change)
        window = feed_window(change)
        shifts = oncall.shifts(events, *window)
        if sum(len(shift.attendees) for shift in shifts) > 1_000:
            continue
        said = [
            (from_datetime(each.start), from_datetime(each.end), *each.people)
            for each in events_of(feed_of(*events, window=window))
        ]
        assert sorted(said) == sorted(
            (shift.start, shift.end, PEOPLE[person].name) for shift in shifts for _, person in shift.attendees
        )


def test_every_instant_is_in_utc_and_no_uid_comes_twice() -> None:
    text = feed_text(feed_of(WEEKLY, DAILY))
    assert all(line.endswith(b"Z") for line in text.split(b"\r\n") if line.startswith((b"DTSTART", b"DTEND")))
    assert len({each.uid for each in read(text)}) == len(read(text)) > 60


def test_a_shift_keeps_its_name_whatever_becomes_of_others() -> None:
    fewer = replace(WEEKLY, exceptions=frozenset({from_datetime(datetime(2026, 11, 30, 8, tzinfo=UTC))}))
    assert uids(feed_of(fewer)) < uids(feed_of(WEEKLY))
    assert uids(feed_of(WEEKLY, DAILY)) > uids(feed_of(WEEKLY))
    later = replace(WEEKLY, rule=replace(WEEKLY.rule, start=wall("2026-11-23 10:00"), end=wall("2026-11-30 10:00")))
    assert uids(feed_of(later)) >= uids(feed_of(WEEKLY)) - {"E1-0-U1@carillon"}


def test_what_was_shown_and_is_gone_is_cancelled() -> None:
    without = replace(DAILY, attendees=("U3",))
    cancelled = feed_of(without, gone=((DAILY, NOW),))
    assert uids(cancelled) == uids(feed_of(without))
    assert uids(cancelled, "CANCELLED") == uids(feed_of(DAILY)) - uids(feed_of(without))
    (first, *_) = [each for each in events_of(cancelled) if each.status == "CANCELLED"]
    assert first.stamp == datetime(2026, 11, 26, 19, tzinfo=UTC)
    (same, *_) = [each for each in events_of(feed_of(DAILY)) if each.uid == first.uid]
    assert (first.start, first.sequence > same.sequence) == (same.start, True)


def test_what_comes_back_is_cancelled_no_longer() -> None:
    assert uids(feed_of(DAILY, gone=((DAILY, NOW),)), "CANCELLED") == set()


def test_somebodys_own_feed_has_their_shifts_and_says_where() -> None:
    own = feed_of(WEEKLY, DAILY, person="U2", places={"E1": "Operations, night", "E2": "B"})
    found = events_of(own)
    assert {each.people for each in found} == {("Person 2",)}
    assert {each.summary for each in found} == {"On call: Operations, night (layer 1)"}
    assert uids(own) < uids(feed_of(WEEKLY, DAILY))


def test_names_come_back_as_they_are() -> None:
    name = 'Łukasz; "Ops", 👩‍🚒 \\ end' + "x" * 80 + "\nsecond line"
    told = feed_of(DAILY, name=name, people=PEOPLE | {"U3": Person(name + "\x07", "l@example.com")})
    calendar = Calendar.from_ical(feed_text(told))
    assert calendar["NAME"] == calendar["X-WR-CALNAME"] == vText(name).to_ical().decode()
    assert f"{name}  (layer 2)" in {each.summary for each in events_of(told)}
    assert max(map(len, feed_text(told).split(b"\r\n"))) <= 75


def test_the_same_facts_are_the_same_bytes_and_another_fact_another_fingerprint() -> None:
    feed = feed_of(WEEKLY, DAILY, gone=((replace(DAILY, attendees=("U0",)), NOW),))
    again = feed_of(WEEKLY, DAILY, gone=((replace(DAILY, attendees=("U0",)), NOW),))
    assert feed_text(feed) == feed_text(again)
    others = [
        replace(feed, name="Other"),
        replace(feed, window=feed_window(NOW + DAY)),
        replace(feed, entries=feed.entries[:1]),
        replace(feed, entries=(Entry(WEEKLY, NOW), *feed.entries[1:])),
        replace(feed, people=PEOPLE | {"U1": Person("New name", "u1@example.com")}),
        replace(feed, gone=()),
        replace(feed, person="U1"),
        replace(feed, places={"E1": "Elsewhere"}),
    ]
    assert len({fingerprint(each) for each in [feed, again, *others]}) == len(others) + 1
    assert feed_window(NOW) == feed_window(NOW + 4 * 3_600_000)


def test_there_is_a_bound_and_it_is_said() -> None:
    hourly = Rule(wall("2026-11-20 00:00"), wall("2026-11-20 01:00"), "UTC", Unit.HOURLY)
    busy = OnCallEvent(event_id="E3", layer=1, rule=hourly, attendees=tuple(PEOPLE))
    text = feed_text(feed_of(busy))
    assert text.count(b"BEGIN:VEVENT") == feeds.MOST_SHIFTS
    assert b"there are more" in text.replace(b"\r\n ", b"")


def test_it_is_written_as_it_always_was() -> None:
    gone = replace(DAILY, rule=replace(DAILY.rule, repeat_end=date(2026, 12, 2)))
    short = replace(WEEKLY, rule=replace(WEEKLY.rule, repeat_end=date(2026, 12, 8)))
    assert feed_text(feed_of(short, DAILY, gone=((gone, NOW),))) == GOLDEN.read_bytes()


def test_an_event_is_kept_as_it_was() -> None:
    drawing = Drawing(2)
    for name in drawing.random.sample(ZONES, 40):
        for event in drawing.events(name, drawing.change_of(name)):
            assert form_of(event_of(form_of(event))) == form_of(event)
            shifts = oncall.shifts([event], 0, NOW)
            kept = replace(event_of(form_of(event)), parent_id=event.parent_id)
            assert oncall.shifts([kept], 0, NOW) == shifts
    second = replace(
        DAILY, rule=Rule(wall("2026-11-01 01:00").replace(fold=1), wall("2026-11-01 03:00"), "America/New_York")
    )
    assert event_of(form_of(second)).rule.folds == (1, 0)


def test_what_was_shown_is_remembered_for_a_while_after_it_went() -> None:
    shown = shown_now([], [WEEKLY, DAILY], NOW)
    assert shown == {Shown(form_of(WEEKLY)), Shown(form_of(DAILY))}
    later = shown_now(shown, [WEEKLY], NOW + DAY)
    assert later == {Shown(form_of(WEEKLY)), Shown(form_of(DAILY), NOW + DAY)}
    assert shown_now(later, [WEEKLY], NOW + 2 * DAY) == later
    assert shown_now(later, [WEEKLY, DAILY], NOW + 2 * DAY) == shown
    assert shown_now(later, [WEEKLY], NOW + DAY + TOLD_FOR) == {Shown(form_of(WEEKLY))}


def test_of_what_is_gone_the_newest_is_remembered() -> None:
    shown: frozenset[Shown] = frozenset()
    for number in range(MOST_GONE + 5):
        shown = shown_now(shown, [replace(DAILY, layer=number + 1)], NOW + number)
    gone = [each for each in shown if each.gone is not None]
    assert len(gone) == MOST_GONE
    assert {event_of(each.form).layer for each in gone} == set(range(5, MOST_GONE + 5))
