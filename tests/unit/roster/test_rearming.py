"""However a schedule changes, and whoever owns the shard: what was due is told once or written off, and is numbered.

What was due under the old roster and is due under the new one is told, not written off; and numbers have no hole.
Dispatchers are the real core; the database is a few lines that do what the recorder and the use cases do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest

from api_service.store.rules import RuleVersion
from api_service.usecases import history
from api_service.usecases.skipping import skipped_by_change
from dispatcher_service.core.agenda import Ring, Skip
from dispatcher_service.core.held import body_at, report
from shared.domain.delivery import Delivery, MisfirePolicy
from shared.domain.event import Event, Status, begins_anew, series_of, timer_of
from shared.domain.oncall import OnCallEvent
from shared.domain.roster import TransitionKind
from shared.domain.subscription import Asked, Plan, first_roster, rearmed
from shared.timing.instants import LAST, Instant, to_datetime
from shared.timing.recurrence import Rule, Unit
from shared.timing.zones import zone
from tests.fakes.truth import Truth
from tests.unit.dispatcher.shards import live
from tests.unit.roster import drawn
from tests.unit.roster.drawn import HOUR, PEOPLE, at

BEGIN = at("2026-03-27T12:00")  # two days before the clocks of Europe change
GRACE = Delivery(misfire_policy=MisfirePolicy.ALL)


@dataclass
class Play:
    """A subscription, whoever owns its shard, and the ledger."""

    asked: Asked
    now: Instant = BEGIN
    told: dict[Instant, int] = field(default_factory=dict)  # the number that was told
    unreported: list[tuple[Instant, int]] = field(default_factory=list)  # with the version that was rung
    written_off: set[Instant] = field(default_factory=set)
    truth: Truth = field(default_factory=Truth)
    rules: list[RuleVersion] = field(default_factory=list)
    series: int = 0

    def __post_init__(self) -> None:
        self.event = Event(
            event_id="s",
            application_id=1,
            shard=0,
            version=0,
            status=Status.ACTIVE,
            event_owner="",
            interval="",
            timezone="UTC",
            start_date=None,
            end_date=LAST,
            callback_url="http://receiver.test/",
            context={},
            tags=(),
            created_date=BEGIN,
            updated_date=BEGIN,
            anchor=BEGIN,
            delivery=GRACE,
            schedule_id="schedule",
            roster=first_roster(_plan([]), self.asked, BEGIN),
        )
        self._write(self.event)
        self.owner = live(self.truth, "first")

    def change(self, events: list[OnCallEvent]) -> None:
        before, after = self.event, rearmed(self.event, _plan(events), self.asked, self.now)
        if after is before:
            return
        assert begins_anew(after, before)
        series = series_of(before)
        for stretch in skipped_by_change(before, self.now, after.anchor) if after.anchor != before.anchor else ():
            instants = series.upcoming(stretch.first - 1, stretch.count)
            assert instants[-1] == stretch.last
            self.written_off.update(instant for instant in instants if instant not in self.told)
        assert not _still_due(before, after, self.now) & self.written_off, "what is due under both is told"
        version = self._write(after)
        self.series = version
        shard, _ = self.owner
        shard.change(version, self.truth.change(version))

    def pass_time(self, hours: int) -> None:
        """The owner does what is due, each as it comes."""
        self._report()
        until = self.now + hours * HOUR
        _, agenda = self.owner
        while (due := agenda.next_due()) is not None and due <= until:
            self._take(max(due, self.now))
        self.now = until

    def stand_still(self, hours: int) -> None:
        """Time passes and the owner does not notice; then it catches up."""
        self.now += hours * HOUR

    def take_over(self) -> None:
        self._report()
        timer = self.truth.timers["s"]
        timer.anchor = max(self.event.anchor, self.event.settled_through or self.event.anchor)
        timer.settled = tuple(sorted(one for one in {*self.told, *self.written_off} if one > timer.anchor))
        self.owner = live(self.truth, f"owner {self.truth.epoch + 1}")

    def _take(self, now: Instant) -> None:
        shard, agenda = self.owner
        for decision in agenda.take(now) or []:
            held = shard.timers["s"]
            if isinstance(decision, Ring):
                assert decision.nominal not in self.told, "told twice"
                self.told[decision.nominal] = json.loads(body_at(held, decision.nominal))["sequence"]
                self.unreported.append((decision.nominal, held.timer.version))
            elif isinstance(decision, Skip):
                self.written_off.update(held.series.upcoming(decision.first - 1, decision.count))
                self._settle(decision.settled_through, held.timer.version)

    def _report(self) -> None:
        """The ledger hears of what was told; changes may have been made meanwhile."""
        shard, _ = self.owner
        for nominal, version in self.unreported:
            self._settle(report(shard.timers["s"], nominal, finished=True), version)
        self.unreported = []

    def _settle(self, through: Instant, version: int) -> None:
        if version >= self.series:
            self.event = replace(self.event, settled_through=max(through, self.event.settled_through or 0))

    def _write(self, event: Event) -> int:
        version = self.truth.put(timer_of(event))
        self.event = replace(event, version=version)
        self.rules.append(
            RuleVersion(
                version=version,
                valid_from=event.updated_date,
                interval="",
                timezone="UTC",
                end_date=LAST,
                anchor=event.anchor,
                paused=False,
                roster=event.roster,
            )
        )
        return version


class Whim:
    """Somebody who changes a schedule all the time, about the hours at which it is."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        on = self.random.sample(list(TransitionKind), self.random.randint(1, len(TransitionKind)))
        lead = HOUR if TransitionKind.SHIFT_STARTING in on else 0
        self.play = Play(asked=Asked(on=tuple(kind for kind in TransitionKind if kind in on), lead_ms=lead))
        self.events: dict[str, OnCallEvent] = {}

    def step(self, number: int) -> None:
        match self.random.choice(["add", "replace", "remove", "time", "time", "time", "away", "away", "takeover"]):
            case "add":
                self.events[f"e{number}"] = self._event(f"e{number}")
                self.play.change(list(self.events.values()))
            case "replace" if self.events:
                name = self.random.choice(sorted(self.events))
                self.events[name] = self._event(name)
                self.play.change(list(self.events.values()))
            case "remove" if len(self.events) > 1:
                del self.events[self.random.choice(sorted(self.events))]
                self.play.change(list(self.events.values()))
            case "away":
                self.play.stand_still(self.random.randint(1, 9))
            case "takeover":
                self.play.take_over()
            case _:
                self.play.pass_time(self.random.randint(1, 40))
                self.play.now += self.random.choice([0, 30_000, 50_000])

    def _event(self, name: str) -> OnCallEvent:
        zone_name = self.random.choice(drawn.ZONES)
        here = to_datetime(self.play.now).astimezone(zone(zone_name)).replace(tzinfo=None, minute=0, second=0)
        start = here + timedelta(hours=self.random.randint(-30, 30), seconds=self.random.choice([0, 0, 20, 40]))
        if self.random.random() < 0.3:
            start = here + timedelta(seconds=self.random.choice([0, 20, 40]))
        unit = self.random.choice([None, Unit.HOURLY, Unit.DAILY, Unit.DAILY, Unit.WEEKLY])
        hours = self.random.choice([1, 8, 12, 24])
        people = self.random.sample([name for name, _ in PEOPLE], self.random.randint(1, 3))
        rotation = unit is not None and self.random.random() < 0.5
        rule = Rule(
            start=start,
            end=start + timedelta(hours=hours),
            zone=zone_name,
            unit=unit,
            frequency=hours if unit is Unit.HOURLY else 1,
            turns=len(people) if rotation else 0,
        )
        layer = self.random.randint(1, 2)
        return OnCallEvent(event_id=name, layer=layer, rule=rule, attendees=tuple(people), rotation=rotation)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_lost_or_told_twice_and_numbers_have_no_hole(seed: int) -> None:
    whim = Whim(seed)
    for number in range(80):
        whim.step(number)
    play = whim.play
    play.pass_time(12)

    segments = history.segments(play.rules, BEGIN, play.now, seed="s")
    due = {due.nominal for segment in segments for due in segment.dues()}
    assert due - {*play.told, *play.written_off} == set(), "lost"
    assert {*play.told} - due == set(), "made up"
    accounted = sorted({*play.told, *play.written_off})
    assert play.told == {one: number for number, one in enumerate(accounted, start=1) if one in play.told}


