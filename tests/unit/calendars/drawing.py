"""Schedules drawn at random, close to changes of clocks: series of every kind, with exceptions, ends and overrides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random

from api_service.calendars.nouns import Person
from shared.domain.oncall import OnCallEvent, Role
from shared.timing import recurrence
from shared.timing.instants import Instant, from_datetime, to_datetime
from shared.timing.recurrence import InvalidRecurrence, Occurrence, Rule, Unit
from shared.timing.zone_names import LISTED, iana
from shared.timing.zones import zone

ZONES = sorted(
    {iana(name) for name in LISTED} | {"Australia/Lord_Howe", "America/Havana", "Africa/El_Aaiun", "Antarctica/Troll"}
)
PEOPLE = {f"U{number}": Person(f"Person {number}", f"u{number}@example.com") for number in range(5)}
DAY = 86_400_000


class Drawing:
    """Draws from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def change_of(self, name: str) -> Instant:
        """A moment from 2020 to 2030 at which the zone's clock changes, or any where it never does."""
        changes = changes_of(name)
        return self.random.choice(changes) if changes else from_datetime(datetime(2026, 3, 8, 7, tzinfo=UTC))

    def events(self, name: str, change: Instant) -> list[OnCallEvent]:
        """A series that has occurrences around the change, and what overrides some of them."""
        series = self._series(name, change)
        near = list(recurrence.occurrences(series.rule, change - 40 * DAY, change + 40 * DAY))
        taken = self.random.sample(near, min(len(near), self.random.choice([0, 0, 1, 3])))
        overridden = taken[:1] if self.random.random() < 0.5 else []
        series = replace(series, exceptions=frozenset(each.start for each in taken))
        return [series] + [piece for each in overridden for piece in self._override(series, each)]

    def _series(self, name: str, change: Instant) -> OnCallEvent:
        while True:
            rotation = self.random.random() < 0.6
            attendees = tuple(self.random.sample(sorted(PEOPLE), self.random.randint(1, 4)))
            rule = self._rule(name, change, len(attendees) if rotation else 0)
            try:
                recurrence.validated(rule)
            except InvalidRecurrence:
                continue
            return OnCallEvent(
                event_id="S", layer=1, rule=self._ended(rule, change), attendees=attendees, rotation=rotation
            )

    def _rule(self, name: str, change: Instant, turns: int) -> Rule:
        random = self.random
        unit = random.choice(list(Unit))
        start = self._start(name, change, unit)
        length = random.choice([
            timedelta(minutes=15),
            timedelta(hours=1),
            timedelta(hours=8),
            timedelta(hours=12),
            timedelta(days=1),
            timedelta(days=3, hours=2),
            timedelta(days=7),
        ])
        end = start + length
        if unit in {Unit.MONTHLY, Unit.YEARLY} and random.random() < 0.4:
            end = _months_on(start, random.randint(1, 3))
        frequency = random.choice([1, 1, 2, 3, 4, 6, 8, 12, 24] if unit is Unit.HOURLY else [1, 1, 1, 2, 3, 5, 7])
        days = random.sample(range(7), random.randint(1, 6)) if random.random() < 0.45 else []
        return Rule(
            start=start, end=end, zone=name, unit=unit, frequency=frequency, days_of_week=frozenset(days), turns=turns
        )

    def _start(self, name: str, change: Instant, unit: Unit) -> datetime:
        """At any time of the day, mostly one at which clocks are changed; some time before the change."""
        there = to_datetime(change).astimezone(zone(name)).replace(tzinfo=None)
        back = {Unit.HOURLY: 5, Unit.DAILY: 60, Unit.WEEKLY: 200, Unit.MONTHLY: 900, Unit.YEARLY: 2000}[unit]
        day = (there - timedelta(days=self.random.randint(0, back))).date()
        if unit in {Unit.MONTHLY, Unit.YEARLY} and self.random.random() < 0.5:
            day = day.replace(day=1) - timedelta(days=self.random.choice([1, 1, 2, 3]))
        if unit is Unit.YEARLY and self.random.random() < 0.3:
            day = date(2016, 2, 29)
        hour = self.random.choice([0, 1, 2, 2, 3, there.hour, max(0, there.hour - 1), 9, 22])
        return wall(f"{day} {hour:02}:{self.random.choice([0, 0, 15, 30, 45]):02}")

    def _ended(self, rule: Rule, change: Instant) -> Rule:
        """With an end close to the change, or none."""
        kind = self.random.choice(["none", "none", "repeat_end", "terminated_on"])
        found = recurrence.first_from(rule, change + self.random.randint(-3, 5) * DAY)
        if found is None or found.index == 0 or kind == "none":
            return rule
        if kind == "terminated_on":
            return replace(rule, terminated_on=found.start)
        last = to_datetime(found.start).astimezone(zone(rule.zone)).date()
        return replace(rule, repeat_end=max(last, rule.start.date()))

    def _override(self, series: OnCallEvent, taken: Occurrence) -> list[OnCallEvent]:
        """The occurrence cut in two: somebody takes the first half, and the second stays with whoever had it."""
        middle = (taken.start + taken.end) // 2 // 60_000 * 60_000
        stays = series.attendees[taken.index % len(series.attendees)] if series.rotation else None
        halves = [
            ("O", Role.OVERRIDE, taken.start, middle, (self.random.choice(sorted(PEOPLE)),)),
            ("R", Role.REMAINDER, middle, taken.end, series.attendees if stays is None else (stays,)),
        ]
        return [
            OnCallEvent(
                event_id=name,
                layer=1,
                rule=_once(series.rule.zone, start, end),
                attendees=attendees,
                parent_id=series.event_id,
                role=role,
                covers=frozenset({taken.start}),
            )
            for name, role, start, end, attendees in halves
            if start < end
        ]


def wall(text: str) -> datetime:
    """A time on the wall."""
    return datetime.fromisoformat(text)


def _once(name: str, start: Instant, end: Instant) -> Rule:
    begins, ends = (to_datetime(each).astimezone(zone(name)).replace(tzinfo=None) for each in (start, end))
    return Rule(start=begins, end=ends, zone=name)


def _months_on(start: datetime, months: int) -> datetime:
    month = start.year * 12 + start.month - 1 + months
    return start.replace(year=month // 12, month=month % 12 + 1, day=min(start.day, 28))


@cache
def changes_of(name: str) -> list[Instant]:
    """The changes of a zone's clock from 2020 to 2030, found by looking: at every half hour of a day that has one."""
    place, moment, found = zone(name), datetime(2020, 1, 1, tzinfo=UTC), []
    while moment.year <= 2030:
        following = moment + timedelta(days=1)
        if moment.astimezone(place).utcoffset() != following.astimezone(place).utcoffset():
            before = moment.astimezone(place).utcoffset()
            halves = (moment + timedelta(minutes=30 * step) for step in range(1, 49))
            found.append(from_datetime(next(half for half in halves if half.astimezone(place).utcoffset() != before)))
        moment = following
    return found
