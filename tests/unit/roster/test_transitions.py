"""Who comes and who goes at a handover, told by the hour; and that computing it stays cheap however old a rule is."""

from __future__ import annotations

import json
from typing import Any

from shared.domain.roster_series import RosterSeries
from shared.timing.recurrence import Unit
from tests.unit.roster.drawn import at, event, roster

STARTED, ENDED, STARTING, GAP = "shift.started", "shift.ended", "shift.starting", "gap.started"


def told(series: RosterSeries, text: str) -> list[tuple[Any, ...]]:
    def ids(people: list[dict[str, str]]) -> list[str]:
        return [person["id"] for person in people]

    body = json.loads(series.body_at(at(text), "subscription"))
    return [(one["kind"], one["layer"], ids(one["goes"]), ids(one["comes"])) for one in body["transitions"]]


def test_a_body_to_the_byte() -> None:
    early = event("early", "2026-03-02T08:00", "2026-03-02T16:00", "u1", unit=Unit.DAILY)
    series = RosterSeries(roster([early], STARTED, begins=at("2026-03-02T09:00")))

    assert series.body_at(at("2026-03-03T08:00"), "sub").decode() == (
        '{"scheduleId":"schedule","subscriptionId":"sub","at":"2026-03-03T08:00:00.000Z","sequence":1,"revision":1,'
        '"transitions":[{"kind":"shift.started","layer":1,"goes":[],"comes":[{"id":"u1","name":"Person 1"}],'
        '"occurrence":{"event_id":"early","index":1,"start":"2026-03-03T08:00:00.000Z",'
        '"end":"2026-03-03T16:00:00.000Z"}}]}'
    )


def test_at_a_handover_one_shift_starts_and_another_ends() -> None:
    turns = event("r", "2026-03-02T08:00", "2026-03-03T08:00", "u1", "u2", unit=Unit.DAILY, rotation=True)
    series = RosterSeries(roster([turns], STARTED, ENDED, GAP))

    assert told(series, "2026-03-03T08:00") == [(STARTED, 1, ["u1"], ["u2"]), (ENDED, 1, ["u1"], ["u2"])]


def test_whoever_stays_neither_goes_nor_comes_though_the_shift_starts() -> None:
    alone = event("r", "2026-03-02T08:00", "2026-03-03T08:00", "u1", unit=Unit.DAILY)
    series = RosterSeries(roster([alone], STARTED, ENDED, GAP))

    assert told(series, "2026-03-03T08:00") == [(STARTED, 1, [], []), (ENDED, 1, [], [])]


def test_layers_are_told_apart_and_only_those_that_are_asked_for_are_told() -> None:
    events = [
        event("one", "2026-03-02T08:00", "2026-03-02T16:00", "u1"),
        event("two", "2026-03-02T16:00", "2026-03-02T20:00", "u2", layer=2),
    ]
    both, second = (RosterSeries(roster(events, STARTED, ENDED, GAP, layers=layers)) for layers in ([], [2]))

    assert told(both, "2026-03-02T16:00") == [
        (ENDED, 1, ["u1"], []),
        (GAP, 1, ["u1"], []),
        (STARTED, 2, [], ["u2"]),
    ]
    assert told(second, "2026-03-02T16:00") == [(STARTED, 2, [], ["u2"])]
    assert second.next_after(at("2026-03-01")) == at("2026-03-02T16:00")


def test_a_shift_is_announced_so_long_before_it_starts() -> None:
    events = [
        event("one", "2026-03-02T08:00", "2026-03-02T16:00", "u1"),
        event("two", "2026-03-02T16:00", "2026-03-02T20:00", "u2"),
    ]
    series = RosterSeries(roster(events, STARTING, lead_ms=1_800_000))

    assert series.upcoming(0, 5) == [at("2026-03-02T07:30"), at("2026-03-02T15:30")]
    assert told(series, "2026-03-02T15:30") == [(STARTING, 1, ["u1"], ["u2"])]


def test_no_gap_begins_while_somebody_else_stays() -> None:
    events = [
        event("short", "2026-03-02T08:00", "2026-03-02T12:00", "u1"),
        event("long", "2026-03-02T09:00", "2026-03-02T18:00", "u2"),
    ]

    assert RosterSeries(roster(events, GAP)).upcoming(0, 5) == [at("2026-03-02T18:00")]


def test_what_is_taken_out_of_a_series_that_has_no_breaks_opens_a_gap() -> None:
    gone = at("2026-03-10T08:00")
    daily = event(
        "d",
        "2026-03-02T08:00",
        "2026-03-03T08:00",
        "u1",
        "u2",
        unit=Unit.DAILY,
        rotation=True,
        exceptions=frozenset({gone}),
    )
    series = RosterSeries(roster([daily], GAP))

    assert series.upcoming(0, 5) == [gone]
    assert series.latest_through(0, at("2030-01-01")) == gone
    assert told(series, "2026-03-10T08:00") == [(GAP, 1, ["u2"], [])]


def test_of_two_who_go_at_once_each_goes_from_a_shift_of_their_own() -> None:
    events = [
        event("one", "2026-03-02T08:00", "2026-03-02T16:00", "u1"),
        event("two", "2026-03-02T12:00", "2026-03-02T16:00", "u2"),
        event("three", "2026-03-02T16:00", "2026-03-02T20:00", "u3", "u1"),
    ]
    series = RosterSeries(roster(events, STARTED, ENDED))

    assert told(series, "2026-03-02T16:00") == [
        (STARTED, 1, ["u2"], ["u3"]),
        (ENDED, 1, [], ["u3"]),
        (ENDED, 1, ["u2"], ["u3"]),
    ]