def test_whoever_takes_over_from_this_minute_on_is_told_of_and_whoever_did_an_hour_ago_is_not() -> None:
    play = Play(asked=Asked(on=(TransitionKind.SHIFT_STARTED,)))
    weeks = drawn.event("weeks", "2026-03-01T00:00", "2026-03-08T00:00", "u1", "u2", unit=Unit.WEEKLY, rotation=True)
    play.change([weeks])
    play.pass_time(24)
    play.now += 20_000
    hour_ago = drawn.event("hour ago", "2026-03-28T11:00", "2026-03-28T18:00", "u3")
    this_minute = drawn.event("this minute", "2026-03-28T12:00", "2026-03-28T18:00", "u4")

    play.change([weeks, hour_ago])
    play.change([weeks, hour_ago, this_minute])
    play.pass_time(8)

    assert play.told == {at("2026-03-28T12:00"): 1}
    due = [due.nominal for segment in history.segments(play.rules, BEGIN, play.now, seed="s") for due in segment.dues()]
    assert due == [at("2026-03-28T12:00")]


def test_no_number_is_given_twice_where_something_has_been_told_since() -> None:
    play = Play(asked=Asked(on=(TransitionKind.SHIFT_STARTED,)))
    play.change([first := drawn.event("first", "2026-03-27T12:30:20", "2026-03-27T18:00", "u1")])
    play.pass_time(1)
    play.now = at("2026-03-27T12:30:40")
    earlier = drawn.event("earlier", "2026-03-27T12:30:10", "2026-03-27T18:00", "u2")
    play.change([first, earlier, drawn.event("next", "2026-03-27T13:30", "2026-03-27T18:00", "u3")])
    play.pass_time(2)

    assert play.told == {at("2026-03-27T12:30:20"): 1, at("2026-03-27T13:30"): 2}


