"""The judge of the chaos run acquits what was right, and finds each thing that can be wrong."""

from __future__ import annotations

import pytest

from tests.chaos.excuses import HEARD_MS, TRAVEL_MS
from tests.chaos.journal import Move, Story, Turn
from tests.chaos.truth import expected
from tests.unit.chaos.scene import CREATED, END, RINGS, T, arrival, entry, found, turn, verdict


def test_what_is_right_is_acquitted() -> None:
    judged = verdict()

    assert judged.violations == []
    assert (judged.expected, judged.statuses["DELIVERED"], judged.latest) == (9, 9, 10)


def test_an_instant_that_the_ledger_does_not_know_is_missing() -> None:
    judged = verdict(entries=[entry(nominal) for nominal in RINGS[1:]])

    assert judged.missing == 1
    assert found("missing", judged)


def test_a_stretch_of_skipped_instants_accounts_for_each() -> None:
    stretch = entry(RINGS[0], "SKIPPED", last=RINGS[-1], count=9, reason="tired")
    judged = verdict(entries=[stretch], arrivals=[])

    assert judged.violations == []
    assert judged.skipped == {"tired": 9}


def test_a_stretch_that_counts_wrong_is_found() -> None:
    stretch = entry(RINGS[0], "SKIPPED", last=RINGS[-1], count=8, reason="tired")

    assert found("no rule", verdict(entries=[stretch], arrivals=[]))


def test_two_reasons_for_one_instant_are_found() -> None:
    twice = [entry(RINGS[0], "SKIPPED", last=RINGS[-1], count=9, reason="a"), entry(RINGS[1], "SKIPPED", reason="b")]

    assert found("told of twice", verdict(entries=twice, arrivals=[]))


@pytest.mark.parametrize("status", ["PENDING", "RETRYING"])
def test_what_still_runs_is_found(status: str) -> None:
    judged = verdict(entries=[entry(RINGS[0], status), *(entry(nominal) for nominal in RINGS[1:])])

    assert judged.running == 1
    assert found("still", judged)


def test_a_delivery_that_nobody_received_is_found() -> None:
    assert found("never arrived", verdict(arrivals=[arrival(nominal) for nominal in RINGS[1:]]))


def test_a_delivery_that_was_refused_is_found() -> None:
    assert len(found("was refused", verdict(path="/status/500"))) == len(RINGS)


def test_what_arrived_and_is_skipped_is_found() -> None:
    skipped = [entry(RINGS[0], "SKIPPED", reason="paused"), *(entry(nominal) for nominal in RINGS[1:])]

    assert found("SKIPPED (paused), and arrived", verdict(entries=skipped))


def test_a_failure_that_nobody_caused_is_found_and_one_that_the_receiver_caused_is_not() -> None:
    failed = [entry(nominal, "FAILED", reason="exhausted") for nominal in RINGS]

    assert found("the receiver is well", verdict(entries=failed))
    assert found("the receiver is well", verdict(entries=failed, path="/flaky/once"))
    assert verdict(entries=failed, path="/status/500").violations == []


def test_what_no_rule_has_is_found() -> None:
    stray = RINGS[0] + 500

    assert found("no rule", verdict(entries=[*map(entry, RINGS), entry(stray, "SKIPPED", reason="tired")]))
    assert found("no rule", verdict(arrivals=[*map(arrival, RINGS), arrival(stray)]))


def test_an_arrival_after_the_end_is_found_and_one_on_its_way_is_not() -> None:
    late = [*map(arrival, RINGS[:-1]), arrival(RINGS[-1], arrived=END + TRAVEL_MS)]
    assert found("after endDate", verdict(arrivals=late))
    assert verdict(arrivals=late, stall=1).violations == []

    late[-1] = arrival(RINGS[-1], arrived=END + TRAVEL_MS - 1)
    assert verdict(arrivals=late).violations == []


def test_a_new_end_holds_once_it_is_heard() -> None:
    sooner = turn(Move.END, 1.5, end=T + 3_000)
    kept = [*map(entry, RINGS[:2])]
    known = [arrival(one) for one in RINGS if one < sooner.ended + HEARD_MS]

    assert found("after endDate", verdict(sooner, entries=kept))
    assert not found("after endDate", verdict(sooner, entries=kept, arrivals=known))


def test_a_later_end_has_more_instants() -> None:
    later = turn(Move.END, 1.5, end=END + 2_000)

    assert verdict(later).missing == 2


@pytest.mark.parametrize(("move", "word"), [(Move.PAUSE, "pause"), (Move.DELETE, "deletion")])
def test_an_arrival_after_a_pause_or_deletion_was_heard_is_found(move: Move, word: str) -> None:
    stopped = turn(move, 2.5)
    heard = [one for one in RINGS if one < stopped.ended + HEARD_MS - 10]

    assert found(f"after {word}", verdict(stopped))
    assert not found(f"after {word}", verdict(stopped, arrivals=[*map(arrival, heard)]))


def test_what_is_resumed_may_ring() -> None:
    rung = [arrival(one) for one in RINGS if one - T not in {5_000, 6_000}]
    status = {one: "SKIPPED" if one - T in {5_000, 6_000} else "DELIVERED" for one in RINGS}
    swallowed = [entry(one, status[one], reason="paused" if status[one] == "SKIPPED" else "") for one in RINGS]
    judged = verdict(turn(Move.PAUSE, 1.5), turn(Move.RESUME, 6.5), entries=swallowed, arrivals=rung)

    assert judged.violations == []


def test_what_is_paused_at_its_end_is_accounted_for() -> None:
    """The rest of it is skipped; it does not fall out of the account because nobody resumed it."""
    paused = turn(Move.PAUSE, 2.5)
    judged = verdict(paused, entries=[*map(entry, RINGS[:2])], arrivals=[*map(arrival, RINGS[:2])])

    assert judged.missing == 7


def test_a_move_that_was_refused_at_the_end_decides_nothing() -> None:
    doubtful = Turn(move=Move.PAUSE, begun=END - 1_500, ended=END + 100, doubtful=True)

    assert verdict(doubtful).violations == []


def test_an_arrival_after_a_410_is_found_unless_the_event_was_being_changed_or_resumed() -> None:
    failed = [entry(nominal, "FAILED", reason="gone") for nominal in RINGS]
    again = [arrival(RINGS[4]), arrival(RINGS[-1])]

    assert found("after 410", verdict(entries=failed, path="/status/410", arrivals=again))
    for moved in (4.8, 8.5):
        resumed = turn(Move.RESUME, moved)
        assert not found("after 410", verdict(resumed, entries=failed, path="/status/410", arrivals=again))


def test_another_name_of_an_instant_is_found() -> None:
    twice = [*map(arrival, RINGS), arrival(RINGS[0], name="other", attempt=2)]

    assert found("arrived as other", verdict(arrivals=twice))


def test_a_ring_by_hand_is_asked_for_recorded_and_rung() -> None:
    asked = turn(Move.TRIGGER, 2.5, name=f"e-{T + 2_510}-manual")
    by_hand = entry(T + 2_510, name=asked.name)
    rung = arrival(T + 2_510, name=asked.name)
    right = verdict(asked, entries=[*map(entry, RINGS), by_hand], arrivals=[*map(arrival, RINGS), rung])

    assert (right.violations, right.expected) == ([], 10)
    assert found("missing from the ledger by hand", verdict(asked))
    assert found("never arrived", verdict(asked, entries=[*map(entry, RINGS), by_hand]))
    assert (
        len(found("no rule", verdict(entries=[*map(entry, RINGS), by_hand], arrivals=[*map(arrival, RINGS), rung])))
        == 2
    )


def test_another_attempt_is_no_repetition() -> None:
    assert verdict(arrivals=[*map(arrival, RINGS), arrival(RINGS[0], attempt=2)]).duplicates == {}


def test_a_change_of_rule_is_doubtful_only_while_it_is_made() -> None:
    change = Turn(move=Move.CHANGE, begun=T + 2_900, ended=T + 3_100, interval="*/5 * * * * *")

    assert expected(Story(event="e", turns=[CREATED, change])) == [T + 1_000, T + 2_000, T + 5_000]


def test_an_arrival_of_a_rule_that_was_changed_is_found_once_that_is_heard() -> None:
    change = turn(Move.CHANGE, 1.5, interval="*/5 * * * * *")
    kept = [entry(RINGS[0]), entry(T + 5_000)]
    unheard = [arrival(one) for one in RINGS if one < change.ended + HEARD_MS - 10 or one == T + 5_000]

    assert found("no rule", verdict(change, entries=kept))
    assert verdict(change, entries=kept, arrivals=unheard).violations == []