def test_a_pause_between_two_rosters_makes_nothing_due_twice() -> None:
    daily = drawn.event("daily", "2026-03-20T06:00", "2026-03-20T18:00", "u1", unit=Unit.DAILY)
    play = Play(asked=Asked(on=(TransitionKind.SHIFT_STARTED,)))
    play.change([daily])
    play.now += 26 * HOUR
    play.rules.append(replace(play.rules[-1], version=play.rules[-1].version + 1, valid_from=play.now, paused=True))
    play.now += HOUR
    play.change([replace(daily, attendees=("u2",))])

    segments = history.segments(play.rules, BEGIN, play.now, seed="s")
    assert [due.nominal for segment in segments for due in segment.dues()] == [at("2026-03-28T06:00")]


def _plan(events: list[OnCallEvent]) -> Plan:
    return Plan(schedule_id="schedule", events=tuple(events), names=PEOPLE)


def _still_due(before: Event, after: Event, now: Instant) -> set[Instant]:
    """What both rosters have, after all in which they differ, of what the ledger does not know to be settled."""
    since = max(before.anchor, before.settled_through or before.anchor)
    had, has = (
        {*series.upcoming(since, series.count_between(since, now))} for series in map(series_of, (before, after))
    )
    differ = max(had ^ has, default=since)
    return {instant for instant in had if instant > differ}
